import { asStored } from './json.ts';
import type { EndpointAuth } from './auth/endpoint-auth.ts';
import { fillHmac, type HmacSignatureDraft } from './auth/hmac-signature.ts';
import type { ApiSchema, Assignment, FailurePolicy, WebhookConfig, WebhookType } from './agent.ts';
import type { JsonValue } from './json.ts';
import type { RejectionRule } from './rejection/rejection-rule.ts';

/** An HTTP request template as it came over the wire. It is not validated. */
export interface ApiSchemaDraft {
  readonly url: string;
  readonly method: string;
  readonly requestHeaders: Readonly<Record<string, string>>;
  readonly requestBody?: JsonValue | undefined;
  readonly auth?: EndpointAuth | undefined;
  /** 0 and undefined mean the same. */
  readonly maxRedirects?: number | undefined;
}

/** An assignment as it came over the wire. It is not validated. */
export interface AssignmentDraft {
  readonly source: string;
  readonly attributeName: string;
  readonly dynamicVariable: string;
  readonly required: boolean;
  readonly defaultValue?: JsonValue | undefined;
  readonly assignNull?: boolean;
  readonly skipEmpty?: boolean;
}

/** A webhook's configuration as it came over the wire. It is not validated and lacks its defaults. */
export interface WebhookConfigDraft {
  readonly apiSchema?: ApiSchemaDraft | undefined;
  readonly assignments: readonly AssignmentDraft[];
  /** 0 means the default of the webhook's type. */
  readonly responseTimeoutSecs: number;
  readonly failurePolicy: FailurePolicy | 'unspecified' | 'unknown';
  readonly signingSecretNames: readonly string[];
  readonly hmacSignature?: HmacSignatureDraft | undefined;
  readonly rejection?: RejectionRule | undefined;
}

/** An empty HTTP request template. */
export const NO_SCHEMA: ApiSchemaDraft = { url: '', method: '', requestHeaders: {} };

/** An empty configuration. */
export const NO_CONFIG: WebhookConfigDraft = {
  assignments: [],
  responseTimeoutSecs: 0,
  failurePolicy: 'unspecified',
  signingSecretNames: [],
};

/** Returns a stored configuration as a draft that says the same. Masked header values stay masked. */
export function toDraft(config: WebhookConfig): WebhookConfigDraft {
  return {
    apiSchema: config.apiSchema,
    assignments: config.assignments.map((assignment) => ({ source: 'response', ...assignment })),
    responseTimeoutSecs: config.responseTimeoutSecs,
    failurePolicy: config.failurePolicy ?? 'unspecified',
    signingSecretNames: config.signingSecretNames,
    hmacSignature: config.hmacSignature,
    rejection: config.rejection,
  };
}

const DEFAULT_TIMEOUT_SECS: Readonly<Record<WebhookType, number>> = { pre_call: 10, post_call: 5 };

/** Returns a draft with the defaults of its type, so that reads show the values in force. It validates nothing. */
export function fillDefaults(draft: WebhookConfigDraft, type: WebhookType): WebhookConfig {
  return {
    apiSchema: fillSchema(draft.apiSchema ?? NO_SCHEMA),
    assignments: draft.assignments.map(fillAssignment),
    responseTimeoutSecs:
      draft.responseTimeoutSecs === 0 ? DEFAULT_TIMEOUT_SECS[type] : draft.responseTimeoutSecs,
    failurePolicy: fillPolicy(draft.failurePolicy, type),
    signingSecretNames: draft.signingSecretNames,
    ...(draft.hmacSignature === undefined ? {} : { hmacSignature: fillHmac(draft.hmacSignature) }),
    ...(draft.rejection === undefined ? {} : { rejection: draft.rejection }),
  };
}

function fillSchema(draft: ApiSchemaDraft): ApiSchema {
  const { url, method, requestHeaders, requestBody, auth, maxRedirects = 0 } = draft;
  return {
    url,
    method: method.toUpperCase(),
    requestHeaders,
    ...(requestBody === undefined ? {} : { requestBody }),
    ...(auth === undefined ? {} : { auth }),
    ...(maxRedirects === 0 ? {} : { maxRedirects }),
  };
}

function fillAssignment({
  attributeName,
  dynamicVariable,
  required,
  defaultValue,
  assignNull = false,
  skipEmpty = false,
}: AssignmentDraft): Assignment {
  return {
    attributeName,
    dynamicVariable,
    required,
    ...(defaultValue === undefined ? {} : { defaultValue }),
    ...(assignNull ? { assignNull } : {}),
    ...(skipEmpty ? { skipEmpty } : {}),
  };
}

function fillPolicy(policy: WebhookConfigDraft['failurePolicy'], type: WebhookType): FailurePolicy | null {
  if (type === 'post_call') return null;
  return policy === 'block' ? 'block' : 'proceed';
}

/** Returns a configuration with its JSON values as they are read back later. It recurses: check their depth first. */
export function configAsStored(config: WebhookConfig): WebhookConfig {
  const { requestBody, ...schema } = config.apiSchema;
  const { rejection } = config;
  return {
    ...config,
    apiSchema: requestBody === undefined ? schema : { ...schema, requestBody: asStored(requestBody) },
    assignments: config.assignments.map(({ defaultValue, ...rule }) =>
      defaultValue === undefined ? rule : { ...rule, defaultValue: asStored(defaultValue) },
    ),
    ...(rejection && { rejection: { ...rejection, equals: rejection.equals.map(asStored) } }),
  };
}
