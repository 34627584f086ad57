import { Counter, Gauge, Registry } from 'prom-client';
import type { TokenFetchOutcome } from '../engine/access-tokens/fetch-access-token.ts';
import type { EngineFigures } from '../engine/engine.ts';
import type { ExecutionLine } from '../engine/webhook-run/outcome.ts';
import { STALL_MS, watchEventLoop } from './event-loop-watch.ts';

/** What a scrape reads from the running process. */
export interface Figures extends EngineFigures {
  /** gRPC in plaintext can be reached from other machines. */
  readonly isInsecure: boolean;
  /** Other machines can call every RPC without a token. */
  readonly isWithoutTokens: boolean;
  readonly isResolvedByProxy: boolean;
  readonly tlsFilesAreStale: boolean;
  /** Until when the certificate of the gRPC port is valid, in epoch milliseconds. It is Infinity without TLS. */
  readonly tlsExpiresAtMs: number;
  readonly hasWeakDurability: boolean;
  /** How many log lines were dropped since the start. */
  readonly droppedLogLines: number;
}

/** The metrics of the process. The values of labels come from closed sets: they hold no ids and no names of callers. */
export interface Metrics {
  countExecution(line: ExecutionLine): void;
  countReusedConnectionFailure(): void;
  countOtherDetails(): void;
  /** Counts a request for an OAuth2 access token. */
  countTokenFetch(outcome: TokenFetchOutcome): void;
  /** Counts a call that was refused at its arrival. `limit` comes from a closed set. */
  countRefused(limit: string): void;
  /** Counts an RPC that was refused because of who calls. `refusal` comes from a closed set. */
  countAccessRefused(refusal: string): void;
  /** Counts a client that did not come through the TLS handshake. */
  countHandshakeFailure(): void;
  /** Returns the page in the Prometheus text format. */
  page(): Promise<{ contentType: string; text: string }>;
  close(): void;
}

type GaugeRow = readonly [name: string, help: string, value: (figures: Figures) => number];

const GAUGES: readonly GaugeRow[] = [
  [
    'callhooks_pre_calls_in_flight',
    'Pre-calls and sent tests in flight.',
    (figures) => figures.preCallsInFlight,
  ],
  ['callhooks_post_calls_in_flight', 'Post-calls in flight.', (figures) => figures.postCallsInFlight],
  ['callhooks_buffered_bytes', 'Bytes reserved for calls in flight.', (figures) => figures.bufferedBytes],
  [
    'callhooks_post_calls_waiting',
    'Pending post-calls, counted every 10 s up to the limit.',
    (figures) => figures.pendingPostCalls,
  ],
  [
    'callhooks_executions_overdue',
    'Accepted or sending executions past their time, counted every 10 s up to 1,000. It must be 0.',
    (figures) => figures.overdue,
  ],
  ['callhooks_database_up', '1 while the database answers.', (figures) => Number(figures.databaseIsThere)],
  [
    'callhooks_insecure',
    '1 while plaintext gRPC can be reached from other machines.',
    (figures) => Number(figures.isInsecure),
  ],
  [
    'callhooks_without_tokens',
    '1 while other machines can call every RPC without a token.',
    (figures) => Number(figures.isWithoutTokens),
  ],
  [
    'callhooks_proxy_resolves',
    '1 while the egress proxy resolves names, and callhooks checks no address of them.',
    (figures) => Number(figures.isResolvedByProxy),
  ],
  [
    'callhooks_tls_files_stale',
    '1 while the TLS files of the gRPC port can not be used, and older ones are in use.',
    (figures) => Number(figures.tlsFilesAreStale),
  ],
  [
    'callhooks_tls_certificate_expires_seconds',
    'Until when the TLS certificate of the gRPC port is valid, in seconds since 1970.',
    (figures) => figures.tlsExpiresAtMs / 1_000,
  ],
  [
    'callhooks_weak_durability',
    '1 if settings of the database may lose committed rows in a crash.',
    (figures) => Number(figures.hasWeakDurability),
  ],
];

/** Makes the metrics. Each scrape calls `read`. */
export function createMetrics(read: () => Figures): Metrics {
  const registry = new Registry();
  const registers = [registry];
  const gauge = (name: string, help: string, value: () => number): void => {
    new Gauge({
      name,
      help,
      registers,
      collect() {
        this.set(value());
      },
    });
  };
  const counter = <Label extends string>(name: string, help: string, labelNames: readonly Label[] = []) =>
    new Counter<Label>({ name, help, labelNames: [...labelNames], registers });

  for (const [name, help, value] of GAUGES) gauge(name, help, () => value(read()));
  const executions = counter(
    'callhooks_executions_total',
    'Executions that this replica finished. recorded="false": the row has another outcome, or could not be written.',
    ['type', 'outcome', 'code', 'recorded'],
  );
  const decisions = counter(
    'callhooks_call_decisions_total',
    'Calls that pre-calls of this replica decided about: proceed, proceed_degraded, block (by the policy), block_rejected (by the endpoint).',
    ['decision'],
  );
  const reused = counter(
    'callhooks_reused_connection_failures_total',
    'Reused connections that broke before a response head arrived.',
  );
  const otherDetails = counter(
    'callhooks_repeats_with_other_details_total',
    'Repeated OnCallStart and OnCallEnd requests with other call details than the first request.',
  );
  const tokenFetches = counter(
    'callhooks_access_token_fetches_total',
    'Requests for OAuth2 access tokens. refused: the status was not 2xx; failed: no answer, or no token in it.',
    ['outcome'],
  );
  const refused = counter(
    'callhooks_calls_refused_total',
    'Calls refused as LIMIT_REACHED at their arrival, before their message was read, by the limit that they met.',
    ['limit'],
  );
  const accessRefused = counter(
    'callhooks_access_refused_total',
    'RPCs refused because of who calls: no token, an unknown token, or a role that does not include the method.',
    ['refusal'],
  );
  const handshakes = counter(
    'callhooks_tls_handshake_failures_total',
    'Clients that did not come through the TLS handshake of the gRPC port.',
  );
  const stalls = counter(
    'callhooks_event_loop_stalls_total',
    `Times that the event loop stood still for over ${STALL_MS} ms: nothing was read, and time limits were checked late.`,
  );
  countDroppedLines(registry, () => read().droppedLogLines);
  const loop = watchEventLoop(() => stalls.inc());
  gauge(
    'callhooks_event_loop_delay_max_seconds',
    'The longest stall of the event loop since the last scrape.',
    loop.takeMaxDelaySeconds,
  );

  return {
    countExecution: ({ webhook_type: type, outcome, decision, failure_code: code = '', recorded }) => {
      executions.inc({ type, outcome, code, recorded: String(recorded) });
      if (decision !== undefined && recorded) decisions.inc({ decision });
    },
    countReusedConnectionFailure: () => reused.inc(),
    countOtherDetails: () => otherDetails.inc(),
    countTokenFetch: (outcome) => tokenFetches.inc({ outcome }),
    countRefused: (limit) => refused.inc({ limit }),
    countAccessRefused: (refusal) => accessRefused.inc({ refusal }),
    countHandshakeFailure: () => handshakes.inc(),
    page: async () => ({ contentType: registry.contentType, text: await registry.metrics() }),
    close: loop.close,
  };
}

// The log counts the lines itself, so a scrape sets the counter to its number.
function countDroppedLines(registry: Registry, droppedLines: () => number): void {
  new Counter({
    name: 'callhooks_log_lines_dropped_total',
    help: 'Log lines that standard output did not take in time.',
    registers: [registry],
    collect() {
      this.reset();
      this.inc(droppedLines());
    },
  });
}
