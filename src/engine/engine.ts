import { once } from 'node:events';
import { setTimeout as wait } from 'node:timers/promises';
import type { Agent, Webhook } from '../domain/agent.ts';
import type { HttpExecutor } from '../http/http-client.ts';
import type { AgentSecrets } from '../secrets/agent-secrets.ts';
import type { AgentStore } from '../store/agent-store.ts';
import type { Database } from '../store/database.ts';
import type { ExecutionStore } from '../store/execution-store.ts';
import { createAdmission, type Admission } from './limits/admission.ts';
import { createCallGate, type CallGate } from './limits/call-gate.ts';
import { createAgentCache, type AgentCache } from './agent-cache.ts';
import { createByteBudget, type ByteBudget } from './limits/byte-budget.ts';
import { createDatabaseHealth, withHealthReporting, type DatabaseHealth } from './writes/database-health.ts';
import { createWebhookRuns, type WebhookRunDeps, type WebhookRuns } from './webhook-run/webhook-run.ts';
import { createMaintenance, type Maintenance, type Intervals } from './maintenance.ts';
import type { ExecutionLine } from './webhook-run/outcome.ts';
import { createPreCalls, type PreCalls } from './pre-call.ts';
import type { RunnableWebhook } from './webhook-run/runnable-webhook.ts';
import { createWebhookOpener } from './webhook-run/webhook-opener.ts';
import { createLoopShare, createPace } from './post-call/pace.ts';
import { createPostCallSender, type PostCallSender } from './post-call/post-call-sender.ts';
import { createRequestSlots, type RequestSlots } from './limits/request-slots.ts';
import type { OnFaultPoint } from './fault-points.ts';
import { createStartWaiters, type StartWaiters } from './start-waiters.ts';
import { createExecutionWrites, type ExecutionWrites } from './writes/execution-writes.ts';

/** Limits and times of the engine; the names of the settings behind them are in docs/config.md. */
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

/** What the engine is made of and works with. */
export interface EngineDeps extends Omit<WebhookRunDeps, 'executor'> {
  readonly database: Database;
  readonly executor: HttpExecutor;
  readonly agentSecrets: AgentSecrets;
  readonly newUuid: () => string;
  readonly instance: string;
  readonly limits: EngineLimits;
  /** How often each kind of maintenance is done. Absent ones are the engine's own. */
  readonly everyMs: Partial<Intervals>;
  readonly onFaultPoint: OnFaultPoint;
  /** Told of every ended execution, for the log. */
  readonly onExecution: (line: ExecutionLine) => void;
  readonly onReadiness: (ready: boolean) => void;
  readonly onError: (error: unknown, executionUuid?: string) => void;
}

/** The running engine: its parts for the commands, and its life. */
export interface Engine {
  /** The stores, watched: commands use them too. */
  readonly store: ExecutionStore;
  readonly agentStore: AgentStore;
  readonly agents: AgentCache;
  readonly admission: Admission;
  /** Decides at a call's arrival whether it may come in. */
  readonly gate: CallGate;
  readonly health: DatabaseHealth;
  readonly budget: ByteBudget;
  readonly slots: RequestSlots;
  readonly writes: ExecutionWrites;
  readonly startWaiters: StartWaiters;
  readonly webhookRuns: WebhookRuns;
  readonly preCalls: PreCalls;
  readonly postCallSender: PostCallSender;
  readonly maintenance: Maintenance;
  readonly open: (agent: Agent, webhook: Webhook) => RunnableWebhook;
  /** Aborted when the grace of a shutdown is over. */
  readonly signal: AbortSignal;
  /** Begins the background work; on SQLite it first marks interrupted what a dead process left sending. */
  start(): Promise<void>;
  /** Accepts nothing more; resolves when all that runs is on record. Past `graceMs` it is aborted and recorded so. */
  stop(graceMs: number): Promise<void>;
  /** Aborts what is being sent; each is recorded with what is known of it. */
  abort(): void;
}

const CACHE_BYTES = 64 * 1024 * 1024;
const DAY_MS = 86_400_000;
const MYSQL_CONNECTIONS = 2;
const IDLE_POLL_MS = 20;
// What was aborted still goes on record, if the database answers; then the process ends in any case.
const LAST_WRITES_MS = 3_000;

/** Plugs the engine together. */
export function createEngine(deps: EngineDeps): Engine {
  const { database, limits, onError, onExecution, onFaultPoint } = deps;
  const abort = new AbortController();
  const { signal } = abort;
  const lastWrites = new AbortController();
  const health = createDatabaseHealth(
    () => database.ping(),
    (isReady) => {
      // A database that comes back while the process shuts down makes nothing ready.
      if (!admission.isShut()) deps.onReadiness(isReady);
    },
  );
  const store = withHealthReporting(database.executions, health);
  const agentStore = withHealthReporting(database.agents, health);
  const agents = createAgentCache(agentStore, CACHE_BYTES);
  const budget = createByteBudget(limits.maxBufferedBytes);
  const slots = createRequestSlots({ total: limits.maxPreCalls, perOrigin: limits.maxPreCallsPerOrigin });
  const postCallSlots = createRequestSlots({
    total: limits.maxPostCalls,
    perOrigin: limits.maxPostCallsPerOrigin,
  });
  const writes = createExecutionWrites(store, database.engine === 'mysql' ? MYSQL_CONNECTIONS : 1);
  const gate = createCallGate({
    // While the database is away, writes are old for another reason, and callers are told that one.
    queueAgeMs: () => (health.isThere() ? writes.ageMs() : 0),
    claimedLately: writes.claimedLately,
    now: () => performance.now(),
  });
  const startWaiters = createStartWaiters({
    ...{ store, onError },
    isRunningHere: (conversationUuid) => preCalls.isRunning(conversationUuid),
  });
  const webhookRuns = createWebhookRuns(deps);
  const open = createWebhookOpener(deps.agentSecrets);
  const maintenance = createMaintenance({
    ...{ store, health, startWaiters, onFaultPoint, onError },
    isRunningHere: (executionUuid) => preCalls.runs(executionUuid) || postCallSender.isSending(executionUuid),
    everyMs: deps.everyMs,
    freeBytes: database.freeBytes,
    maxBacklog: limits.maxBacklog,
    startByMs: limits.startByMs,
    retentionMs: limits.retentionDays * DAY_MS,
    keyRetentionMs: limits.keyRetentionDays * DAY_MS,
  });
  const admission = createAdmission({ budget, maxPreCalls: limits.maxPreCalls, ...maintenance });
  const preCalls = createPreCalls({
    writes,
    store,
    startWaiters,
    onExecution,
    onFaultPoint,
    onError,
    lastWrites: lastWrites.signal,
  });
  const postCallSender = createPostCallSender({
    ...{ writes, store, agentStore, agents, open, webhookRuns, budget, startWaiters },
    ...{ signal, onExecution, onFaultPoint, onError },
    lastWrites: lastWrites.signal,
    slots: postCallSlots,
    pace: createPace({
      idleMs: admission.idleMs,
      queueAgeMs: writes.ageMs,
      callsWaiting: gate.waiting,
      loopShare: createLoopShare(),
      now: () => performance.now(),
    }),
    newClaim: deps.newUuid,
    instance: deps.instance,
    recordBytes: limits.recordBodyBytes,
    startByMs: limits.startByMs,
  });
  const parts = {
    store,
    agentStore,
    agents,
    admission,
    gate,
    health,
    budget,
    slots,
    writes,
    startWaiters,
    webhookRuns,
    preCalls,
    postCallSender,
  };

  const idle = async (): Promise<void> => {
    await postCallSender.idle();
    // Each admitted call reserves bytes until it is answered and its outcome is on record.
    while (slots.inFlight() > 0 || budget.reservedBytes() > 0) await wait(IDLE_POLL_MS);
  };

  return {
    ...parts,
    maintenance,
    open,
    signal,
    start: async () => {
      if (database.engine === 'sqlite') await store.interruptAllSending();
      await maintenance.start();
      postCallSender.start();
    },
    stop: async (graceMs) => {
      admission.shut();
      postCallSender.stop();
      const grace = setTimeout(() => abort.abort(), graceMs);
      const giveUp = once(signal, 'abort').then(() => wait(LAST_WRITES_MS, undefined, { ref: false }));
      await Promise.race([idle(), giveUp]);
      clearTimeout(grace);
      lastWrites.abort();
      maintenance.stop();
      startWaiters.close();
      health.close();
      await Promise.race([idle(), wait(LAST_WRITES_MS, undefined, { ref: false })]);
    },
    abort: () => abort.abort(),
  };
}
