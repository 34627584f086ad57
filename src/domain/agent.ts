import type { EndpointAuth } from './auth/endpoint-auth.ts';
import type { HmacSignature } from './auth/hmac-signature.ts';
import type { JsonObject, JsonValue } from './json.ts';
import type { RejectionRule } from './rejection/rejection-rule.ts';

/** The moment at which a webhook runs: before the call is answered, or after the call. */
export type WebhookType = 'pre_call' | 'post_call';

/** What happens to a call whose pre-call webhook fails. */
export type FailurePolicy = 'proceed' | 'block';

/**
 * A rule that assigns an attribute of the response to a dynamic variable, or members of an object to the variables of
 * their names (`dynamicVariable` is `*`). `defaultValue` is undefined where none was given.
 */
export interface Assignment {
  readonly attributeName: string;
  readonly dynamicVariable: string;
  readonly required: boolean;
  readonly defaultValue?: JsonValue;
  /** Says whether null is a value. Otherwise it counts as not found. */
  readonly assignNull?: boolean;
  /** Says whether an empty text counts as not found. */
  readonly skipEmpty?: boolean;
}

/**
 * The HTTP request template. `requestHeaders` keeps the writer's names and order. `requestBody` is undefined without a
 * body.
 */
export interface ApiSchema {
  readonly url: string;
  /** In upper case. */
  readonly method: string;
  readonly requestHeaders: Readonly<Record<string, string>>;
  readonly requestBody?: JsonValue;
  readonly auth?: EndpointAuth;
  /** How many redirects are followed, 1 to 3. It is undefined where none is. */
  readonly maxRedirects?: number;
}

/** The configuration of a webhook with its defaults filled in. */
export interface WebhookConfig {
  readonly apiSchema: ApiSchema;
  readonly assignments: readonly Assignment[];
  readonly responseTimeoutSecs: number;
  /** It is null for a post-call webhook. */
  readonly failurePolicy: FailurePolicy | null;
  readonly signingSecretNames: readonly string[];
  readonly hmacSignature?: HmacSignature;
  /** It is absent for a post-call webhook, and where no response rejects a call. */
  readonly rejection?: RejectionRule;
}

/** An encrypted value. `keyId` names its key; `sealed` is base64 of nonce, ciphertext and tag. */
export interface SealedValue {
  readonly keyId: string;
  readonly sealed: string;
}

/**
 * A webhook as it is stored. In `config`, the values of sensitive literal headers and the secret literal texts of `auth`
 * read as {@link MASK}. Their true values lie sealed in `sealedHeaders`, by the header's name in lower case or as
 * `auth:basic.password`.
 */
export interface Webhook {
  readonly webhookUuid: string;
  readonly agentUuid: string;
  readonly webhookType: WebhookType;
  readonly config: WebhookConfig;
  readonly sealedHeaders: Readonly<Record<string, SealedValue>>;
  readonly disabled: boolean;
  readonly etag: string;
  readonly createdAtMs: number;
  readonly updatedAtMs: number;
}

/** An agent with its webhooks (at most one of each type) and its sealed secrets by name. */
export interface Agent {
  readonly agentUuid: string;
  readonly displayName: string;
  /** Default values by name. */
  readonly dynamicVariables: JsonObject;
  readonly webhooks: readonly Webhook[];
  readonly sealedSecrets: Readonly<Record<string, SealedValue>>;
  readonly etag: string;
  readonly createdAtMs: number;
  readonly updatedAtMs: number;
}
