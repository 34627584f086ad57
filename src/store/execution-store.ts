import type { StartVariables, StoredCallDetails } from '../domain/call.ts';
import type { Execution, ExecutionRecord, ExecutionState } from '../domain/execution.ts';
import type { Failure, FailureCode } from '../domain/failures.ts';
import type { WebhookType } from '../domain/agent.ts';
import type { Page } from './agent-store.ts';
import type { WriteBatch, WriteResults } from './write-batch.ts';

// All functions take and give plain data, and reject with DatabaseError.

/** A start as recorded: enough to build its reply. */
export interface RecordedStart {
  readonly execution: Execution;
  readonly start: StartVariables;
}

export interface ExecutionFilter {
  readonly agentUuid?: string;
  readonly conversationUuid?: string;
  readonly webhookUuid?: string;
  readonly webhookType?: WebhookType;
  /** Empty: all. */
  readonly states: readonly ExecutionState[];
  /** Empty: all. */
  readonly failureCodes: readonly FailureCode[];
  readonly degraded?: boolean;
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

/** Place in the list of overdue executions (oldest first). */
export interface OverdueKey {
  /** When its time was over, by the database's clock. */
  readonly overdueAtMs: number;
  readonly executionUuid: string;
}

/** An execution that is `sending` although its time is over. */
export interface OverdueExecution extends OverdueKey {
  readonly conversationUuid: string;
  readonly webhookType: WebhookType;
}

/** Place in the keys of purged executions. */
export interface PurgedKey {
  readonly conversationUuid: string;
  readonly webhookType: WebhookType;
}

/** Names a pending post-call: it is accepted, and no replica has claimed it yet. */
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

/** The executions. */
export interface ExecutionStore {
  /**
   * Writes a batch in one transaction, committed durably when this resolves: outcomes (guarded by their claims: a
   * pre-call's only over `sending`, a post-call's over a mark too), claims of pre-calls and starts without a webhook,
   * accepts of post-calls, claims of accepted post-calls. Makes one try: rejected with `conflict` or `busy`, nothing of
   * it was written; with `away`, its fate is unknown, and repeating it with the same tokens is harmless; with `row` or
   * `bug`, one of its items is bad, and the caller splits the batch.
   */
  write(batch: WriteBatch): Promise<WriteResults>;
  /**
   * Fails pending post-calls that are never sent (EXPIRED, WEBHOOK_REMOVED), guarded. Returns how many it failed. With
   * `olderThanMs`, only those accepted at least that long ago by the database's clock.
   */
  failUnsent(executionUuids: readonly string[], failure: Failure, olderThanMs?: number): Promise<number>;

  /** Returns those of these conversations whose row of this type another transaction has inserted and not committed. */
  findUncommitted(webhookType: WebhookType, conversationUuids: readonly string[]): Promise<readonly string[]>;
  /** Returns those of these executions whose rows another transaction has locked. */
  findLocked(executionUuids: readonly string[]): Promise<readonly string[]>;

  /** The rows of a conversation (its start, its end; `no_webhook` too), for the agent check. Causal on a cluster. */
  findConversation(conversationUuid: string): Promise<readonly Execution[]>;
  /** The recorded start of a conversation, whatever its state. Causal on a cluster. `purged`: only its key is left. */
  findStart(conversationUuid: string): Promise<RecordedStart | 'purged' | undefined>;
  /** Finds the recorded post-call of a conversation. Causal on a cluster. */
  findPostCall(conversationUuid: string): Promise<Execution | 'purged' | undefined>;
  /** The details of an accepted or sending post-call. */
  findDetails(executionUuid: string): Promise<StoredCallDetails | undefined>;
  findExecution(
    executionUuid: string,
  ): Promise<{ execution: Execution; record: ExecutionRecord } | undefined>;
  /** Whether this execution is `sending` (chaining). */
  isSending(executionUuid: string): Promise<boolean>;
  /** Newest first by (accepted_at, execution_uuid). Never shows `no_webhook`. Reads at most 20,000 index entries. */
  listExecutions(
    filter: ExecutionFilter,
    pageSize: number,
    after?: ExecutionKey,
  ): Promise<Page<Execution, ExecutionKey>>;
  /**
   * Returns those of these conversations, however many, that have no start or whose start is finished, as far as this
   * release knows.
   */
  findFinishedStarts(conversationUuids: readonly string[]): Promise<readonly string[]>;

  /** Lists the webhooks that have pending post-calls, by webhook_uuid ascending. */
  listPendingWebhooks(): Promise<readonly PendingWebhook[]>;
  /** Lists the oldest pending post-calls of a webhook, by (accepted_at, execution_uuid). `after`: only those after it. */
  listPendingPostCalls(
    webhookUuid: string,
    limit: number,
    after?: ExecutionKey,
  ): Promise<readonly PendingPostCall[]>;
  /** Counts all pending post-calls, up to `cap`. */
  countPending(cap: number): Promise<number>;
  /**
   * Accepted or sending and past their time (sending: limit + 10 s; accepted: `startByMs` + 5 s, 0: never): must be 0 on
   * a healthy system. Capped at 1,000.
   */
  countOverdue(startByMs: number): Promise<number>;

  /** Lists `sending` executions that are overdue by the database's clock, oldest first; `after`: those after that one. */
  findOverdue(limit: number, after?: OverdueKey): Promise<readonly OverdueExecution[]>;
  /**
   * Marks those of these executions interrupted that are still `sending` and overdue. Returns their uuids. Rows that
   * somebody else has locked are passed over.
   */
  interruptOverdue(executionUuids: readonly string[]): Promise<readonly string[]>;
  /** Marks every `sending` row interrupted (SQLite at start: the lock proves that no owner lives). Returns how many. */
  interruptAllSending(): Promise<number>;
  /**
   * Abandons a start whose insert was not confirmed in time: marks the row interrupted, SENT_NO, if it holds this token
   * and is `sending`.
   */
  abandonStart(executionUuid: string): Promise<void>;
  /** Purges ended executions finished before `beforeMs`, at most `limit`, leaving their keys; the number purged. */
  purge(beforeMs: number, limit: number): Promise<number>;
  /**
   * Looks at up to `limit` keys of purged executions after the key `after` (absent: from the first) and removes those
   * purged before the day of `beforeMs`: they could run again. The key to go on after; undefined at the end.
   */
  forgetKeys(beforeMs: number, limit: number, after?: PurgedKey): Promise<PurgedKey | undefined>;
  /** The database's clock, epoch milliseconds. */
  nowMs(): Promise<number>;
}
