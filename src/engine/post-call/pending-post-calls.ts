import type { AgentStore } from '../../store/agent-store.ts';
import type { ExecutionStore, PendingPostCall } from '../../store/execution-store.ts';
import { createExpiry, type ExpiryDeps } from './expire-post-calls.ts';
import { createWebhookOrigins, NO_ORIGIN } from './webhook-origins.ts';

/** Tracks accepted post-calls that no replica has claimed, grouped by the origin that they will be sent to. */
export interface PendingPostCalls {
  /** Reads from the database which webhooks have pending post-calls, and fails the post-calls that are expired. */
  poll(): Promise<void>;
  /** Adds a webhook that has pending post-calls: its origin had no free slot. */
  add(origin: string, webhookUuid: string): void;
  /** Sends as many as there are free slots. A call while it runs makes it go over all origins once more. */
  drain(): Promise<void>;
}

/** How far sending some of a webhook's post-calls came. */
export interface Progress {
  /** The post-calls that found no slot, or no room for a body. */
  readonly left: readonly PendingPostCall[];
  /** False when this replica can send none of them now, with or without slots. */
  readonly canSend: boolean;
}

/** How far the rows of a webhook were read, oldest first. */
interface Position {
  /** The rows that were read, and whose sending has not begun. */
  readonly postCalls: readonly PendingPostCall[];
  /** The last row that was read. */
  readonly after?: PendingPostCall;
  readonly isLastPage: boolean;
}

const FROM_THE_FIRST: Position = { postCalls: [], isLastPage: false };

/** What the pending post-calls need. */
export interface PendingPostCallsDeps extends ExpiryDeps {
  readonly store: ExpiryDeps['store'] & Pick<ExecutionStore, 'listPendingWebhooks'>;
  readonly agentStore: Pick<AgentStore, 'findUrls'>;
  /** Returns how many post-calls could begin at an origin now; for {@link NO_ORIGIN}, how many in all. */
  readonly room: (origin: string) => number;
  /** Sends the oldest post-calls of one webhook. */
  readonly send: (postCalls: readonly PendingPostCall[]) => Promise<Progress>;
}

const ROWS_A_PAGE = 100;

/**
 * Tracks the pending post-calls. Rows are read per webhook and only where a slot is free: the oldest rows of all would
 * be those of one stalled origin, and thousands of webhooks may send to it, so that even one read for each would keep
 * others waiting.
 */
export function createPendingPostCalls(deps: PendingPostCallsDeps): PendingPostCalls {
  const { store, room, isStopped } = deps;
  const expiry = createExpiry(deps);
  const origins = createWebhookOrigins(deps.agentStore);
  const pending = new Map<string, Map<string, Position>>();

  const add = (origin: string, webhookUuid: string): void => {
    const webhooks = pending.get(origin) ?? new Map<string, Position>();
    pending.set(origin, webhooks);
    webhooks.set(webhookUuid, { ...(webhooks.get(webhookUuid) ?? FROM_THE_FIRST), isLastPage: false });
  };
  const poll = async (): Promise<void> => {
    const webhooks = await store.listPendingWebhooks();
    if (webhooks.length > 0) await expiry.readClock();
    await origins.refresh(webhooks.map(({ webhookUuid }) => webhookUuid));
    // Other replicas may have begun the rows that were read before.
    for (const positions of pending.values())
      for (const webhookUuid of positions.keys()) positions.set(webhookUuid, FROM_THE_FIRST);
    for (const { webhookUuid } of webhooks) add(origins.of(webhookUuid), webhookUuid);
    await expiry.failExpired(webhooks);
  };

  // Each row is read once between two polls: a row whose sending has just begun still counts as accepted until its claim
  // commits.
  const readOn = async (webhookUuid: string, position: Position): Promise<Position> => {
    if (position.postCalls.length > 0) return position;
    const postCalls = await store.listPendingPostCalls(webhookUuid, ROWS_A_PAGE, position.after);
    const after = postCalls.at(-1) ?? position.after;
    return { postCalls, ...(after && { after }), isLastPage: postCalls.length < ROWS_A_PAGE };
  };

  // Sends what the slots allow of one webhook of an origin. Reports whether the origin is worth another round.
  const drainOrigin = async (origin: string, webhooks: Map<string, Position>): Promise<boolean> => {
    const free = origin === NO_ORIGIN ? ROWS_A_PAGE : room(origin);
    const [first] = webhooks;
    if (first === undefined) pending.delete(origin);
    if (first === undefined || free <= 0) return false;
    const [webhookUuid, before] = first;
    // The webhooks of an origin take turns: this one goes to the end, if it has more.
    webhooks.delete(webhookUuid);
    const position = await readOn(webhookUuid, before);
    const fresh = await expiry.withoutExpired(position.postCalls.slice(0, free));
    const { left, canSend } = await deps.send(fresh);
    const postCalls = [...left, ...position.postCalls.slice(free)];
    if (canSend && (postCalls.length > 0 || !position.isLastPage))
      webhooks.set(webhookUuid, { ...position, postCalls });
    return left.length === 0;
  };

  let turn = 0;
  // A round sends a few post-calls to each origin. If it drained one origin first, a fast endpoint would free its slots
  // again and again, and the other origins would never have their turn.
  const drainRound = async (): Promise<boolean> => {
    if (room(NO_ORIGIN) <= 0 && !pending.has(NO_ORIGIN)) return false;
    const all = [...pending];
    // Each round begins with another origin, so that none of them always gets the last free slots.
    turn = (turn + 1) % Math.max(1, all.length);
    let isWorthAnother = false;
    for (const [origin, webhooks] of [...all.slice(turn), ...all.slice(0, turn)])
      if (!isStopped() && (await drainOrigin(origin, webhooks).catch(deps.onError))) isWorthAnother = true;
    return isWorthAnother;
  };

  return { poll, add, drain: createRounds(drainRound, isStopped) };
}

/**
 * Makes a function that runs rounds, one after another, until a round reports that no further one is needed. A call while
 * they run asks for one more round.
 */
function createRounds(runRound: () => Promise<boolean>, isStopped: () => boolean): () => Promise<void> {
  let isWanted = false;
  let isRunning = false;
  let running = Promise.resolve();
  const run = async (): Promise<void> => {
    isRunning = true;
    try {
      while (isWanted && !isStopped()) {
        isWanted = false;
        if (await runRound()) isWanted = true;
      }
    } finally {
      isRunning = false;
    }
  };
  return () => {
    isWanted = true;
    if (!isRunning) running = run();
    return running;
  };
}
