import { setTimeout as wait } from 'node:timers/promises';
import type { Agent, Webhook } from '../domain/agent.ts';
import type { HttpExecutor } from '../http/http-client.ts';
import type { AgentSecrets } from '../secrets/agent-secrets.ts';
import type { AgentStore } from '../store/agent-store.ts';
import type { Database } from '../store/database.ts';
import type { ExecutionStore } from '../store/execution-store.ts';
import { createAccessTokens, type AccessTokens } from './access-tokens/access-tokens.ts';
import { fetchAccessToken, type TokenFetchOutcome } from './access-tokens/fetch-access-token.ts';
import { createAgentCache, type AgentCache } from './agent-cache.ts';
import { createEndedExecutions, type EndedExecutions } from './ended-executions/ended-executions.ts';
import type { EngineFigures } from './engine-figures.ts';
import type { EngineTracing } from './engine-tracing.ts';
import type { OnFaultPoint } from './fault-points.ts';
import { createAdmission, type Admission } from './limits/admission.ts';
import { createByteBudget, type ByteBudget } from './limits/byte-budget.ts';
import { createCallGate, type CallGate } from './limits/call-gate.ts';
import { createRequestSlots, type RequestSlots } from './limits/request-slots.ts';
import { createMaintenance, type Intervals, type Maintenance } from './maintenance.ts';
import { createMinutes, type Minutes } from './minutes/minutes.ts';
import { createPace } from './post-call/pace.ts';
import { createPostCallSender, type PostCallSender } from './post-call/post-call-sender.ts';
import { createPreCalls, type PreCalls } from './pre-call.ts';
import { createShutdown } from './shutdown.ts';
import { createRunningStarts, createStartWaiters, type StartWaiters } from './start-waiters.ts';
import { reportUnowned, withUnownedReported, type UnownedLine } from './unowned-executions.ts';
import type { OnExecution } from './webhook-run/outcome.ts';
import type { RunnableWebhook } from './webhook-run/runnable-webhook.ts';
import { createWebhookOpener } from './webhook-run/webhook-opener.ts';
import { createWebhookRuns, type WebhookRunDeps, type WebhookRuns } from './webhook-run/webhook-run.ts';
import {
  createDatabaseHealth,
  withHealthReporting,
  type DatabaseHealth,
  type OnOperation,
} from './writes/database-health.ts';
import { createExecutionWrites, type ExecutionWrites } from './writes/execution-writes.ts';

/** Limits and times of the engine. docs/config.md describes the settings behind them. */
export interface EngineLimits {
  readonly maxPreCalls: number;
  readonly maxPreCallsPerOrigin: number;
  readonly maxPostCalls: number;
  readonly maxPostCallsPerOrigin: number;
  readonly maxBacklog: number;
  readonly maxBufferedBytes: number;
  readonly startByMs: number;
  readonly retentionDays: number;
  readonly keyRetentionDays: number;
  readonly recordBodyBytes: number;
}

/** What the engine needs. */
export interface EngineDeps extends Omit<WebhookRunDeps, 'executor' | 'accessTokens'> {
  readonly database: Database;
  readonly executor: HttpExecutor;
  readonly agentSecrets: AgentSecrets;
  readonly newUuid: () => string;
  readonly instance: string;
  readonly limits: EngineLimits;
  /** How often each kind of maintenance is done. A kind that is left out is done as often as in production. */
  readonly everyMs: Partial<Intervals>;
  readonly onFaultPoint: OnFaultPoint;
  /** Is called with the log line of each finished execution. */
  readonly onExecution: OnExecution;
  /** Returns a hash, from which a text can't be read back. */
  readonly hash: (text: string) => string;
  readonly onTokenFetch: (outcome: TokenFetchOutcome) => void;
  readonly onOperation: OnOperation;
  /** Is called with the number of writes of each batch. */
  readonly onWriteBatch: (rows: number) => void;
  /**
   * Is called with the log line of each execution that was finished here and has no owner that reports it: a pending post-call
   * that failed, and an execution of another that was marked interrupted.
   */
  readonly onUnowned: (line: UnownedLine) => void;
  /** Is called when a pending post-call can't be sent here, because the key of a secret is missing. */
  readonly onKeyMissing: () => void;
  /** There is none where traces are off. */
  readonly tracing?: EngineTracing | undefined;
  readonly onReadiness: (isReady: boolean) => void;
  readonly onError: (error: unknown, executionUuid?: string) => void;
}

/** The parts of the engine that commands work with. */
export interface EngineParts {
  /** The database's store of executions; `health` learns from each of its statements. */
  readonly store: ExecutionStore;
  /** The database's store of agents; `health` learns from each of its statements. */
  readonly agentStore: AgentStore;
  readonly agents: AgentCache;
  /** Compiles a webhook and decrypts its secrets. */
  readonly open: (agent: Agent, webhook: Webhook) => RunnableWebhook;
  readonly admission: Admission;
  readonly health: DatabaseHealth;
  /** The request slots of pre-calls and sent tests. */
  readonly slots: RequestSlots;
  readonly writes: ExecutionWrites;
  readonly preCalls: PreCalls;
  readonly startWaiters: StartWaiters;
  readonly webhookRuns: WebhookRuns;
  readonly postCallSender: Pick<PostCallSender, 'offer'>;
  readonly maintenance: Pick<Maintenance, 'noteAccepted'>;
  readonly minutes: Pick<Minutes, 'read' | 'countRefusal'>;
  /** Tells which executions have ended. */
  readonly endedExecutions: Pick<EndedExecutions, 'watch'>;
  /** Aborted when the grace of a shutdown is over. */
  readonly signal: AbortSignal;
}

/** The engine as the app runs it. */
export interface Engine {
  readonly parts: EngineParts;
  /** Decides when a call arrives whether it may come in. */
  readonly gate: CallGate;
  /** Bounds the bytes that are kept for calls in flight. */
  readonly budget: ByteBudget;
  figures(): EngineFigures;
  /** Begins the background work. On SQLite it first marks interrupted what a dead process left sending. */
  start(): Promise<void>;
  /**
   * Accepts nothing more, and resolves when everything that runs is recorded. What still runs after `graceMs` is aborted
   * and recorded as such.
   */
  stop(graceMs: number): Promise<void>;
  /** Aborts what is being sent. Each execution is recorded with what is known of it. */
  abort(): void;
}

const CACHE_BYTES = 64 * 1024 * 1024;
const DAY_MS = 86_400_000;
const MYSQL_CONNECTIONS = 2;
const IDLE_POLL_MS = 20;

/** Plugs the engine together. Nothing runs before its `start`. */
export function createEngine(deps: EngineDeps): Engine {
  const { database, limits, onFaultPoint, onError } = deps;
  const shutdown = createShutdown();
  const { signal, lastWrites } = shutdown;

  const health = createDatabaseHealth(() => database.ping(), deps.onReadiness);
  // Polls and maintenance use `store`; RPCs and executions use the one with spans.
  const withSpans = <T extends object>(statements: T): T =>
    deps.tracing === undefined ? statements : deps.tracing.withDatabaseSpans(statements);
  const minutes = plugMinutes(deps);
  const onExecution: OnExecution = (line, times) => {
    minutes.countExecution(line);
    deps.onExecution(line, times);
  };
  const onUnowned = reportUnowned((line) => {
    minutes.countExecution(line);
    deps.onUnowned(line);
  });
  const store = withUnownedReported(
    withHealthReporting(database.executions, health, deps.onOperation),
    onUnowned,
  );
  const tracedStore = withSpans(store);
  const agentStore = withSpans(withHealthReporting(database.agents, health, deps.onOperation));
  const agents = createAgentCache(agentStore, CACHE_BYTES);
  const writes = withSpans(
    createExecutionWrites({
      store,
      maxConcurrentBatches: database.engine === 'mysql' ? MYSQL_CONNECTIONS : 1,
      onWriteBatch: deps.onWriteBatch,
    }),
  );

  const gate = createCallGate({ health, writes });
  const budget = createByteBudget(limits.maxBufferedBytes);
  const slots = createRequestSlots({ total: limits.maxPreCalls, perOrigin: limits.maxPreCallsPerOrigin });
  const open = createWebhookOpener(deps.agentSecrets);
  const webhookRuns = createWebhookRuns({ ...deps, accessTokens: plugAccessTokens(deps, budget, signal) });

  const runningStarts = createRunningStarts();
  const startWaiters = createStartWaiters({ store, isRunningHere: runningStarts.hasConversation, onError });
  const preCalls = createPreCalls({
    ...{ store: tracedStore, writes, runningStarts, startWaiters },
    ...{ onFaultPoint, onExecution, onUnowned, onError, lastWrites },
  });

  const maintenance = createMaintenance({
    ...{ store, health, startWaiters, minutes, onFaultPoint, onUnowned, onError },
    ...maintenanceOptions(deps),
    isRunningHere: (executionUuid) =>
      runningStarts.hasExecution(executionUuid) || postCallSender.isSending(executionUuid),
    onDiskChecked: (isFull) => admission.setDiskFull(isFull),
  });
  const admission = createAdmission({
    ...{ budget, maxPreCalls: limits.maxPreCalls },
    tooManyPending: maintenance.tooManyPending,
  });
  const postCallSender = createPostCallSender({
    ...{ store, agentStore, agents, writes, open, webhookRuns, startWaiters, budget },
    ...{ onFaultPoint, onExecution, onError, signal, lastWrites, tracing: deps.tracing },
    onKeyMissing: deps.onKeyMissing,
    slots: createRequestSlots({ total: limits.maxPostCalls, perOrigin: limits.maxPostCallsPerOrigin }),
    pace: createPace({ idleMs: admission.idleMs, queueAgeMs: writes.ageMs, callsWaiting: gate.waiting }),
    newClaim: deps.newUuid,
    instance: deps.instance,
    recordBytes: limits.recordBodyBytes,
    startByMs: limits.startByMs,
  });

  const endedExecutions = createEndedExecutions({
    store: withOperationsReported(database.executions, deps),
    ...{ availableForMs: health.availableForMs, onError },
  });

  const untilIdle = async (): Promise<void> => {
    await postCallSender.idle();
    // Each admitted call reserves bytes until it is answered and its outcome is recorded.
    while (slots.inFlight() > 0 || budget.reservedBytes() > 0) await wait(IDLE_POLL_MS);
  };

  return {
    parts: {
      ...{ store: tracedStore, agentStore, agents, open, admission, health, slots, writes, preCalls },
      ...{ startWaiters, webhookRuns, postCallSender, maintenance, minutes, endedExecutions, signal },
    },
    gate,
    budget,
    figures: () => ({
      preCallsInFlight: slots.inFlight(),
      postCallsInFlight: postCallSender.inFlight(),
      bufferedBytes: budget.reservedBytes(),
      pendingPostCalls: maintenance.pending(),
      overdue: maintenance.overdue(),
      oldestPendingAgeMs: maintenance.oldestPendingAgeMs(),
      databaseIsThere: health.isAvailable(),
      writeQueueAgeMs: writes.ageMs(),
      writeQueueLength: writes.queued(),
      watchers: endedExecutions.watchers(),
      watchDropped: endedExecutions.dropped(),
      isOverloaded: gate.isShut(),
    }),
    start: async () => {
      await minutes.start();
      if (database.engine === 'sqlite') await store.interruptAllSending();
      await maintenance.start();
      postCallSender.start();
    },
    stop: async (graceMs) => {
      admission.shut();
      endedExecutions.stop();
      postCallSender.stop();
      await shutdown.endWithin(graceMs, untilIdle());
      maintenance.stop();
      startWaiters.close();
      health.close();
      await shutdown.waitForLast(untilIdle());
      await minutes.writeLast();
    },
    abort: shutdown.abort,
  };
}

function plugAccessTokens(
  { executor, userAgent, limits, hash, onTokenFetch, onError }: EngineDeps,
  budget: ByteBudget,
  signal: AbortSignal,
): AccessTokens {
  const slots = createRequestSlots({ total: limits.maxPreCalls, perOrigin: limits.maxPreCallsPerOrigin });
  const fetchDeps = { executor, slots, budget, userAgent, onTokenFetch, signal };
  return createAccessTokens({
    ...{ hash, onError },
    fetch: (credentials) => fetchAccessToken(fetchDeps, credentials),
  });
}

// What people look at is worth less than calls: no call is refused because a statement for them has failed or was slow.
function withOperationsReported<Store extends object>(
  store: Store,
  { onOperation }: Pick<EngineDeps, 'onOperation'>,
): Store {
  const watch = <T>(statement: () => Promise<T>): Promise<T> => statement();
  return withHealthReporting(store, { watch }, onOperation);
}

function plugMinutes(deps: EngineDeps): Minutes {
  const { database, newUuid, now, onError } = deps;
  return createMinutes({
    ...{ newUuid, now, onError },
    elapsedMs: () => performance.now(),
    store: withOperationsReported(database.minutes, deps),
    databaseNowMs: database.executions.nowMs,
  });
}

function maintenanceOptions({ database, limits, everyMs }: EngineDeps) {
  return {
    everyMs,
    freeBytes: database.freeBytes,
    maxBacklog: limits.maxBacklog,
    startByMs: limits.startByMs,
    retentionMs: limits.retentionDays * DAY_MS,
    keyRetentionMs: limits.keyRetentionDays * DAY_MS,
  };
}
