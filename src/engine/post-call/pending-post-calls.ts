import type { AgentStore } from '../../store/agent-store.ts';
import type { ExecutionStore, PendingPostCall, PendingWebhook } from '../../store/execution-store.ts';
import { failureOf } from '../../domain/failures.ts';
import { originOfTemplate } from '../../domain/template/url-template.ts';
import type { OnFaultPoint } from '../fault-points.ts';

/** Tracks accepted post-calls that no replica has claimed, grouped by the origin that they will be sent to. */
export interface PendingPostCalls {
  /** Looks into the database for webhooks that have some, and fails the pending post-calls that are too old. */
  look(): Promise<void>;
  /** Notes a webhook that has some: its origin had no free slot. */
  note(origin: string, webhookUuid: string): void;
  /** Sends as many as there are free slots; called again meanwhile, it goes over them once more. */
  drain(): Promise<void>;
}

/** How far sending some of a webhook's post-calls came. */
export interface Progress {
  /** Those that found no slot, or no room for a body. */
  readonly left: readonly PendingPostCall[];
  /** False when this replica can send none of them now, slots or not. */
  readonly canSend: boolean;
}

/** How far the rows of a webhook were read, oldest first. */
interface Position {
  /** Read, and not begun. */
  readonly postCalls: readonly PendingPostCall[];
  /** The last one read. */
  readonly after?: PendingPostCall;
  readonly isEnd: boolean;
}

const FROM_THE_FIRST: Position = { postCalls: [], isEnd: false };

/** What the pending post-calls need. */
export interface PendingPostCallsDeps {
  readonly store: Pick<
    ExecutionStore,
    'listPendingWebhooks' | 'listPendingPostCalls' | 'failUnsent' | 'nowMs'
  >;
  readonly agentStore: Pick<AgentStore, 'findUrls'>;
  /** How many could begin at an origin now; of no origin: whether any could. */
  readonly room: (origin: string) => number;
  /** Accepted rows older than this end as EXPIRED; 0: never. */
  readonly startByMs: number;
  /** Sends the oldest of one webhook. */
  readonly send: (postCalls: readonly PendingPostCall[]) => Promise<Progress>;
  readonly isStopped: () => boolean;
  readonly onFaultPoint: OnFaultPoint;
  /** Hears of what is wrong with one webhook. Rejects when it concerns all of them. */
  readonly onError: (error: unknown) => void;
}

const CANDIDATES = 100;
const EXPIRED_STEPS = 20;
const EXPIRY_A_LOOK_MS = 500;
const URLS_A_STEP = 200;
// How many cached origins are read again at each look. With more pending webhooks, a changed URL takes several looks to
// be noticed.
const LEARNT_AGAIN_A_LOOK = 1_000;
// Rows of a webhook that is gone or disabled need no slot.
const NO_ORIGIN = '';

/**
 * Tracks the pending post-calls. Rows are read per webhook and only where a slot is free: the oldest rows of all would
 * be those of one stalled origin, and thousands of webhooks may send to it, so that even one read for each would keep
 * others waiting.
 */
export function createPendingPostCalls(deps: PendingPostCallsDeps): PendingPostCalls {
  const { store, room, startByMs } = deps;
  const pending = new Map<string, Map<string, Position>>();
  const origins = new Map<string, string>();
  // The database's clock less the monotonic one.
  let clockMs = -Infinity;

  const note = (origin: string, webhookUuid: string): void => {
    const webhooks = pending.get(origin) ?? new Map<string, Position>();
    pending.set(origin, webhooks);
    webhooks.set(webhookUuid, { ...(webhooks.get(webhookUuid) ?? FROM_THE_FIRST), isEnd: false });
  };

  const isExpired = (acceptedAtMs: number): boolean =>
    startByMs > 0 && clockMs + performance.now() - acceptedAtMs > startByMs;

  /** Returns the post-calls that may still be sent, and fails the others as EXPIRED. */
  const withoutExpired = async (
    postCalls: readonly PendingPostCall[],
  ): Promise<readonly PendingPostCall[]> => {
    const expired = postCalls.filter(({ acceptedAtMs }) => isExpired(acceptedAtMs));
    if (expired.length > 0) await store.failUnsent(expired.map(uuidOf), failureOf('EXPIRED'), startByMs);
    for (const { conversationUuid } of expired) deps.onFaultPoint('end.expired', conversationUuid);
    return postCalls.filter(({ acceptedAtMs }) => !isExpired(acceptedAtMs));
  };

  const failExpired = async (webhookUuid: string): Promise<void> => {
    for (let step = 0; step < EXPIRED_STEPS && !deps.isStopped(); step += 1) {
      const postCalls = await store.listPendingPostCalls(webhookUuid, CANDIDATES);
      const fresh = await withoutExpired(postCalls);
      if (fresh.length > 0 || postCalls.length < CANDIDATES) return;
    }
  };

  // After a restored backup very many may be expired: the next look goes on.
  const failAllExpired = async (webhooks: readonly PendingWebhook[]): Promise<void> => {
    const giveUpAtMs = performance.now() + EXPIRY_A_LOOK_MS;
    for (const { webhookUuid, oldestAcceptedAtMs } of webhooks) {
      if (performance.now() > giveUpAtMs) return;
      if (isExpired(oldestAcceptedAtMs)) await failExpired(webhookUuid).catch(deps.onError);
    }
  };

  const learnOrigins = async (webhookUuids: readonly string[]): Promise<void> => {
    const there = new Set(webhookUuids);
    // The map's order is that in which they were learnt.
    const outdated = [...origins.keys()].filter((uuid, at) => at < LEARNT_AGAIN_A_LOOK || !there.has(uuid));
    for (const uuid of outdated) origins.delete(uuid);
    const unknown = webhookUuids.filter((uuid) => !origins.has(uuid));
    for (let from = 0; from < unknown.length; from += URLS_A_STEP) {
      const step = unknown.slice(from, from + URLS_A_STEP);
      const urls = await deps.agentStore.findUrls(step);
      for (const uuid of step) {
        const url = urls.get(uuid);
        origins.set(uuid, (url && originOfTemplate(url)) ?? NO_ORIGIN);
      }
    }
  };

  const look = async (): Promise<void> => {
    const webhooks = await store.listPendingWebhooks();
    if (webhooks.length > 0) clockMs = (await store.nowMs()) - performance.now();
    await learnOrigins(webhooks.map(({ webhookUuid }) => webhookUuid));
    // What was read before, others may have begun.
    for (const positions of pending.values())
      for (const webhookUuid of positions.keys()) positions.set(webhookUuid, FROM_THE_FIRST);
    for (const { webhookUuid } of webhooks) note(origins.get(webhookUuid) ?? NO_ORIGIN, webhookUuid);
    await failAllExpired(webhooks);
  };

  // Each row is read once between two looks: those that were just begun still count as accepted until their claims commit.
  const readOn = async (webhookUuid: string, position: Position): Promise<Position> => {
    if (position.postCalls.length > 0) return position;
    const postCalls = await store.listPendingPostCalls(webhookUuid, CANDIDATES, position.after);
    const after = postCalls.at(-1) ?? position.after;
    return { postCalls, ...(after && { after }), isEnd: postCalls.length < CANDIDATES };
  };

  /** Sends what slots allow of one webhook of an origin; whether it is worth coming back at once. */
  const drainOrigin = async (origin: string, webhooks: Map<string, Position>): Promise<boolean> => {
    const free = origin === NO_ORIGIN ? CANDIDATES : room(origin);
    const [first] = webhooks;
    if (first === undefined) pending.delete(origin);
    if (first === undefined || free <= 0) return false;
    const [webhookUuid, before] = first;
    // The others take turns: it goes to the end, if it has more.
    webhooks.delete(webhookUuid);
    const position = await readOn(webhookUuid, before);
    const fresh = await withoutExpired(position.postCalls.slice(0, free));
    const { left, canSend } = await deps.send(fresh);
    const postCalls = [...left, ...position.postCalls.slice(free)];
    if (canSend && (postCalls.length > 0 || !position.isEnd))
      webhooks.set(webhookUuid, { ...position, postCalls });
    return left.length === 0;
  };

  let turn = 0;
  let again = false;
  let isDraining = false;
  let draining = Promise.resolve();
  // A little of each origin, round after round: an endpoint that is fast would never be left for another's.
  const drainRounds = async (): Promise<void> => {
    while (again && !deps.isStopped()) {
      again = false;
      if (room(NO_ORIGIN) <= 0 && !pending.has(NO_ORIGIN)) continue;
      const all = [...pending];
      // Each time another origin is the first, so that none of them always gets the last free slots.
      turn = (turn + 1) % Math.max(1, all.length);
      for (const [origin, webhooks] of [...all.slice(turn), ...all.slice(0, turn)])
        if (!deps.isStopped() && (await drainOrigin(origin, webhooks).catch(deps.onError))) again = true;
    }
  };
  const drainAll = async (): Promise<void> => {
    isDraining = true;
    // What asks for another round while the last one ends must not be missed.
    try {
      do await drainRounds();
      while (again && !deps.isStopped());
    } finally {
      isDraining = false;
    }
  };

  return {
    look,
    note,
    drain: () => {
      again = true;
      if (!isDraining) draining = drainAll();
      return draining;
    },
  };
}

/** Returns the uuid of a pending post-call's execution. */
export function uuidOf({ executionUuid }: PendingPostCall): string {
  return executionUuid;
}
