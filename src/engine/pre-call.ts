import type { Execution } from '../domain/execution.ts';
import type { StartVariables } from '../domain/call.ts';
import { CallhooksError, DatabaseError, isDatabaseError } from '../errors.ts';
import type { ExecutionStore, RecordedStart } from '../store/execution-store.ts';
import type { NewStart, Outcome } from '../store/write-batch.ts';
import type { OnFaultPoint } from './fault-points.ts';
import type { RunningStarts, StartWaiters } from './start-waiters.ts';
import { NEVER_CONFIRMED, type OnUnowned } from './unowned-executions.ts';
import {
  recordAndLog,
  toOutcome,
  withAssignedBy,
  withOutcome,
  type ExecutionOrigin,
  type OnExecution,
} from './webhook-run/outcome.ts';
import type { WebhookRun } from './webhook-run/webhook-run.ts';
import {
  beginInsert,
  toInsertError,
  type ExecutionWrites,
  type Inserted,
} from './writes/execution-writes.ts';
import { retryWrite, withTimeout } from './writes/retry-write.ts';

/** How long a claim may take. Instants are of `performance.now()`. */
export interface ClaimTimes {
  readonly admittedAtMs: number;
  /** The last instant at which an answer reaches the caller. */
  readonly answerByMs: number;
  /** Reports whether the caller is gone. A claim that was not written yet is withdrawn then. */
  readonly isCancelled: () => boolean;
}

/** A start that this process has claimed. */
export interface ClaimedStart {
  readonly execution: Execution;
  readonly start: StartVariables;
  readonly claimedAtMs: number;
}

/** What became of a claim when another execution has the conversation, or had it. */
export type LostClaim = Exclude<Inserted, { kind: 'won' }>;

/** Claims starts durably before their requests are sent, and records their outcomes before they are answered. */
export interface PreCalls {
  /**
   * Claims a start by inserting its row. A start without a webhook is kept in the same way.
   * @throws CallhooksError DATABASE_UNAVAILABLE, and LIMIT_REACHED when nothing of it was written
   */
  claim(row: NewStart, start: StartVariables, times: ClaimTimes): Promise<ClaimedStart | LostClaim>;
  /** Records how a claimed start went, however long the database is away. Returns what is on record then. */
  record(claimed: ClaimedStart, run: WebhookRun, origin: ExecutionOrigin): Promise<RecordedStart>;
}

const CLAIM_LIMIT_MS = 2_000;
// A request that begins with less time than this can only time out.
const LEAST_TIME_MS = 100;
const RECORD_LIMIT_MS = 5_000;

/** What claiming and recording starts needs. */
export interface PreCallDeps {
  readonly writes: ExecutionWrites;
  readonly store: Pick<ExecutionStore, 'findStart' | 'abandonStart'>;
  readonly runningStarts: RunningStarts;
  readonly startWaiters: StartWaiters;
  readonly onFaultPoint: OnFaultPoint;
  readonly onExecution: OnExecution;
  /** Is told of a start that was abandoned. */
  readonly onUnowned: OnUnowned;
  readonly onError: (error: unknown, executionUuid: string) => void;
  /** Aborted when the process ends: an outcome that the database does not take then is only logged. */
  readonly lastWrites: AbortSignal;
}

/** Makes the pre-calls. */
export function createPreCalls(deps: PreCallDeps): PreCalls {
  const { runningStarts } = deps;
  return {
    claim: async (row, start, times) => {
      deps.onFaultPoint('pre_call.unclaimed', row.conversationUuid);
      const inserted = await insert(deps, row, times);
      if (inserted.kind !== 'won') return inserted;
      const { execution } = inserted;
      if (execution.state === 'no_webhook') return { execution, start, claimedAtMs: performance.now() };
      // The claim took so long that it was marked interrupted. It is answered from the record, and nothing is sent.
      if (execution.state !== 'sending') return { kind: 'lost', execution };
      runningStarts.add(execution);
      deps.onFaultPoint('pre_call.claimed', row.conversationUuid);
      return { execution, start, claimedAtMs: performance.now() };
    },
    record: async (claimed, run, origin) => {
      const { conversationUuid } = claimed.execution;
      deps.onFaultPoint('pre_call.answered', conversationUuid);
      try {
        return await record(deps, claimed, run, origin);
      } catch (error) {
        // The caller may be gone by now. Then only the log tells of it.
        deps.onError(error, claimed.execution.executionUuid);
        throw error;
      } finally {
        runningStarts.remove(claimed.execution);
        deps.startWaiters.notifyFinished(conversationUuid);
      }
    },
  };
}

// Past the limit nothing is sent, and no insert is repeated: if the row turns out to have been written, it is marked
// interrupted once the database is back.
async function insert(
  deps: PreCallDeps,
  row: NewStart,
  { admittedAtMs, answerByMs, isCancelled }: ClaimTimes,
): Promise<Inserted> {
  const limitMs = Math.min(CLAIM_LIMIT_MS, row.webhook?.timeLimitMs ?? CLAIM_LIMIT_MS);
  const insert = beginInsert(deps.writes.insertStart, row, {
    giveUpAtMs: Math.min(admittedAtMs + limitMs, answerByMs),
    // Early enough for a request that still has time to be answered.
    lastUsefulAtMs: admittedAtMs + Math.max(limitMs - LEAST_TIME_MS, limitMs / 2),
    isCancelled,
  });
  try {
    return await insert.inTime;
  } catch (error) {
    if (isDatabaseError(error, 'away', 'busy', 'conflict', 'full', 'bug'))
      abandon(deps, row, insert.written).catch((failure: unknown) =>
        deps.onError(failure, row.executionUuid),
      );
    throw toInsertError(error, row.startJson.length, 'dynamic_variables');
  }
}

// Waits for the end of the insert first. The insert may be applied as late as that, and its claim has no owner any more, so
// it is given up only then.
async function abandon(deps: PreCallDeps, row: NewStart, written: Promise<unknown>): Promise<void> {
  await Promise.allSettled([written]);
  const { executionUuid, conversationUuid, agentUuid, webhook } = row;
  const write = (): Promise<number> => deps.store.abandonStart(executionUuid);
  const abandoned = await retryWrite(write, { signal: deps.lastWrites });
  if (abandoned > 0 && webhook !== undefined) {
    const names = { executionUuid, conversationUuid, agentUuid, webhookUuid: webhook.webhookUuid };
    deps.onUnowned([{ ...names, webhookType: 'pre_call' }], NEVER_CONFIRMED);
  }
  deps.startWaiters.notifyFinished(conversationUuid);
}

async function record(
  deps: PreCallDeps,
  { execution, start, claimedAtMs }: ClaimedStart,
  run: WebhookRun,
  origin: ExecutionOrigin,
): Promise<RecordedStart> {
  const { executionUuid, conversationUuid, webhookEtag, failurePolicy } = execution;
  const outcome = toOutcome(
    {
      ...{ executionUuid, webhookType: 'pre_call', failurePolicy },
      ...{ claim: executionUuid, webhookEtag, claimedAtMs },
    },
    run,
  );
  const result = await recordAndLog(deps, execution, origin, outcome);
  deps.onFaultPoint('pre_call.recorded', conversationUuid);
  if (result === 'recorded') return recordedAs(execution, start, outcome);
  // A mark is final: the owner answers from the record, as every repeat does.
  const found = await retryWrite(() => deps.store.findStart(conversationUuid), { signal: deps.lastWrites });
  if (found === undefined || found === 'purged')
    throw new DatabaseError('bug', new Error('the row of a claimed start is gone'));
  return found;
}

function recordedAs(execution: Execution, start: StartVariables, outcome: Outcome): RecordedStart {
  return { execution: withOutcome(execution, outcome), start: withAssignedBy(start, outcome) };
}

/**
 * Waits until an outcome is recorded, for 5 s at most and no longer than an answer still reaches the caller.
 * @throws CallhooksError OUTCOME_NOT_RECORDED while the recording goes on
 */
export function waitForRecord<T>(recording: Promise<T>, answerByMs: number): Promise<T> {
  return withTimeout(
    recording,
    Math.min(answerByMs, performance.now() + RECORD_LIMIT_MS),
    outcomeNotRecorded,
  );
}

function outcomeNotRecorded(): CallhooksError {
  return new CallhooksError('OUTCOME_NOT_RECORDED', 'the outcome is not on record yet; a repeat finds it', {
    retryAfterMs: 1_000,
  });
}
