import { version as nodeVersion } from 'node:process';
import type { Timings } from '../../domain/execution.ts';
import type { FailureCode } from '../../domain/failures.ts';
import type { TokenFetchOutcome } from '../../engine/access-tokens/fetch-access-token.ts';
import type { UnownedLine } from '../../engine/unowned-executions.ts';
import type { ExecutionLine, ExecutionTimes } from '../../engine/webhook-run/outcome.ts';
import { CallhooksError, DatabaseError, type Reason } from '../../errors.ts';
import type { EgressDenial } from '../../http/executor.ts';
import type { UndecryptableValue } from '../../secrets/agent-secrets.ts';
import type { SystemName } from '../../store/database.ts';
import { watchEventLoop } from './event-loop-watch.ts';
import type { Figures } from './figures.ts';
import { OTHER, statusLabel } from './label-values.ts';
import { createTable, type CountedMetrics } from './metric-table.ts';
import { createPage, type MetricsPage } from './page.ts';
import { readProcessFigures } from './process-figures.ts';
import { createReadMetrics, type ReadFigures } from './read-metrics.ts';

/** The metrics of the process. What the parts of callhooks report is grouped by these parts. */
export interface Metrics {
  readonly grpc: {
    /** Counts an RPC that has ended. `code` is the name of a gRPC status code. */
    onRpc(method: string, code: string, seconds: number): void;
    onRpcError(reason: Reason): void;
    /** Counts a call that was refused at its arrival, by the limit. */
    onRefused(limit: string): void;
    /** Counts an RPC that was refused because of who calls. */
    onAccessRefused(refusal: string): void;
    /** Counts a client that did not come through the TLS handshake. */
    onHandshakeFailure(): void;
  };
  readonly http: {
    /** Counts one HTTP request, also one that was not sent. `status` is absent when no response head came. */
    onRequest(
      method: string,
      status: number | undefined,
      code: FailureCode | undefined,
      seconds: number,
    ): void;
    onEgressDenied(where: EgressDenial): void;
    onReusedConnectionFailure(): void;
  };
  readonly engine: {
    /** Counts an operation of a store, by the name of its function. `error` is undefined when it succeeded. */
    onOperation(name: string, error: unknown, seconds: number): void;
    onWriteBatch(rows: number): void;
    /** Counts a request for an OAuth2 access token. */
    onTokenFetch(outcome: TokenFetchOutcome): void;
    /** Counts a try to send a pending post-call without the key of a secret. */
    onKeyMissing(): void;
  };
  countExecution(line: ExecutionLine, times: ExecutionTimes): void;
  /** Counts an execution that was finished without an owner. */
  countUnowned(line: UnownedLine): void;
  countOtherDetails(): void;
  countUndecryptable(what: UndecryptableValue): void;
  /** Returns the page in the Prometheus text format. */
  page(): Promise<MetricsPage>;
  close(): void;
}

/** Makes the metrics. Each page calls `read`. */
export function createMetrics(read: () => Figures, database: SystemName): Metrics {
  const counted = createTable();
  const loop = watchEventLoop(() => counted.stalls.add([]));
  let figures: ReadFigures | undefined;
  const readMetrics = createReadMetrics(() => {
    if (figures === undefined) throw new Error('the page has not read its figures');
    return figures;
  }, nodeVersion);
  const readFigures = async (): Promise<void> => {
    const process = await readProcessFigures();
    figures = { ...read(), process, eventLoopDelaySeconds: loop.maxDelaySeconds() };
  };
  return {
    grpc: grpcMetrics(counted),
    http: httpMetrics(counted),
    engine: engineMetrics(counted, database),
    countExecution: (line, times) => countExecution(counted, line, times),
    countUnowned: ({ webhook_type: type, outcome, failure_code: code }) =>
      counted.executions.add([type, outcome, code, 'true']),
    countOtherDetails: () => counted.otherDetails.add([]),
    countUndecryptable: (what) => counted.undecryptable.add([what]),
    page: createPage([...Object.values(counted), ...readMetrics], readFigures),
    close: loop.close,
  };
}

function grpcMetrics(counted: CountedMetrics): Metrics['grpc'] {
  return {
    onRpc: (method, code, seconds) => counted.rpcs.observe(['grpc', method, code], seconds),
    onRpcError: (reason) => counted.rpcErrors.add([reason]),
    onRefused: (limit) => counted.refused.add([limit]),
    onAccessRefused: (refusal) => counted.accessRefused.add([refusal]),
    onHandshakeFailure: () => counted.handshakes.add([]),
  };
}

function httpMetrics(counted: CountedMetrics): Metrics['http'] {
  return {
    onRequest: (method, status, code, seconds) =>
      counted.requests.observe([method, statusLabel(status), code?.toLowerCase() ?? ''], seconds),
    onEgressDenied: (where) => counted.egressDenied.add([where]),
    onReusedConnectionFailure: () => counted.reused.add([]),
  };
}

function engineMetrics(counted: CountedMetrics, database: SystemName): Metrics['engine'] {
  return {
    onOperation: (name, error, seconds) =>
      counted.operations.observe([database, name, errorType(error)], seconds),
    onWriteBatch: (rows) => counted.batches.observe([], rows),
    onTokenFetch: (outcome) => counted.tokenFetches.add([outcome]),
    onKeyMissing: () => counted.undecryptable.add(['post_call']),
  };
}

// An agent that exists already, and the like, is an answer of the database and no failure of it.
function errorType(error: unknown): string {
  if (error === undefined || error instanceof CallhooksError) return '';
  return error instanceof DatabaseError ? error.kind : OTHER;
}

function countExecution(counted: CountedMetrics, line: ExecutionLine, times: ExecutionTimes): void {
  const { webhook_type: type, outcome, decision, failure_code: code = '', recorded } = line;
  counted.executions.add([type, outcome, code, String(recorded)]);
  if (decision !== undefined && recorded) counted.decisions.add([decision]);
  counted.durations.observe([type, outcome], lifetimeMs(line, times) / 1_000);
  for (const [phase, name] of PHASES) {
    const ms = times.timings[phase];
    if (ms !== undefined) counted.phases.observe([name], ms / 1_000);
  }
}

const PHASES = [
  ['queuedMs', 'queued'],
  ['dnsMs', 'dns'],
  ['connectMs', 'connect'],
  ['tlsMs', 'tls'],
  ['firstByteMs', 'first_byte'],
] as const satisfies readonly (readonly [keyof Timings, string])[];

// The database's clock says when a post-call was accepted, which may have been at another replica.
function lifetimeMs(
  { webhook_type: type, duration_ms: sinceClaimMs }: ExecutionLine,
  times: ExecutionTimes,
): number {
  const { timings, acceptedAtMs } = times;
  const ms = type === 'pre_call' ? (timings.totalMs ?? 0) : Date.now() - acceptedAtMs;
  return Math.max(sinceClaimMs, ms);
}
