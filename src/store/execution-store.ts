import type { StartVariables, StoredCallDetails } from '../domain/call.ts';
import type { EndedState, Execution, ExecutionRecord, ExecutionState } from '../domain/execution.ts';
import type { Failure, FailureCode } from '../domain/failures.ts';
import type { WebhookType } from '../domain/agent.ts';
import type { Page } from './agent-store.ts';
import type { WriteBatch, WriteResults } from './write-batch.ts';

// All functions take and return plain data, and reject with DatabaseError.

/** A start as it is recorded. A reply can be built from it. */
export interface RecordedStart {
  readonly execution: Execution;
  readonly start: StartVariables;
}

/** Which executions a list shows. */
export interface ExecutionFilter {
  readonly agentUuid?: string;
  readonly conversationUuid?: string;
  readonly webhookUuid?: string;
  readonly webhookType?: WebhookType;
  /** An empty list stands for all states. */
  readonly states: readonly ExecutionState[];
  /** An empty list stands for all executions. */
  readonly failureCodes: readonly FailureCode[];
  readonly degraded?: boolean;
  readonly rejected?: boolean;
  /** Inclusive. */
  readonly acceptedFromMs?: number;
  /** Exclusive. */
  readonly acceptedToMs?: number;
}

/** Place in the list of executions (newest first). */
export interface ExecutionKey {
  readonly acceptedAtMs: number;
  readonly executionUuid: string;
}

/** Place in the order in which executions have ended (oldest first). */
export interface EndedPlace {
  /** When it ended, by the database's clock. */
  readonly finishedAtMs: number;
  readonly executionUuid: string;
}

/** An execution that has ended, as the index knows it. */
export interface EndedKey extends EndedPlace {
  readonly state: EndedState;
}

/** A stretch of time in which executions ended: from `fromMs` until so many milliseconds before the database's now. */
export interface EndedRange {
  readonly fromMs: number;
  readonly lagMs: number;
}

/** The executions that ended in some stretches of time. */
export interface EndedKeys {
  /** The time of the database's clock. */
  readonly nowMs: number;
  /** The keys of each range, in the order of the ends. */
  readonly ranges: readonly (readonly EndedKey[])[];
  /** How many keys of a range and a state are read at most. A range with so many of a state may have more. */
  readonly limit: number;
}

/** Place in the list of overdue executions (oldest first). */
export interface OverdueKey {
  /** When its time was over, by the database's clock. */
  readonly overdueAtMs: number;
  readonly executionUuid: string;
}

/** Names an execution, and what it belongs to. */
export interface ExecutionNames {
  readonly executionUuid: string;
  readonly conversationUuid: string;
  readonly agentUuid: string;
  readonly webhookUuid: string;
  readonly webhookType: WebhookType;
}

/** An execution that is `sending` although its time is over. */
export type OverdueExecution = OverdueKey & ExecutionNames;

/** Place in the keys of purged executions. */
export interface PurgedKey {
  readonly conversationUuid: string;
  readonly webhookType: WebhookType;
}

/** A pending post-call: it is accepted, and no replica has claimed it yet. */
export interface PendingPostCall {
  readonly executionUuid: string;
  readonly conversationUuid: string;
  readonly agentUuid: string;
  readonly webhookUuid: string;
  readonly acceptedAtMs: number;
}

/** A webhook that has pending post-calls. */
export interface PendingWebhook {
  readonly webhookUuid: string;
  readonly oldestAcceptedAtMs: number;
}

/** Stores executions. */
export interface ExecutionStore {
  /**
   * Writes a batch in one transaction, which is durable when this resolves. It makes one try. After a rejection as
   * `conflict` or `busy` nothing of it was written. After `away` nobody knows whether it was written, and a repeat with the
   * same tokens is harmless. After `row` or `bug` one of its items is bad, and the caller splits the batch. An outcome
   * is guarded by its claim: a pre-call's is written over `sending` only, a post-call's over INTERRUPTED too.
   */
  write(batch: WriteBatch): Promise<WriteResults>;
  /**
   * Fails pending post-calls that are never sent (EXPIRED, WEBHOOK_REMOVED), and returns those that it failed. It passes over
   * rows that another transaction has locked. With `olderThanMs`, it fails only those accepted at least that long ago by the
   * database's clock.
   */
  failUnsent(
    executionUuids: readonly string[],
    failure: Failure,
    olderThanMs?: number,
  ): Promise<readonly ExecutionNames[]>;

  /** Returns the conversations whose row of this type another transaction has inserted and not committed. */
  findUncommitted(webhookType: WebhookType, conversationUuids: readonly string[]): Promise<readonly string[]>;
  /** Returns the executions whose rows another transaction has locked. */
  findLocked(executionUuids: readonly string[]): Promise<readonly string[]>;

  /** Finds the pre-call and the post-call of a conversation, `no_webhook` too. Causal on a cluster. */
  findConversation(conversationUuid: string): Promise<readonly Execution[]>;
  /** Finds the recorded start of a conversation, in any state. Causal on a cluster. `purged`: only its key is left. */
  findStart(conversationUuid: string): Promise<RecordedStart | 'purged' | undefined>;
  /** Finds the recorded post-call of a conversation. Causal on a cluster. */
  findPostCall(conversationUuid: string): Promise<Execution | 'purged' | undefined>;
  /** Finds the details of an accepted or sending post-call. */
  findDetails(executionUuid: string): Promise<StoredCallDetails | undefined>;
  /** Finds an execution with its record, and with what its start left if it is a pre-call. */
  findExecution(
    executionUuid: string,
  ): Promise<{ execution: Execution; record: ExecutionRecord; start?: StartVariables } | undefined>;
  /** Reports whether this execution is `sending`, for the check of chaining. */
  isSending(executionUuid: string): Promise<boolean>;
  /**
   * Lists executions, newest first by (accepted_at, execution_uuid), without `no_webhook`. Reads at most 20,000 index
   * entries, so a page may be short although others follow.
   */
  listExecutions(
    filter: ExecutionFilter,
    pageSize: number,
    after?: ExecutionKey,
  ): Promise<Page<Execution, ExecutionKey>>;
  /** Lists the keys of executions that ended in these ranges, without `no_webhook`. It reads the index alone. */
  listEndedKeys(ranges: readonly EndedRange[]): Promise<EndedKeys>;
  /** Counts the executions in the state of `after` that ended after it and before `toMs`, up to 20,000. */
  countEnded(after: EndedKey, toMs: number): Promise<number>;
  /**
   * Finds executions that have ended, by (finished_at, execution_uuid). It stops at 1 MiB, so some of a long list can be
   * missing.
   */
  findEnded(executionUuids: readonly string[]): Promise<readonly Execution[]>;
  /**
   * Lists the executions that ended after a place and match the filter, in the order of their ends. One page reads so many
   * index entries and returns `pageSize` executions at most. `next` is where it ended; there is none when nothing follows.
   */
  listEnded(
    filter: ExecutionFilter,
    pageSize: number,
    after: EndedPlace,
  ): Promise<Page<Execution, EndedPlace>>;
  /**
   * Returns the conversations that have no start, or whose start is in a state that this release knows as finished. The
   * list may have any length.
   */
  findFinishedStarts(conversationUuids: readonly string[]): Promise<readonly string[]>;

  /** Lists the webhooks that have pending post-calls, by webhook_uuid ascending. */
  listPendingWebhooks(): Promise<readonly PendingWebhook[]>;
  /** Lists the oldest pending post-calls of a webhook, by (accepted_at, execution_uuid), from `after` on. */
  listPendingPostCalls(
    webhookUuid: string,
    limit: number,
    after?: ExecutionKey,
  ): Promise<readonly PendingPostCall[]>;
  /** Counts all pending post-calls, up to `cap`. */
  countPending(cap: number): Promise<number>;
  /** Returns how long ago the oldest pending post-call was accepted, by the database's clock; 0 when there is none. */
  oldestPendingAgeMs(): Promise<number>;
  /**
   * Counts executions that are past their time, up to 1,000: those in `sending` 10 s after their time limit, and those in
   * `accepted` 5 s after `startByMs` (with 0 they have no limit). It must be 0 on a healthy system.
   */
  countOverdue(startByMs: number): Promise<number>;

  /** Lists `sending` executions that are overdue by the database's clock, oldest first, from `after` on. */
  findOverdue(limit: number, after?: OverdueKey): Promise<readonly OverdueExecution[]>;
  /**
   * Marks the executions interrupted that are still `sending` and overdue, and returns their uuids. It passes over rows that
   * another transaction has locked.
   */
  interruptOverdue(executionUuids: readonly string[]): Promise<readonly string[]>;
  /** Marks every `sending` row interrupted, and returns them. For SQLite at start: no owner lives then. */
  interruptAllSending(): Promise<readonly ExecutionNames[]>;
  /**
   * Abandons a start whose insert was not confirmed in time: marks its row interrupted, SENT_NO, if it has this token and is
   * `sending`. Returns how many it marked, 1 or 0.
   */
  abandonStart(executionUuid: string): Promise<number>;
  /** Purges at most `limit` executions that finished before `beforeMs`, keeps their keys, and returns how many. */
  purge(beforeMs: number, limit: number): Promise<number>;
  /**
   * Reads up to `limit` keys of purged executions after the key `after`, or from the first one, and removes the keys that
   * were purged before the day of `beforeMs`: such calls could run again. Returns the last key that was read, or undefined
   * at the end.
   */
  forgetKeys(beforeMs: number, limit: number, after?: PurgedKey): Promise<PurgedKey | undefined>;
  /** Returns the time of the database's clock, in epoch milliseconds. */
  nowMs(): Promise<number>;
}
