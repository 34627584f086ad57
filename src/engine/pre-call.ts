import { CallhooksError, DatabaseError } from '../errors.ts';
import type { Execution, StartVariables } from '../domain/types.ts';
import type { ExecutionStore, InsertResult, NewStart, Outcome, RecordedStart } from '../store/types.ts';
import { databaseUnavailable } from './writes/database-health.ts';
import { OUR_BUG, type Exchange } from './webhook-run/webhook-run.ts';
import { toOutcome, withAssignedBy, withOutcome, type ExecutionLine } from './webhook-run/outcome.ts';
import { recordOrLog } from './webhook-run/record-outcome.ts';
import { settle, settledBy } from './writes/retry-write.ts';
import type { OnStep } from './fault-points.ts';
import type { Waiters } from './start-waiters.ts';
import type { Writes } from './writes/execution-writes.ts';

/** A start that is to be claimed and run. */
export interface PreCallRun {
  readonly start: NewStart;
  /** Rough size of its row. */
  readonly bytes: number;
  /** Runs the webhook once the claim is ours; never rejects because of the endpoint. */
  readonly perform: () => Promise<Exchange>;
  /** Instant of `performance.now()` after which no answer reaches the caller. */
  readonly answerByMs: number;
  /** Called once, when the outcome is on record or the claim was not ours. */
  readonly onSettled: () => void;
}

/** The claim's fate when it did not become ours: somebody else's row, or a purged key. */
export type NotOurs = Exclude<InsertResult, { kind: 'won' }>;

/** Claims and runs starts: a durable claim before the send, the recorded outcome before the reply. */
export interface PreCalls {
  /** Keeps a start that has no webhook to run. */
  keep(start: NewStart, bytes: number): Promise<RecordedStart | NotOurs>;
  /**
   * Runs a start; what it rejects with is for the caller, the run itself goes on to its recorded end.
   * @throws CallhooksError DATABASE_UNAVAILABLE, OUTCOME_NOT_RECORDED
   */
  run(run: PreCallRun): Promise<RecordedStart | NotOurs>;
}

const SETTLE_CLAIM_MS = 2_000;
const HOLD_ANSWER_MS = 5_000;

/** What running starts needs. */
export interface PreCallDeps {
  readonly writes: Writes;
  readonly store: Pick<ExecutionStore, 'findStart' | 'disownStart'>;
  readonly waiters: Waiters;
  readonly onStep: OnStep;
  readonly onExecution: (line: ExecutionLine) => void;
  readonly onError: (error: unknown, executionUuid: string) => void;
  /** Aborted when the process ends: what the database does not take then is only logged. */
  readonly lastWrites: AbortSignal;
}

/** Makes the pre-calls. */
export const createPreCalls = (deps: PreCallDeps): PreCalls => ({
  keep: async (start, bytes) => {
    const claim = await insert(deps, start, bytes);
    return claim.kind === 'won' ? { execution: claim.execution, start: start.start } : claim;
  },
  run: async (run) => {
    const { conversationUuid, executionUuid } = run.start;
    deps.onStep('start.unclaimed', conversationUuid);
    const claim = await claimFor(deps, run);
    if (claim.kind !== 'won') return claim;
    const claimedAtMs = performance.now();
    deps.onStep('start.claimed', conversationUuid);
    const exchange = await run.perform().catch((error: unknown) => {
      deps.onError(error, executionUuid);
      return OUR_BUG;
    });
    deps.onStep('start.answered', conversationUuid);
    const outcome = toOutcome(claimedBy(run.start, claimedAtMs), exchange);
    return answerOnRecord(deps, run, claim.execution, outcome);
  },
});

const claimFor = async (deps: PreCallDeps, run: PreCallRun): Promise<InsertResult> => {
  try {
    const claim = await insert(deps, run.start, run.bytes, run.answerByMs);
    if (claim.kind === 'won' && claim.execution.state === 'sending') return claim;
    run.onSettled();
    // A claim that took so long that somebody has labelled it is answered from the record, and sends nothing.
    return claim.kind === 'won' ? { kind: 'lost', execution: claim.execution } : claim;
  } catch (error) {
    run.onSettled();
    throw error;
  }
};

// The same statement with the same token until it is answered. Past the limit nothing is sent, and no insert is
// repeated: if the row turns out to have been written, it is labelled once the database is back.
const insert = async (
  deps: PreCallDeps,
  start: NewStart,
  bytes: number,
  answerByMs = Infinity,
): Promise<InsertResult> => {
  const patienceMs = Math.min(SETTLE_CLAIM_MS, start.webhook?.timeLimitMs ?? SETTLE_CLAIM_MS);
  const giveUpAtMs = Math.min(performance.now() + patienceMs, answerByMs);
  const settling = settle(() => deps.writes.insertStart(start, bytes), { giveUpAtMs });
  try {
    return await settledBy(settling, giveUpAtMs);
  } catch (error) {
    if (!(error instanceof DatabaseError) || error.kind === 'row') throw error;
    disown(deps, start, settling).catch((failure: unknown) => deps.onError(failure, start.executionUuid));
    throw error.kind === 'bug' ? error : databaseUnavailable(error);
  }
};

// What is still under way ends first: a claim that comes through now is nobody's.
const disown = async (deps: PreCallDeps, start: NewStart, settling: Promise<unknown>): Promise<void> => {
  await Promise.allSettled([settling]);
  await settle(() => deps.store.disownStart(start.executionUuid), { signal: deps.lastWrites });
};

const claimedBy = (start: NewStart, claimedAtMs: number) => ({
  executionUuid: start.executionUuid,
  webhookType: 'pre_call' as const,
  claim: start.executionUuid,
  webhookEtag: start.webhook?.webhookEtag ?? '',
  claimedAtMs,
});

const answerOnRecord = async (
  deps: PreCallDeps,
  run: PreCallRun,
  execution: Execution,
  outcome: Outcome,
): Promise<RecordedStart> => {
  const recorded = record(deps, run, execution, outcome);
  // The caller may be gone by the time this fails; then the log is the only one to hear of it.
  recorded.catch((error: unknown) => deps.onError(error, execution.executionUuid));
  const holdUntilMs = Math.min(run.answerByMs, performance.now() + HOLD_ANSWER_MS);
  return Promise.race([recorded, notRecordedBy(holdUntilMs, recorded)]);
};

const record = async (
  deps: PreCallDeps,
  run: PreCallRun,
  execution: Execution,
  outcome: Outcome,
): Promise<RecordedStart> => {
  try {
    const result = await recordOrLog(deps, execution, outcome);
    deps.onStep('start.recorded', execution.conversationUuid);
    if (result === 'recorded') return recordedAs(execution, run.start.start, outcome);
    // A label is final: the owner replies from the record like everybody else.
    const found = await settle(() => deps.store.findStart(execution.conversationUuid), {
      signal: deps.lastWrites,
    });
    if (found === undefined || found === 'purged')
      throw new DatabaseError('bug', new Error('own row is gone'));
    return found;
  } finally {
    run.onSettled();
    deps.waiters.noteEnded(execution.conversationUuid);
  }
};

const recordedAs = (execution: Execution, start: StartVariables, outcome: Outcome): RecordedStart => ({
  execution: withOutcome(execution, outcome),
  start: withAssignedBy(start, outcome),
});

const notRecordedBy = (atMs: number, unless: Promise<unknown>): Promise<never> =>
  new Promise((_, reject) => {
    const refuse = (): void =>
      reject(
        new CallhooksError('OUTCOME_NOT_RECORDED', 'the outcome is not on record yet; a repeat finds it', {
          retryAfterMs: 1_000,
        }),
      );
    const timer = setTimeout(refuse, Math.max(0, atMs - performance.now()));
    const stop = (): void => clearTimeout(timer);
    unless.then(stop, stop);
  });
