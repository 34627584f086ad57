import type { StoredDecision } from '../../domain/call.ts';
import type { FailureCode } from '../../domain/failures.ts';
import { REASONS } from '../../errors.ts';
import type { AgentStore } from '../../store/agent-store.ts';
import type { ExecutionStore } from '../../store/execution-store.ts';
import type { MinuteStore } from '../../store/minute-store.ts';

// Every label has a closed set of values, and this file has all of these sets. The compiler holds those that mirror a type of
// another module; test/unit/ops/metrics/label-values.test.ts holds the others.

/** Stands for every value that is in no set, by the conventions of OpenTelemetry. */
export const OTHER = '_OTHER';

/** The RPCs of all services of the gRPC ports. Clients may call any path, and all others count as {@link OTHER}. */
export const RPC_METHODS: readonly string[] = [
  ...methodsOf('callhooks.v1.CallLifecycle', ['OnCallStart', 'OnCallEnd']),
  ...methodsOf('callhooks.v1.AgentAdmin', [
    ...['CreateAgent', 'GetAgent', 'ListAgents', 'UpdateAgent', 'DeleteAgent'],
  ]),
  ...methodsOf('callhooks.v1.WebhookAdmin', [
    ...['CreateWebhook', 'GetWebhook', 'ListWebhooks', 'UpdateWebhook', 'DeleteWebhook', 'TestWebhook'],
  ]),
  ...methodsOf('callhooks.v1.ExecutionLog', ['GetExecution', 'ListExecutions', 'WatchExecutions']),
  ...methodsOf('grpc.health.v1.Health', ['Check', 'List', 'Watch']),
  ...methodsOf('grpc.reflection.v1.ServerReflection', ['ServerReflectionInfo']),
  ...methodsOf('grpc.reflection.v1alpha.ServerReflection', ['ServerReflectionInfo']),
];

function methodsOf(service: string, names: readonly string[]): readonly string[] {
  return names.map((name) => `${service}/${name}`);
}

/** The names of the gRPC status codes, by their numbers. */
export const GRPC_CODES: readonly string[] = [
  ...['OK', 'CANCELLED', 'UNKNOWN', 'INVALID_ARGUMENT', 'DEADLINE_EXCEEDED', 'NOT_FOUND', 'ALREADY_EXISTS'],
  ...['PERMISSION_DENIED', 'RESOURCE_EXHAUSTED', 'FAILED_PRECONDITION', 'ABORTED', 'OUT_OF_RANGE'],
  ...['UNIMPLEMENTED', 'INTERNAL', 'UNAVAILABLE', 'DATA_LOSS', 'UNAUTHENTICATED'],
];

/** The reasons of `ErrorReason`, without its prefix. */
export const ERROR_REASONS: readonly string[] = Object.keys(REASONS);

/** The methods that a webhook can have. */
export const HTTP_METHODS: readonly string[] = ['GET', 'POST', 'PUT', 'PATCH', 'DELETE'];

/** The statuses that IANA has registered, and those of Cloudflare, which stands before many endpoints. */
const KNOWN_STATUSES: readonly number[] = [
  ...[100, 101, 102, 103, 104, 200, 201, 202, 203, 204, 205, 206, 207, 208, 226],
  ...[300, 301, 302, 303, 304, 305, 306, 307, 308],
  ...range(400, 418),
  ...[421, 422, 423, 424, 425, 426, 428, 429, 431, 451],
  ...[500, 501, 502, 503, 504, 505, 506, 507, 508, 510, 511],
  ...range(520, 526),
  530,
];
const STATUS_CLASSES = ['1xx', '2xx', '3xx', '4xx', '5xx'] as const;

/**
 * The values for the status of a response. An endpoint may answer any status, so one that nobody has registered counts as its
 * class, such as `5xx`. The empty value means that no response came, or one whose status is not between 100 and 599.
 */
export const HTTP_STATUSES: readonly string[] = ['', ...KNOWN_STATUSES.map(String), ...STATUS_CLASSES];

const isKnown = new Set(KNOWN_STATUSES);

/** Returns the value for the status of a response, one of {@link HTTP_STATUSES}. */
export function statusLabel(status: number | undefined): string {
  if (status === undefined) return '';
  return isKnown.has(status) ? String(status) : (STATUS_CLASSES[Math.floor(status / 100) - 1] ?? '');
}

function range(first: number, last: number): readonly number[] {
  return Array.from({ length: last - first + 1 }, (_, at) => first + at);
}

/** The codes of failures. */
export const FAILURE_CODES: readonly string[] = keysOf<FailureCode>({
  ...{ TIMEOUT: 1, DNS: 1, CONNECT: 1, TLS: 1, PROTOCOL: 1, EGRESS_DENIED: 1, HTTP_STATUS: 1, REDIRECT: 1 },
  ...{ RESPONSE_TOO_LARGE: 1, INVALID_RESPONSE: 1, ASSIGNMENT_MISSING: 1, RENDER: 1, OVERLOADED: 1 },
  ...{ EXPIRED: 1, WEBHOOK_REMOVED: 1, INTERRUPTED: 1, SHUTDOWN: 1, INTERNAL: 1, AUTH: 1 },
});

/** The codes of the failures that one HTTP request can have, in lower case. The empty value means that it had none. */
export const HTTP_ERROR_TYPES: readonly string[] = [
  ...['', 'timeout', 'dns', 'connect', 'tls', 'protocol', 'egress_denied', 'http_status', 'redirect'],
  ...['response_too_large', 'invalid_response', 'overloaded', 'shutdown', 'internal', OTHER],
];

/** The decisions about calls. */
export const DECISIONS: readonly string[] = keysOf<StoredDecision>({
  ...{ proceed: 1, proceed_degraded: 1, block: 1, block_rejected: 1 },
});

/** The functions of the stores. Each of them is one operation of the database. */
export const STORE_FUNCTIONS: readonly string[] = keysOf<
  keyof AgentStore | keyof ExecutionStore | keyof MinuteStore
>({
  ...{ write: 1, failUnsent: 1, findUncommitted: 1, findLocked: 1, findConversation: 1, findStart: 1 },
  ...{ findPostCall: 1, findDetails: 1, findExecution: 1, isSending: 1, listExecutions: 1 },
  ...{ listEndedKeys: 1, countEnded: 1, findEnded: 1, listEnded: 1 },
  ...{ findFinishedStarts: 1, listPendingWebhooks: 1, listPendingPostCalls: 1, countPending: 1 },
  ...{ countOverdue: 1, oldestPendingAgeMs: 1, findOverdue: 1, interruptOverdue: 1, interruptAllSending: 1 },
  ...{ abandonStart: 1, purge: 1, forgetKeys: 1, nowMs: 1 },
  ...{ insertAgent: 1, findAgent: 1, findAgentOfWebhook: 1, findUrls: 1, readForChange: 1, replaceAgent: 1 },
  ...{ listAgents: 1, listWebhooks: 1, writeMinutes: 1, listMinutes: 1, deleteMinutes: 1 },
});

// Fails to compile when a key is missing or is one too many.
function keysOf<Key extends string>(keys: Readonly<Record<Key, 1>>): readonly string[] {
  return Object.keys(keys);
}
