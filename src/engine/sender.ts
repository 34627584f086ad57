import { MAX_RENDERED_BODY_BYTES } from '../domain/limits.ts';
import type { Webhook } from '../domain/types.ts';
import { CallhooksError, DatabaseError } from '../errors.ts';
import type { WaitingEnd } from '../store/types.ts';
import { EXPIRED, sendPostCall, WEBHOOK_REMOVED, type PostCallDeps } from './post-call.ts';
import type { Slot, Slots } from './slots.ts';
import type { Waiters } from './waiters.ts';

/** Sends accepted post-calls in the background, each once. */
export interface Sender {
  /** Hands over a fresh accept: it begins now if a slot is free, else when one is. */
  offer(end: WaitingEnd): void;
  /** Begins to look for rows that nobody sends, once a second. */
  start(): void;
  /** Claims nothing more. */
  stop(): void;
  /** Resolves when nothing is being sent any more. */
  idle(): Promise<void>;
  inFlight(): number;
}

/** What the sender needs beyond what one post-call does. */
export interface SenderDeps extends PostCallDeps {
  readonly slots: Slots;
  readonly waiters: Waiters;
  /** Accepted rows older than this end as EXPIRED; 0: never. */
  readonly startByMs: number;
}

const POLL_EVERY_MS = 1_000;
const CANDIDATES_PER_WEBHOOK = 100;
// Longer than the longest start; the poll looks again in any case.
const START_WAIT_MS = 70_000;

/**
 * Makes the sender. A slot comes first: only with a free slot of the process and of the origin in hand is a row
 * claimed, and it begins at once, so that a killed process interrupts only what it was sending. Rows without a slot
 * stay in the database, whoever accepted them; they are looked for per webhook, since the oldest of all would be those
 * of one stalled origin.
 */
export const createSender = (deps: SenderDeps): Sender => {
  const busy = new Map<string, Promise<void>>();
  const waitsForStart = new Set<string>();
  let stopped = false;
  let hasBacklog = false;
  let polling: Promise<void> | undefined;
  let timer: NodeJS.Timeout | undefined;

  const begin = (end: WaitingEnd, webhook: Webhook, slot: Slot): void => {
    const sending = sendPostCall(deps, end, webhook)
      .catch((error: unknown) => deps.onError(error, end.executionUuid))
      .finally(() => {
        busy.delete(end.executionUuid);
        slot.release();
        if (hasBacklog) void poll();
      });
    busy.set(end.executionUuid, sending);
  };

  const isTaken = ({ executionUuid }: WaitingEnd): boolean =>
    stopped || busy.has(executionUuid) || waitsForStart.has(executionUuid);

  const beginAfterItsStart = async (end: WaitingEnd, webhook: Webhook, slot: Slot): Promise<void> => {
    const isStartRunning = await startIsRunning(deps, end);
    if (isStartRunning) void offerAfterStart(end);
    if (isTaken(end)) slot.release();
    else begin(end, webhook, slot);
  };

  const offerAfterStart = async (end: WaitingEnd): Promise<void> => {
    waitsForStart.add(end.executionUuid);
    await deps.waiters.waitForEnd(end.conversationUuid, performance.now() + START_WAIT_MS);
    waitsForStart.delete(end.executionUuid);
    offer(end);
  };

  /** False when there was no slot, or no room for a body: what is claimed can't wait any more. */
  const consider = async (end: WaitingEnd): Promise<boolean> => {
    if (isTaken(end)) return true;
    const found = await findWebhook(deps, end);
    if (found === 'removed') await deps.store.endUnsent([end.executionUuid], WEBHOOK_REMOVED);
    if (typeof found === 'string') return true;
    if (!deps.budget.hasRoom(MAX_RENDERED_BODY_BYTES)) return false;
    origins.set(end.webhookUuid, found.origin);
    const slot = deps.slots.take(found.origin);
    if (typeof slot === 'string') return false;
    await beginAfterItsStart(end, found.webhook, slot).catch((error: unknown) => {
      slot.release();
      throw error;
    });
    return true;
  };

  const offer = (end: WaitingEnd): void => {
    consider(end).then(
      (hadRoom) => {
        hasBacklog ||= !hadRoom;
      },
      (error: unknown) => deps.onError(error, end.executionUuid),
    );
  };

  // The origin that a webhook's row was last meant for: while it has no free slot, its rows need not be read.
  const origins = new Map<string, string>();

  const drain = async (webhookUuid: string, nowMs: number): Promise<void> => {
    const origin = origins.get(webhookUuid);
    if (origin !== undefined && !deps.slots.hasFree(origin)) return void (hasBacklog = true);
    const ends = await deps.store.listWaitingEnds(webhookUuid, CANDIDATES_PER_WEBHOOK);
    const [expired, fresh] = partition(ends, (end) => isExpired(deps.startByMs, end, nowMs));
    if (expired.length > 0) await deps.store.endUnsent(expired.map(uuidOf), EXPIRED, deps.startByMs);
    let hadRoom = true;
    for (const end of fresh) {
      hadRoom = await consider(end);
      if (!hadRoom) break;
    }
    hasBacklog ||= !hadRoom || ends.length === CANDIDATES_PER_WEBHOOK;
  };

  // What is wrong with one webhook must not keep the others' reports from being sent.
  const toldUnlessAway = (error: unknown): void => {
    if (error instanceof DatabaseError && error.kind === 'away') throw error;
    deps.onError(error);
  };

  let turn = 0;
  const pollOnce = async (): Promise<void> => {
    const webhookUuids = await deps.store.listWaitingWebhooks();
    hasBacklog = false;
    if (webhookUuids.length === 0) return;
    const nowMs = await deps.store.nowMs();
    // Each poll begins with another webhook, so that none of them always gets the last free slots.
    turn = (turn + 1) % webhookUuids.length;
    for (const webhookUuid of [...webhookUuids.slice(turn), ...webhookUuids.slice(0, turn)]) {
      if (!stopped) await drain(webhookUuid, nowMs).catch(toldUnlessAway);
    }
  };
  const poll = (): Promise<void> => {
    polling ??= pollOnce()
      .catch((error: unknown) => deps.onError(error))
      .finally(() => {
        polling = undefined;
      });
    return polling;
  };
  const tick = async (): Promise<void> => {
    // A webhook may have been given another origin meanwhile.
    origins.clear();
    await poll();
    if (!stopped) timer = setTimeout(() => void tick(), POLL_EVERY_MS);
  };

  return {
    offer,
    start: () => void tick(),
    stop: () => {
      stopped = true;
      clearTimeout(timer);
    },
    idle: async () => {
      await polling;
      while (busy.size > 0) await Promise.all(busy.values());
    },
    inFlight: () => busy.size,
  };
};

interface Sendable {
  readonly webhook: Webhook;
  readonly origin: string;
}

// From the cache; that a webhook is gone is believed only after a look into the database. Without the key of one of
// its secrets the row stays for a replica that has it.
const findWebhook = async (deps: SenderDeps, end: WaitingEnd): Promise<Sendable | 'removed' | 'no_key'> => {
  for (const read of [deps.agents.read, deps.agents.readFresh]) {
    const agent = await read(end.agentUuid);
    const webhook = agent?.webhooks.find(({ webhookUuid }) => webhookUuid === end.webhookUuid);
    if (agent === undefined || webhook === undefined || webhook.disabled) continue;
    try {
      return { webhook, origin: deps.open(agent, webhook).origin };
    } catch (error) {
      if (error instanceof CallhooksError && error.reason === 'KEY_UNAVAILABLE') return 'no_key';
      throw error;
    }
  }
  return 'removed';
};

const startIsRunning = async ({ store }: SenderDeps, end: WaitingEnd): Promise<boolean> => {
  const rows = await store.findConversation(end.conversationUuid);
  return rows.some(({ webhookType, state }) => webhookType === 'pre_call' && state === 'sending');
};

const isExpired = (startByMs: number, { acceptedAtMs }: WaitingEnd, nowMs: number): boolean =>
  startByMs > 0 && nowMs - acceptedAtMs > startByMs;

const uuidOf = ({ executionUuid }: WaitingEnd): string => executionUuid;

const partition = <T>(items: readonly T[], isFirst: (item: T) => boolean): [T[], T[]] => [
  items.filter(isFirst),
  items.filter((item) => !isFirst(item)),
];
