/** Any JSON value; numbers are doubles, keys keep their order. */
export type JsonValue = null | boolean | number | string | JsonValue[] | JsonObject;
/** A JSON object. Never holds the key `__proto__`. */
export interface JsonObject {
  [key: string]: JsonValue;
}

export type WebhookType = 'pre_call' | 'post_call';
export type FailurePolicy = 'proceed' | 'block';
export type CallDecision = 'proceed' | 'block';

/** Takes an attribute of the response into a dynamic variable. `defaultValue` is undefined where none was given. */
export interface Assignment {
  readonly attributeName: string;
  readonly dynamicVariable: string;
  readonly required: boolean;
  readonly defaultValue?: JsonValue;
}

/** The HTTP request template. `requestHeaders` keeps the writer's names and order; `requestBody` undefined is none. */
export interface ApiSchema {
  readonly url: string;
  /** Upper case. */
  readonly method: string;
  readonly requestHeaders: Readonly<Record<string, string>>;
  readonly requestBody?: JsonValue;
}

/** A webhook's configuration with its defaults filled in. */
export interface WebhookConfig {
  readonly apiSchema: ApiSchema;
  readonly assignments: readonly Assignment[];
  readonly responseTimeoutSecs: number;
  /** Of a post-call webhook: null. */
  readonly failurePolicy: FailurePolicy | null;
  readonly signingSecretNames: readonly string[];
}

/** An encrypted value: `keyId` names the key, `sealed` is base64 of nonce, ciphertext and tag. */
export interface SealedValue {
  readonly keyId: string;
  readonly sealed: string;
}

/**
 * A webhook as stored. In `config`, the values of sensitive literal headers read as {@link MASK}; their true
 * values lie sealed in `sealedHeaders`, by the header's name in lower case.
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
  /** Name → default value. */
  readonly dynamicVariables: JsonObject;
  readonly webhooks: readonly Webhook[];
  readonly sealedSecrets: Readonly<Record<string, SealedValue>>;
  readonly etag: string;
  readonly createdAtMs: number;
  readonly updatedAtMs: number;
}

/** What a masked value reads as, everywhere. */
export const MASK = '••••••';

/** What is known of a call, as a lifecycle request gives it. Empty strings and undefined count as missing. */
export interface CallFacts {
  readonly callerPhone: string;
  readonly metadata: JsonObject;
  readonly dynamicVariables: JsonObject;
  /** Post-call only: seconds. */
  readonly callDurationSecs?: number;
  /** Post-call only. */
  readonly callSummary?: string;
  /** The caller's W3C trace context, so that the request names our span in it. */
  readonly traceparent?: string;
}

export type VariableSource = 'default' | 'request' | 'assignment' | 'assignment_default';

export type ExecutionState = 'accepted' | 'sending' | 'succeeded' | 'failed' | 'interrupted' | 'no_webhook';
export type Sent = 'no' | 'maybe' | 'yes';
export type TimeLimitSource = 'config' | 'deadline';
export type MissReason = 'not_found' | 'too_large' | 'too_deep';

export const FAILURE_CODES = [
  'TIMEOUT',
  'DNS',
  'CONNECT',
  'TLS',
  'PROTOCOL',
  'EGRESS_DENIED',
  'HTTP_STATUS',
  'REDIRECT',
  'RESPONSE_TOO_LARGE',
  'INVALID_RESPONSE',
  'ASSIGNMENT_MISSING',
  'RENDER',
  'OVERLOADED',
  'EXPIRED',
  'WEBHOOK_REMOVED',
  'INTERRUPTED',
  'SHUTDOWN',
  'INTERNAL',
] as const;
export type FailureCode = (typeof FAILURE_CODES)[number];

/** Why an execution did not succeed; `message` may be shown to clients and holds no secret. */
export interface Failure {
  readonly code: FailureCode;
  readonly message: string;
  readonly sent: Sent;
}

export interface MissedAssignment {
  readonly attributeName: string;
  readonly dynamicVariable: string;
  readonly reason: MissReason;
}

/** A header as recorded: values of sensitive names and known secrets are masked. */
export interface HttpHeader {
  readonly name: string;
  readonly value: string;
}

/** A recorded body: UTF-8 text cut at a character, or none of it where it is binary. */
export interface RecordedBody {
  readonly body: string;
  readonly bodyBinary: boolean;
  /** Bytes of the whole body as far as known. */
  readonly bodyBytes: number;
  readonly truncated: boolean;
}

export interface RequestRecord extends RecordedBody {
  readonly method: string;
  readonly url: string;
  readonly headers: readonly HttpHeader[];
}

export interface ResponseRecord extends RecordedBody {
  readonly status: number;
  readonly headers: readonly HttpHeader[];
}

/** Durations in milliseconds (fractions allowed); a phase that did not happen is absent. */
export interface Timings {
  readonly queuedMs?: number;
  readonly dnsMs?: number;
  readonly connectMs?: number;
  readonly tlsMs?: number;
  readonly firstByteMs?: number;
  readonly totalMs?: number;
}

/** What an execution row says, without the large parts that lie in tables of their own. */
export interface Execution {
  readonly executionUuid: string;
  readonly agentUuid: string;
  readonly conversationUuid: string;
  readonly webhookUuid: string;
  readonly webhookEtag: string;
  readonly webhookType: WebhookType;
  readonly state: ExecutionState;
  readonly failure?: Failure;
  /** Fixed at the claim; null for a post-call. */
  readonly failurePolicy: FailurePolicy | null;
  readonly timeLimitMs?: number;
  readonly timeLimitSource?: TimeLimitSource;
  readonly timings?: Timings;
  readonly missingVariables: readonly string[];
  readonly missedAssignments: readonly MissedAssignment[];
  readonly acceptedAtMs: number;
  readonly sendingAtMs?: number;
  readonly finishedAtMs?: number;
  /** The replica that claimed it. */
  readonly instance: string;
}

/** The large parts of an execution, read by `GetExecution` only. */
export interface ExecutionRecord {
  readonly request?: RequestRecord;
  readonly response?: ResponseRecord;
  readonly assignedVariables?: JsonObject;
}

/** What a start leaves for its repeats and its end: variables with sources as merged before the webhook ran. */
export interface StartVariables {
  readonly callerPhone: string;
  readonly variables: JsonObject;
  readonly sources: Readonly<Record<string, VariableSource>>;
  /** What the outcome assigned, with sources; absent until there is one, empty for a failure. */
  readonly assigned?: JsonObject;
  readonly assignedSources?: Readonly<Record<string, VariableSource>>;
}
