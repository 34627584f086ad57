import { monitorEventLoopDelay } from 'node:perf_hooks';
import { Counter, Gauge, Registry } from 'prom-client';

/** What a scrape reads off the running process. */
export interface Figures {
  readonly preCallsInFlight: number;
  readonly postCallsInFlight: number;
  readonly bufferedBytes: number;
  /** Accepted post-calls that wait, as last counted. */
  readonly waiting: number;
  /** Executions without an end although their time is over, as last counted: 0 on a healthy system. */
  readonly overdue: number;
  readonly databaseIsThere: boolean;
  /** Since the start. */
  readonly droppedLogLines: number;
}

/** An ended execution, in words from closed sets. */
export interface EndedExecution {
  readonly webhook_type: string;
  readonly outcome: string;
  readonly failure_code?: string;
  readonly recorded: boolean;
}

/** The process's metrics. Labels have values from closed sets only: no ids, no names of callers. */
export interface Metrics {
  countExecution(execution: EndedExecution): void;
  countReusedConnectionFailure(): void;
  countOtherDetails(): void;
  /** Counts an RPC that was refused at its arrival. `limit` comes from a closed set. */
  countRefused(limit: string): void;
  /** The page in the Prometheus text format. */
  page(): Promise<{ contentType: string; text: string }>;
  close(): void;
}

const DELAY_RESOLUTION_MS = 20;
const LOOP_WATCHED_EVERY_MS = 100;
const STALL_MS = 100;
const NANOS_PER_SECOND = 1e9;

/** Makes the metrics; `read` is asked at each scrape, `standing` hold for the life of the process. */
export const createMetrics = (
  read: () => Figures,
  standing: { readonly isInsecure: boolean; readonly hasWeakDurability: boolean },
): Metrics => {
  const registry = new Registry();
  const registers = [registry];
  const delay = monitorEventLoopDelay({ resolution: DELAY_RESOLUTION_MS });
  delay.enable();

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
  const counter = (name: string, help: string): Counter => new Counter({ name, help, registers });

  gauge(
    'callhooks_pre_calls_in_flight',
    'Pre-calls and sent tests in flight.',
    () => read().preCallsInFlight,
  );
  gauge('callhooks_post_calls_in_flight', 'Post-calls being sent.', () => read().postCallsInFlight);
  gauge('callhooks_buffered_bytes', 'Bytes held for calls in flight.', () => read().bufferedBytes);
  gauge(
    'callhooks_post_calls_waiting',
    'Accepted post-calls that wait, counted every 10 s up to the limit.',
    () => read().waiting,
  );
  gauge(
    'callhooks_executions_overdue',
    'Accepted or sending executions past their time, counted every 10 s up to 1,000. Must be 0.',
    () => read().overdue,
  );
  gauge('callhooks_database_up', '1 while the database answers.', () => Number(read().databaseIsThere));
  gauge('callhooks_insecure', '1 while plaintext gRPC can be reached from other machines.', () =>
    Number(standing.isInsecure),
  );
  gauge('callhooks_weak_durability', "1 if the database's settings may lose committed rows in a crash.", () =>
    Number(standing.hasWeakDurability),
  );
  gauge(
    'callhooks_event_loop_delay_max_seconds',
    'The longest stall of the event loop since the last scrape.',
    () => {
      const seconds = delay.max / NANOS_PER_SECOND;
      delay.reset();
      return seconds;
    },
  );

  const executions = new Counter({
    name: 'callhooks_executions_total',
    help: 'Executions that this replica ended. recorded="false": the row says something else, or could not be written.',
    labelNames: ['type', 'outcome', 'code', 'recorded'],
    registers,
  });
  const reused = counter(
    'callhooks_reused_connection_failures_total',
    'Reused connections that broke before a response.',
  );
  const otherDetails = counter(
    'callhooks_repeats_with_other_details_total',
    'Repeated starts and ends with other details than the first.',
  );
  const refused = new Counter({
    name: 'callhooks_calls_refused_total',
    help: 'Calls refused at their arrival as LIMIT_REACHED, before their message was read, by the limit that they met.',
    labelNames: ['limit'],
    registers,
  });

  new Counter({
    name: 'callhooks_log_lines_dropped_total',
    help: 'Log lines that standard output did not take in time.',
    registers,
    collect() {
      this.reset();
      this.inc(read().droppedLogLines);
    },
  });

  const stalls = counter(
    'callhooks_event_loop_stalls_total',
    `Times that the event loop stood still for over ${STALL_MS} ms: nothing was read, and limits were looked at late.`,
  );
  const unwatch = watchLoop(() => stalls.inc());

  return {
    countExecution: ({ webhook_type: type, outcome, failure_code: code = '', recorded }) =>
      executions.inc({ type, outcome, code, recorded: String(recorded) }),
    countReusedConnectionFailure: () => reused.inc(),
    countOtherDetails: () => otherDetails.inc(),
    countRefused: (limit) => refused.inc({ limit }),
    page: async () => ({ contentType: registry.contentType, text: await registry.metrics() }),
    close: () => {
      delay.disable();
      unwatch();
    },
  };
};

const watchLoop = (onStall: () => void): (() => void) => {
  let dueAtMs = performance.now() + LOOP_WATCHED_EVERY_MS;
  const timer = setInterval(() => {
    const nowMs = performance.now();
    if (nowMs - dueAtMs > STALL_MS) onStall();
    dueAtMs = nowMs + LOOP_WATCHED_EVERY_MS;
  }, LOOP_WATCHED_EVERY_MS);
  timer.unref();
  return () => clearInterval(timer);
};
