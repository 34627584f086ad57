import { STALL_MS } from './event-loop-watch.ts';
import { createCounter, createHistogram, type Counter, type Histogram, type LabelValues } from './metric.ts';
import {
  DECISIONS,
  ERROR_REASONS,
  FAILURE_CODES,
  GRPC_CODES,
  HTTP_ERROR_TYPES,
  HTTP_METHODS,
  HTTP_STATUSES,
  OTHER,
  RPC_METHODS,
  STORE_FUNCTIONS,
} from './label-values.ts';

/** The labels of a metric, each with all values that it can have. A value outside of these counts as the last one. */
type Labels = Readonly<Record<string, readonly string[]>>;

/** The buckets that OpenTelemetry advises for RPCs and HTTP requests, and those for the operations of databases. */
const CALL_SECONDS = [0.005, 0.01, 0.025, 0.05, 0.075, 0.1, 0.25, 0.5, 0.75, 1, 2.5, 5, 7.5, 10];
const DATABASE_SECONDS = [0.001, 0.005, 0.01, 0.05, 0.1, 0.5, 1, 5, 10];
/** A pre-call takes up to 60 s, and a post-call may wait for a day. */
const EXECUTION_SECONDS = [
  0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 300, 1_800, 7_200, 86_400,
];
const PHASE_SECONDS = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60];

const TYPES = ['pre_call', 'post_call'] as const;
const OUTCOMES = ['succeeded', 'failed', 'interrupted'] as const;
/** The outcomes with the codes that each of them can have. */
const ENDINGS: readonly LabelValues[] = [
  ['succeeded', ''],
  ...FAILURE_CODES.map((code) => [
    code === 'INTERRUPTED' || code === 'SHUTDOWN' ? 'interrupted' : 'failed',
    code,
  ]),
];

/** The metrics that the process counts while it works. Those in read-metrics.ts are read when the page is made. */
export type CountedMetrics = ReturnType<typeof createTable>;

/** Makes all metrics that the process counts while it works. */
export function createTable() {
  return {
    rpcs: histogram(
      'rpc_server_call_duration_seconds',
      'RPCs, from their first headers to their last byte. CANCELLED: the caller went away before its answer.',
      CALL_SECONDS,
      {
        rpc_system_name: ['grpc'],
        rpc_method: [...RPC_METHODS, OTHER],
        rpc_response_status_code: GRPC_CODES,
      },
    ),
    requests: histogram(
      'http_client_request_duration_seconds',
      'Requests to endpoints and token endpoints, each redirect by itself, also those that were not sent. No label names the endpoint, because there may be any number of them.',
      CALL_SECONDS,
      {
        http_request_method: [...HTTP_METHODS, OTHER],
        http_response_status_code: HTTP_STATUSES,
        error_type: HTTP_ERROR_TYPES,
      },
    ),
    operations: histogram(
      'db_client_operation_duration_seconds',
      'Operations of the database, with their wait for a connection. write: a batch of writes.',
      DATABASE_SECONDS,
      {
        db_system_name: ['sqlite', 'mysql', 'mariadb'],
        db_operation_name: STORE_FUNCTIONS,
        error_type: ['', 'away', 'conflict', 'busy', 'full', 'row', 'bug', OTHER],
      },
    ),
    executions: counter(
      'callhooks_executions_total',
      'Executions that this replica finished. Also post-calls that it failed unsent, and executions of others that it marked interrupted: their owner may still correct the mark of a post-call, and counts it again. recorded="false": the row has another outcome, or could not be written.',
      { type: TYPES, outcome: OUTCOMES, code: ['', ...FAILURE_CODES], recorded: ['true', 'false'] },
      TYPES.flatMap((type) => ENDINGS.map((ending) => [type, ...ending, 'true'])),
    ),
    decisions: counter(
      'callhooks_call_decisions_total',
      'Calls that pre-calls of this replica decided about: proceed, proceed_degraded, block (by the policy), block_rejected (by the endpoint).',
      { decision: DECISIONS },
    ),
    durations: histogram(
      'callhooks_execution_duration_seconds',
      'Executions: a pre-call from its arrival to its outcome, a post-call from its accept to its outcome.',
      EXECUTION_SECONDS,
      { type: TYPES, outcome: OUTCOMES },
    ),
    phases: histogram(
      'callhooks_execution_phase_seconds',
      'Phases of executions, as far as they happened. queued: until the request of a pre-call began.',
      PHASE_SECONDS,
      { phase: ['queued', 'dns', 'connect', 'tls', 'first_byte'] },
    ),
    rpcErrors: counter(
      'callhooks_rpc_errors_total',
      'RPCs that were refused, by the reason in their answer.',
      {
        reason: ERROR_REASONS,
      },
    ),
    refused: counter(
      'callhooks_calls_refused_total',
      'Calls refused at their arrival, before their message was read, by the limit that they met.',
      {
        limit: [
          ...['calls_waiting', 'write_queue_age', 'rpcs_per_connection', 'message_bytes', 'message_time'],
          'message_size',
        ],
      },
    ),
    accessRefused: counter(
      'callhooks_access_refused_total',
      'RPCs refused because of who calls: no token, an unknown token, or a role that does not include the method. A login to the console with an unknown token counts too.',
      { refusal: ['no_token', 'unknown_token', 'role_not_allowed'] },
    ),
    handshakes: counter(
      'callhooks_tls_handshake_failures_total',
      'Clients that did not come through the TLS handshake of the gRPC port.',
    ),
    otherDetails: counter(
      'callhooks_repeats_with_other_details_total',
      'Repeated OnCallStart and OnCallEnd requests with other call details than the first request.',
    ),
    reused: counter(
      'callhooks_reused_connection_failures_total',
      'Reused connections that broke before a response head arrived.',
    ),
    egressDenied: counter(
      'callhooks_egress_denied_total',
      'Targets that the egress policy forbids. save: a webhook was saved or tested; dial: a request was not sent; redirect: a redirect was not followed.',
      { where: ['save', 'dial', 'redirect'] },
    ),
    tokenFetches: counter(
      'callhooks_access_token_fetches_total',
      'Requests for OAuth2 access tokens. refused: the status was not 2xx; failed: no answer, or no token in it.',
      { outcome: ['fetched', 'refused', 'failed'] },
    ),
    undecryptable: counter(
      'callhooks_undecryptable_total',
      'Times that a stored value did not open here, because its key is missing or it is damaged. header: also a text of auth; post_call: a pending post-call was left for a replica with the key, counted at each try.',
      { what: ['secret', 'header', 'post_call'] },
    ),
    batches: histogram(
      'callhooks_write_batch_size',
      'Writes that one transaction tried to commit together.',
      [1, 2, 5, 10, 20, 50, 100, 200],
    ),
    stalls: counter(
      'callhooks_event_loop_stalls_total',
      `Times that the event loop stood still for over ${STALL_MS} ms: nothing was read, and time limits were checked late.`,
    ),
  };
}

function histogram(name: string, help: string, bounds: readonly number[], labels: Labels = {}): Histogram {
  return createHistogram({ name, type: 'histogram', help, labels }, bounds);
}

function counter(
  name: string,
  help: string,
  labels: Labels = {},
  fromStart: readonly LabelValues[] = combinationsOf(labels),
): Counter {
  return createCounter({ name, type: 'counter', help, labels }, fromStart);
}

// Only counters with one label, or none, are on the page from the start with all of their values.
function combinationsOf(labels: Labels): readonly LabelValues[] {
  const [values] = Object.values(labels);
  return values === undefined ? [[]] : values.map((value) => [value]);
}
