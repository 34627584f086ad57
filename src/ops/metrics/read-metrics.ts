import { VERSION } from '../../version.ts';
import type { Figures } from './figures.ts';
import { createReadMetric, type LabelValues, type Metric } from './metric.ts';
import type { ProcessFigures } from './process-figures.ts';

/** What the page reads when it is made. */
export interface ReadFigures extends Figures {
  readonly process: ProcessFigures;
  readonly eventLoopDelaySeconds: number;
}

/** A metric whose value is read when the page is made. */
interface ReadRow {
  readonly type: 'counter' | 'gauge';
  readonly help: string;
  readonly read: (figures: ReadFigures) => number;
}

function gauge(help: string, read: ReadRow['read']): ReadRow {
  return { type: 'gauge', help, read };
}

function counter(help: string, read: ReadRow['read']): ReadRow {
  return { type: 'counter', help, read };
}

/** Every metric without labels that is read when the page is made, by its name. */
const READ_METRICS: Readonly<Record<string, ReadRow>> = {
  callhooks_pre_calls_in_flight: gauge(
    'Pre-calls and sent tests in flight.',
    (figures) => figures.preCallsInFlight,
  ),
  callhooks_post_calls_in_flight: gauge('Post-calls in flight.', (figures) => figures.postCallsInFlight),
  callhooks_buffered_bytes: gauge('Bytes reserved for calls in flight.', (figures) => figures.bufferedBytes),
  callhooks_post_calls_waiting: gauge(
    'Pending post-calls of the database, counted every 10 s up to CALLHOOKS_MAX_BACKLOG.',
    (figures) => figures.pendingPostCalls,
  ),
  callhooks_oldest_accepted_age_seconds: gauge(
    'How long ago the oldest pending post-call of the database was accepted, read every 10 s; 0 when there is none.',
    (figures) => figures.oldestPendingAgeMs / 1_000,
  ),
  callhooks_executions_overdue: gauge(
    'Accepted or sending executions of the database past their time, counted every 10 s up to 1,000. It must be 0.',
    (figures) => figures.overdue,
  ),
  callhooks_overload: gauge(
    '1 while new calls are refused at their arrival, because more of them come than can be recorded.',
    (figures) => Number(figures.isOverloaded),
  ),
  callhooks_write_queue_age_seconds: gauge(
    'How long the oldest write that a caller waits for has been waiting for its turn.',
    (figures) => figures.writeQueueAgeMs / 1_000,
  ),
  callhooks_write_queue_length: gauge(
    'Writes that wait for their turn.',
    (figures) => figures.writeQueueLength,
  ),
  callhooks_watchers: gauge(
    'Open watchers of executions: streams of WatchExecutions, and live lists of the console.',
    (figures) => figures.watchers,
  ),
  callhooks_watch_dropped_total: counter(
    'Executions that watchers were not told of, because too many ended at once or the watcher read too slowly.',
    (figures) => figures.watchDropped,
  ),
  callhooks_database_up: gauge('1 while the database answers.', (figures) => Number(figures.databaseIsThere)),
  callhooks_database_pool_waits_total: counter(
    'Times that an operation waited for a connection, because all connections of its pool were in use. The embedded database has no pool.',
    (figures) => figures.pool.waits,
  ),
  callhooks_insecure: gauge('1 while plaintext gRPC can be reached from other machines.', (figures) =>
    Number(figures.isInsecure),
  ),
  callhooks_without_tokens: gauge('1 while other machines can call every RPC without a token.', (figures) =>
    Number(figures.isWithoutTokens),
  ),
  callhooks_proxy_resolves: gauge(
    '1 while the egress proxy resolves names, and callhooks checks no address of them.',
    (figures) => Number(figures.isResolvedByProxy),
  ),
  callhooks_tls_files_stale: gauge(
    '1 while the TLS files of the gRPC port can not be used, and older ones are in use.',
    (figures) => Number(figures.tlsFilesAreStale),
  ),
  callhooks_tls_certificate_expires_seconds: gauge(
    'Until when the TLS certificate of the gRPC port is valid, in seconds since 1970; +Inf without TLS.',
    (figures) => figures.tlsExpiresAtMs / 1_000,
  ),
  callhooks_weak_durability: gauge(
    '1 if settings of the database may lose committed rows in a crash.',
    (figures) => Number(figures.hasWeakDurability),
  ),
  callhooks_log_lines_dropped_total: counter(
    'Log lines that standard output did not take in time.',
    (figures) => figures.droppedLogLines,
  ),
  callhooks_spans_dropped_total: counter(
    'Spans of traces that no collector took: their queue was full, or their export failed.',
    (figures) => figures.droppedSpans,
  ),
  callhooks_event_loop_delay_max_seconds: gauge(
    'The longest stall of the event loop in the last one to two minutes.',
    (figures) => figures.eventLoopDelaySeconds,
  ),
  callhooks_start_time_seconds: gauge(
    'When the process started, in seconds since 1970.',
    ({ process }) => process.startTimeSeconds,
  ),
  process_start_time_seconds: gauge(
    'The same as callhooks_start_time_seconds, under its usual name.',
    ({ process }) => process.startTimeSeconds,
  ),
  process_cpu_user_seconds_total: counter(
    'CPU time of the process outside of the kernel.',
    ({ process }) => process.userSeconds,
  ),
  process_cpu_system_seconds_total: counter(
    'CPU time of the process in the kernel.',
    ({ process }) => process.systemSeconds,
  ),
  process_cpu_seconds_total: counter(
    'CPU time of the process.',
    ({ process }) => process.userSeconds + process.systemSeconds,
  ),
  process_resident_memory_bytes: gauge(
    'Memory of the process that is in RAM.',
    ({ process }) => process.residentBytes,
  ),
  process_open_fds: gauge(
    'Open file descriptors: sockets and files. NaN where the system does not tell.',
    ({ process }) => process.openFds,
  ),
  process_max_fds: gauge(
    'How many file descriptors may be open. NaN where the system does not tell.',
    ({ process }) => process.maxFds,
  ),
  nodejs_heap_size_total_bytes: gauge('The size of the JavaScript heap.', ({ process }) => process.heapBytes),
  nodejs_heap_size_used_bytes: gauge(
    'How much of the JavaScript heap is in use.',
    ({ process }) => process.usedHeapBytes,
  ),
  nodejs_external_memory_bytes: gauge(
    'Memory outside of the JavaScript heap that JavaScript objects hold.',
    ({ process }) => process.externalBytes,
  ),
};

/** Makes the metrics that are read when the page is made. Each page calls `figures` first. */
export function createReadMetrics(figures: () => ReadFigures, nodeVersion: string): readonly Metric[] {
  const plain = Object.entries(READ_METRICS).map(([name, { type, help, read }]) =>
    createReadMetric({ name, type, help, labels: {} }, () => [[[], read(figures())]]),
  );
  const connections = (): readonly (readonly [LabelValues, number])[] => {
    const { inUse, idle } = figures().pool;
    return [
      [['in_use'], inUse],
      [['idle'], idle],
    ];
  };
  return [
    ...plain,
    createReadMetric(
      {
        name: 'callhooks_database_connections',
        type: 'gauge',
        help: 'Connections to the database, in all pools together. The embedded database has no pool.',
        labels: { state: ['in_use', 'idle'] },
      },
      connections,
    ),
    createReadMetric(
      {
        name: 'callhooks_build_info',
        type: 'gauge',
        help: 'It is always 1. The labels name the version of callhooks and that of Node.js.',
        labels: { version: [VERSION], node: [nodeVersion] },
      },
      () => [[[VERSION, nodeVersion], 1]],
    ),
  ];
}
