import { constant, growing, once, type AlertCase, type Series } from './alert-case.ts';

const RPCS = 'rpc_server_call_duration_seconds';
const START = 'rpc_method="callhooks.v1.CallLifecycle/OnCallStart"';
const started = (code: string): string => `${RPCS}_count{${START},rpc_response_status_code="${code}"}`;

/** Returns the buckets of a histogram whose values are all between 2.5 and 7.5 s, and above 5 s for `slow` of them. */
function buckets(name: string, labels: string, { all, slow }: { all: number; slow: number }): Series {
  return {
    [`${name}_bucket{${labels},le="2.5"}`]: growing(0),
    [`${name}_bucket{${labels},le="5"}`]: growing(all - slow),
    [`${name}_bucket{${labels},le="7.5"}`]: growing(all),
    [`${name}_bucket{${labels},le="+Inf"}`]: growing(all),
    [`${name}_count{${labels}}`]: growing(all),
  };
}

const OK = `${START},rpc_response_status_code="OK"`;
const WRITES = 'db_client_operation_duration_seconds';
const WRITE = 'db_operation_name="write",error_type=""';

/** The alerts about replicas, their load and their process. */
export const SERVICE_CASES: readonly AlertCase[] = [
  {
    alert: 'CallhooksDown',
    at: '8m',
    fires: [
      'no replica has answered for 3 minutes',
      { up: '1x5 0x20', 'up{instance="two:9464"}': '0x5 0x20' },
    ],
    silent: ['one of two replicas answers', { up: '1x20', 'up{instance="two:9464"}': '1x5 0x20' }],
    beside: ['CallhooksReplicaDown'],
  },
  {
    alert: 'CallhooksDown',
    at: '20m',
    fires: ['no replica is known any more', { up: '1x5 _x20' }],
    silent: ['the replica answers', { up: '1x20' }],
  },
  {
    alert: 'CallhooksReplicaDown',
    at: '15m',
    fires: ['one of two replicas has not answered for 9 minutes', { 'up{instance="two:9464"}': '1x5 0x20' }],
    silent: [
      'one of two replicas has not answered for 2 minutes',
      { 'up{instance="two:9464"}': '1x13 0x20' },
    ],
  },
  {
    alert: 'CallhooksRestarts',
    at: '30m',
    fires: ['a replica has started 3 times', { process_start_time_seconds: '1x10 600x5 900x5 1200x20' }],
    silent: ['a replica has started once', { process_start_time_seconds: '1x10 600x40' }],
  },
  {
    alert: 'CallhooksDatabaseDown',
    at: '10m',
    fires: ['the database has been away for 4 minutes', { callhooks_database_up: '1x5 0x20' }],
    silent: ['the database was away for a moment', { callhooks_database_up: '1x9 0 1x20' }],
  },
  {
    alert: 'CallhooksRpcErrors',
    at: '15m',
    fires: [
      'a tenth of the starts is UNAVAILABLE',
      { [started('OK')]: growing(90), [started('UNAVAILABLE')]: growing(10) },
    ],
    silent: [
      'one of two starts a day is UNAVAILABLE',
      { [started('OK')]: once(1), [started('UNAVAILABLE')]: once(1) },
    ],
  },
  {
    alert: 'CallhooksInternalErrors',
    at: '12m',
    fires: ['one start was INTERNAL, the first one ever', { [started('INTERNAL')]: '_x8 1x90' }],
    silent: ['a start was INTERNAL at a time long ago', { [started('INTERNAL')]: constant(0) }],
  },
  {
    alert: 'CallhooksInternalErrors',
    at: '40m',
    fires: ['one more start was INTERNAL', { [started('INTERNAL')]: '1x30 2x90' }],
    silent: ['the only such start was half an hour ago', { [started('INTERNAL')]: '_x8 1x90' }],
  },
  {
    alert: 'CallhooksStartSlow',
    at: '30m',
    fires: ['one start in 20 takes over 5 s', buckets(RPCS, OK, { all: 60, slow: 3 })],
    silent: ['two slow starts are all that there are', buckets(RPCS, OK, { all: 0.1, slow: 0.1 })],
  },
  {
    alert: 'CallhooksRefusingCalls',
    at: '15m',
    fires: [
      'a limit refuses 10 calls a minute',
      { 'callhooks_rpc_errors_total{reason="LIMIT_REACHED"}': growing(10) },
    ],
    silent: ['it has refused 5 calls', { 'callhooks_rpc_errors_total{reason="LIMIT_REACHED"}': '0x10 5x90' }],
  },
  {
    alert: 'CallhooksRefusingCalls',
    at: '15m',
    fires: [
      '10 calls a minute are refused at their arrival',
      { 'callhooks_calls_refused_total{limit="calls_waiting"}': growing(10) },
    ],
    silent: [
      'messages are refused for their size',
      { 'callhooks_calls_refused_total{limit="message_size"}': growing(10) },
    ],
  },
  {
    alert: 'CallhooksOverloaded',
    at: '20m',
    fires: ['a replica has been overloaded for 15 minutes', { callhooks_overload: '0x5 1x90' }],
    silent: ['a replica was overloaded for 2 minutes', { callhooks_overload: '0x10 1x1 0x90' }],
  },
  {
    alert: 'CallhooksWriteQueueSlow',
    at: '20m',
    fires: ['writes have waited 200 ms for 15 minutes', { callhooks_write_queue_age_seconds: '0x5 0.2x90' }],
    silent: ['one write waited 400 ms', { callhooks_write_queue_age_seconds: '0x10 0.4 0x90' }],
  },
  {
    alert: 'CallhooksDatabaseSlow',
    at: '30m',
    fires: ['one write batch in 20 takes over 5 s', buckets(WRITES, WRITE, { all: 60, slow: 3 })],
    silent: ['one slow write is all that there is', buckets(WRITES, WRITE, { all: 0.1, slow: 0.1 })],
  },
  {
    alert: 'CallhooksEventLoopStalls',
    at: '30m',
    fires: ['the event loop stalls twice a minute', { callhooks_event_loop_stalls_total: growing(2) }],
    silent: ['the event loop has stalled 5 times', { callhooks_event_loop_stalls_total: '0x20 5x90' }],
  },
  {
    alert: 'CallhooksCpuHigh',
    at: '40m',
    fires: ['a process uses a whole core', { process_cpu_seconds_total: growing(60) }],
    silent: ['a process uses half a core', { process_cpu_seconds_total: growing(30) }],
  },
  {
    alert: 'CallhooksMemoryHigh',
    at: '30m',
    fires: ['a process takes 2 GB', { process_resident_memory_bytes: constant(2e9) }],
    silent: ['a process takes 600 MB', { process_resident_memory_bytes: constant(6e8) }],
  },
  {
    alert: 'CallhooksFilesNearLimit',
    at: '15m',
    fires: [
      '900 of 1,000 files are open',
      { process_open_fds: constant(900), process_max_fds: constant(1000) },
    ],
    silent: [
      '900 of 20,000 files are open',
      { process_open_fds: constant(900), process_max_fds: constant(20_000) },
    ],
  },
  {
    alert: 'CallhooksMixedVersions',
    at: '80m',
    fires: [
      'two versions have run for 80 minutes',
      {
        'callhooks_build_info{version="1.0.0"}': constant(1),
        'callhooks_build_info{version="1.1.0",instance="two:9464"}': constant(1),
      },
    ],
    silent: [
      'two versions ran for 20 minutes',
      {
        'callhooks_build_info{version="1.0.0"}': '1x60 _x30',
        'callhooks_build_info{version="1.1.0",instance="two:9464"}': '_x40 1x50',
      },
    ],
  },
  {
    alert: 'CallhooksLogLinesDropped',
    at: '20m',
    fires: ['a line was dropped', { callhooks_log_lines_dropped_total: '0x15 1x90' }],
    silent: ['no line was dropped for 19 minutes', { callhooks_log_lines_dropped_total: '0 1x90' }],
  },
  {
    alert: 'CallhooksSpansDropped',
    at: '40m',
    fires: ['spans are dropped all the time', { callhooks_spans_dropped_total: growing(10) }],
    silent: ['spans were dropped once', { callhooks_spans_dropped_total: '0x35 10x90' }],
  },
];
