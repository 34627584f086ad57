import type {
  Agent,
  CallFacts,
  Execution,
  ExecutionRecord,
  ExecutionState,
  Failure,
  FailureCode,
  FailurePolicy,
  JsonObject,
  MissedAssignment,
  RequestRecord,
  ResponseRecord,
  SealedValue,
  StartVariables,
  TimeLimitSource,
  Timings,
  VariableSource,
  Webhook,
  WebhookType,
} from '../domain/types.ts';

// All functions take and give plain data, and reject with DatabaseError (or CallhooksError where said).

/** An agent to be stored: the store stamps the times from the database's clock. */
export type NewAgent = Omit<Agent, 'createdAtMs' | 'updatedAtMs'>;

/** One page of a list: `next` is the key to go on after, absent on the last page. */
export interface Page<T, K> {
  readonly items: readonly T[];
  readonly next?: K;
}

/** Agents with their webhooks and secrets. An agent is read and written as a whole. */
export interface AgentStore {
  /** @throws CallhooksError AGENT_EXISTS */
  insertAgent(agent: NewAgent): Promise<Agent>;
  findAgent(agentUuid: string): Promise<Agent | undefined>;
  /** The agent that has this webhook. */
  findAgentOfWebhook(webhookUuid: string): Promise<Agent | undefined>;
  /** The URL templates of those of these webhooks that are there and enabled. */
  findUrls(webhookUuids: readonly string[]): Promise<ReadonlyMap<string, string>>;
  /**
   * Reads an agent that is to be changed; `nowMs` is the database's clock, which the new state's times are taken from.
   * Without `agent` there is none.
   */
  readForChange(agentUuid: string): Promise<{ readonly agent?: Agent; readonly nowMs: number }>;
  /**
   * Brings an agent from the state `before`, as it was read, to `after`; without `after` it is deleted with its webhooks
   * and secrets. `stale`: its etag is not that of `before` any more, or it is gone, and nothing was changed. Each state
   * needs an etag of its own. Sealed values that are the same in both states are not touched.
   */
  replaceAgent(before: Agent, after: Agent | undefined): Promise<'changed' | 'stale'>;
  /** By agent_uuid ascending; `after` is the last agent_uuid of the page before. */
  listAgents(pageSize: number, after?: string): Promise<Page<Agent, string>>;
  /** By webhook_uuid ascending, of one agent or of all. */
  listWebhooks(
    agentUuid: string | undefined,
    pageSize: number,
    after?: string,
  ): Promise<Page<Webhook, string>>;
}

/** Where encrypted values lie, as the rotation and the check at start need it. */
export interface SealedStore {
  /** How many stored values each key id sealed. */
  countByKey(): Promise<ReadonlyMap<string, number>>;
  /** The check value sealed with this key, if one was stored. */
  findKeyCheck(keyId: string): Promise<SealedValue | undefined>;
  /** Stores a check value unless there is one. */
  insertKeyCheck(check: SealedValue): Promise<void>;
}

/** A start as its claim writes it. Without `webhook` it is kept in the state `no_webhook`. */
export interface NewStart {
  /** Fresh, and the claim's token. */
  readonly executionUuid: string;
  readonly agentUuid: string;
  readonly conversationUuid: string;
  readonly webhook?: {
    readonly webhookUuid: string;
    readonly webhookEtag: string;
    readonly failurePolicy: FailurePolicy;
    readonly timeLimitMs: number;
    readonly timeLimitSource: TimeLimitSource;
  };
  readonly instance: string;
  /** The {@link StartVariables} as JSON text. */
  readonly startJson: string;
}

/** A post-call as it is accepted. */
export interface NewPostCall {
  /** Fresh, and the accept's token. */
  readonly executionUuid: string;
  readonly agentUuid: string;
  readonly conversationUuid: string;
  readonly webhookUuid: string;
  readonly instance: string;
  /** The {@link CallFacts} as JSON text. */
  readonly factsJson: string;
}

/**
 * What became of an insert: `won` (its token is in the row; `execution` as stamped), `lost` (another row holds the
 * key: `execution` is that row), `purged` (the key was purged; nothing is left of the insert), `other_agent` (the
 * conversation has a row of the other type that belongs to another agent; nothing is left of the insert) or
 * `unsettled` (neither its token nor another row was found; the write has to be repeated).
 */
export type InsertResult =
  | { readonly kind: 'won'; readonly execution: Execution }
  | { readonly kind: 'lost'; readonly execution: Execution }
  | { readonly kind: 'purged' }
  | { readonly kind: 'other_agent' }
  | { readonly kind: 'unsettled' };

/** The claim of an accepted post-call. */
export interface PostCallClaim {
  readonly executionUuid: string;
  /** Fresh per claim, the same for every repeat of it. */
  readonly claim: string;
  readonly webhookEtag: string;
  readonly timeLimitMs: number;
  readonly instance: string;
}

/**
 * What became of the claim of a post-call. `won`: the row holds this token and has no outcome of its owner (it is
 * sending, or was marked interrupted meanwhile, which its owner corrects); with it comes what the request needs, read in
 * the same transaction. `start_running`: the start of its conversation is still being sent. `lost`: it is not ours to
 * send (claimed, ended, or gone).
 */
export type ClaimResult =
  | ({ readonly kind: 'won' } & ClaimedFacts)
  | { readonly kind: 'start_running' }
  | { readonly kind: 'lost' };

/** What a claimed post-call needs to be rendered. */
export interface ClaimedFacts {
  /** Undefined: a repeat of a claim whose outcome has dropped them. */
  readonly facts?: CallFacts;
  /** The length of their JSON text. */
  readonly factsLength: number;
  /** What the start of the conversation left, if there was one. */
  readonly start?: StartVariables;
  /** The etag of its agent as stored now; undefined: the agent is gone. */
  readonly agentEtag?: string;
}

/** What one transaction writes, by kind. Within a kind the order is the caller's. */
export interface WriteBatch {
  readonly outcomes: readonly Outcome[];
  readonly starts: readonly NewStart[];
  readonly postCalls: readonly NewPostCall[];
  readonly claims: readonly PostCallClaim[];
}

/** What became of each item of a {@link WriteBatch}, in the order given. */
export interface WriteResults {
  readonly outcomes: readonly OutcomeResult[];
  readonly starts: readonly InsertResult[];
  readonly postCalls: readonly InsertResult[];
  readonly claims: readonly ClaimResult[];
}

/** An execution's outcome as its owner writes it; repeating it is harmless. */
export interface Outcome {
  readonly executionUuid: string;
  readonly webhookType: WebhookType;
  /** The token of the claim (of a pre-call: its execution_uuid). */
  readonly claim: string;
  readonly state: 'succeeded' | 'failed' | 'interrupted';
  readonly failure?: Failure;
  /** The revision that ran. */
  readonly webhookEtag: string;
  readonly timings: Timings;
  readonly missingVariables: readonly string[];
  readonly missedAssignments: readonly MissedAssignment[];
  readonly request?: RequestRecord;
  readonly response?: ResponseRecord;
  /** Pre-call only: what it assigned, with sources; empty for a failure. */
  readonly assigned?: JsonObject;
  readonly assignedSources?: Readonly<Record<string, VariableSource>>;
  /** Monotonic milliseconds from the claim to the end; `finished_at` is the claim's stamp plus this. */
  readonly durationMs: number;
}

/**
 * `recorded`: the row says what the outcome says. `not_owner`: it says something else, which stands. `unsettled`: this
 * node of a cluster had not learnt of the claim yet; the write has to be repeated.
 */
export type OutcomeResult = 'recorded' | 'not_owner' | 'unsettled';

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
  /** The facts of an accepted or sending post-call. */
  findFacts(executionUuid: string): Promise<CallFacts | undefined>;
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

/** An open database with its stores. */
export interface Database {
  readonly engine: 'sqlite' | 'mysql';
  readonly agents: AgentStore;
  readonly sealed: SealedStore;
  readonly executions: ExecutionStore;
  /** Answers when the database does; rejects with kind `away` within 2 s. `busy` says nothing about it. */
  ping(): Promise<void>;
  /** Names of migrations not yet applied. */
  pendingMigrations(): Promise<readonly string[]>;
  /** The oldest release that works with the schema as it is; undefined: there is none yet. */
  oldestRelease(): Promise<string | undefined>;
  /** Applies them. Safe to call from several processes at once. */
  migrate(): Promise<readonly string[]>;
  /** Free bytes on the disk of an embedded database; undefined where the database is a server's business. */
  freeBytes(): Promise<number | undefined>;
  /** What weakens durability or fits badly, for a warning at start. */
  checkSettings(): Promise<readonly string[]>;
  close(): Promise<void>;
}
