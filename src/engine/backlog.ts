import type { AgentStore, ExecutionStore, WaitingEnd } from '../store/types.ts';
import { EXPIRED } from './post-call.ts';
import { originOf } from './ready-webhook.ts';
import type { Slots } from './slots.ts';

/** Accepted post-calls in the database that nobody sends yet, whoever accepted them, by the origin that they wait for. */
export interface Backlog {
  /** Looks into the database for webhooks that have some, and ends those that have waited too long. */
  look(): Promise<void>;
  /** Notes a webhook that has some: its origin had no free slot. */
  note(origin: string, webhookUuid: string): void;
  /** Sends as many as there are free slots; called again meanwhile, it goes over them once more. */
  drain(): Promise<void>;
}

/** How far sending some of a webhook's post-calls came. */
export interface Progress {
  /** How many were begun, or ended without a send. */
  readonly handled: number;
  /** False when one found no slot, or no room for its body. */
  readonly hadRoom: boolean;
}

/** What the backlog needs. */
export interface BacklogDeps {
  readonly store: Pick<ExecutionStore, 'listWaitingWebhooks' | 'listWaitingEnds' | 'endUnsent' | 'nowMs'>;
  readonly agentStore: Pick<AgentStore, 'findUrls'>;
  readonly slots: Slots;
  /** Accepted rows older than this end as EXPIRED; 0: never. */
  readonly startByMs: number;
  /** Sends the oldest of one webhook. */
  readonly send: (ends: readonly WaitingEnd[]) => Promise<Progress>;
  readonly isStopped: () => boolean;
  /** Hears of what is wrong with one webhook. Rejects when it concerns all of them. */
  readonly onError: (error: unknown) => void;
}

const CANDIDATES = 100;
const EXPIRED_STEPS = 20;
const URLS_A_STEP = 200;
// With more webhooks than these that wait, a changed origin is learnt of later than after a second.
const LEARNT_AGAIN_A_LOOK = 1_000;
// Rows of a webhook that is gone or disabled need no slot.
const NO_ORIGIN = '';

/**
 * Makes the backlog. Rows are read per webhook and only where a slot is free: the oldest rows of all would be those of
 * one stalled origin, and thousands of webhooks may send to it, so that even one read for each would keep others waiting.
 */
export const createBacklog = (deps: BacklogDeps): Backlog => {
  const { store, slots, startByMs } = deps;
  const waiting = new Map<string, Set<string>>();
  const origins = new Map<string, string>();
  // The database's clock less the monotonic one.
  let clockMs = -Infinity;

  const note = (origin: string, webhookUuid: string): void => {
    const webhooks = waiting.get(origin) ?? new Set();
    waiting.set(origin, webhooks.add(webhookUuid));
  };

  const isExpired = (acceptedAtMs: number): boolean =>
    startByMs > 0 && clockMs + performance.now() - acceptedAtMs > startByMs;

  /** The oldest of a webhook that may still be sent; the others are ended. */
  const listFresh = async (webhookUuid: string): Promise<{ fresh: WaitingEnd[]; isAll: boolean }> => {
    const ends = await store.listWaitingEnds(webhookUuid, CANDIDATES);
    const [expired, fresh] = [
      ends.filter(({ acceptedAtMs }) => isExpired(acceptedAtMs)),
      ends.filter(({ acceptedAtMs }) => !isExpired(acceptedAtMs)),
    ];
    const uuids = expired.map(({ executionUuid }) => executionUuid);
    if (uuids.length > 0) await store.endUnsent(uuids, EXPIRED, startByMs);
    return { fresh, isAll: ends.length < CANDIDATES };
  };

  const endExpired = async (webhookUuid: string): Promise<void> => {
    for (let step = 0; step < EXPIRED_STEPS; step += 1) {
      const { fresh, isAll } = await listFresh(webhookUuid);
      if (fresh.length > 0 || isAll || deps.isStopped()) return;
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
        origins.set(uuid, url === undefined ? NO_ORIGIN : originOf(url));
      }
    }
  };

  const look = async (): Promise<void> => {
    const webhooks = await store.listWaitingWebhooks();
    if (webhooks.length > 0) clockMs = (await store.nowMs()) - performance.now();
    for (const { webhookUuid, oldestAcceptedAtMs } of webhooks)
      if (isExpired(oldestAcceptedAtMs)) await endExpired(webhookUuid).catch(deps.onError);
    await learnOrigins(webhooks.map(({ webhookUuid }) => webhookUuid));
    for (const { webhookUuid } of webhooks) note(origins.get(webhookUuid) ?? NO_ORIGIN, webhookUuid);
  };

  const drainWebhook = async (webhookUuid: string): Promise<Progress & { isAll: boolean }> => {
    const { fresh, isAll } = await listFresh(webhookUuid);
    return { ...(await deps.send(fresh)), isAll };
  };

  /** Sends what slots allow of one webhook of an origin; whether it is worth coming back at once. */
  const drainOrigin = async (origin: string, webhooks: Set<string>): Promise<boolean> => {
    if (origin !== NO_ORIGIN && !slots.hasFree(origin)) return false;
    const [webhookUuid] = webhooks;
    if (webhookUuid === undefined) {
      waiting.delete(origin);
      return false;
    }
    webhooks.delete(webhookUuid);
    const progress = await drainWebhook(webhookUuid).catch(deps.onError);
    // The next look comes back to what failed, or waits for something else than a slot. The others take turns.
    const { handled, hadRoom, isAll } = progress ?? { handled: 0, hadRoom: true, isAll: false };
    if (!hadRoom || (handled > 0 && !isAll)) webhooks.add(webhookUuid);
    return hadRoom;
  };

  let turn = 0;
  let again = false;
  let draining: Promise<void> | undefined;
  // A little of each origin, round after round: an endpoint that is fast would never be left for another's.
  const drainAll = async (): Promise<void> => {
    while (again && !deps.isStopped()) {
      again = false;
      const all = [...waiting];
      // Each time another origin is the first, so that none of them always gets the last free slots.
      turn = (turn + 1) % Math.max(1, all.length);
      for (const [origin, webhooks] of [...all.slice(turn), ...all.slice(0, turn)])
        if (!deps.isStopped() && (await drainOrigin(origin, webhooks))) again = true;
    }
  };

  return {
    look,
    note,
    drain: () => {
      again = true;
      draining ??= drainAll().finally(() => {
        draining = undefined;
      });
      return draining;
    },
  };
};
