import { failureOf } from '../../domain/failures.ts';
import { MAX_RENDERED_BODY_BYTES } from '../../domain/limits.ts';
import type { Agent, Webhook } from '../../domain/agent.ts';
import { CallhooksError, isDatabaseError } from '../../errors.ts';
import type { AgentStore } from '../../store/agent-store.ts';
import type { ExecutionStore, PendingPostCall } from '../../store/execution-store.ts';
import type { ByteBudget, ByteReservation } from '../limits/byte-budget.ts';
import { createPendingPostCalls, uuidOf, type Progress } from './pending-post-calls.ts';
import { PACE_WINDOW_MS, type Pace } from './pace.ts';
import { sendPostCall, type PostCallDeps } from './post-call.ts';
import type { RequestSlot, RequestSlots } from '../limits/request-slots.ts';
import { reportAwayOnce } from '../writes/database-health.ts';
import type { StartWaiters } from '../start-waiters.ts';

/** Sends accepted post-calls in the background, each once. */
export interface PostCallSender {
  /** Hands over a fresh accept: it begins now if a slot is free, else when one is. */
  offer(postCall: PendingPostCall): void;
  /** Begins to look for pending post-calls once a second. */
  start(): void;
  /** Claims nothing more. */
  stop(): void;
  /** Resolves when nothing is being sent any more. */
  idle(): Promise<void>;
  inFlight(): number;
  /** Reports whether this process is sending this execution. */
  isSending(executionUuid: string): boolean;
}

/** What the post-call sender needs beyond what one post-call does. */
export interface PostCallSenderDeps extends PostCallDeps {
  readonly store: ExecutionStore;
  readonly agentStore: Pick<AgentStore, 'findUrls'>;
  readonly slots: RequestSlots;
  readonly budget: ByteBudget;
  readonly startWaiters: StartWaiters;
  readonly pace: Pace;
  readonly newClaim: () => string;
  /** Pending post-calls older than this fail as EXPIRED; 0: never. */
  readonly startByMs: number;
}

/** What a post-call needs to be sent: a slot of the process and of its origin, and room for its body. */
interface Place {
  readonly slot: RequestSlot;
  readonly reservation: ByteReservation;
}

const ALL_BEGUN: Progress = { left: [], canSend: true };
const LOOK_EVERY_MS = 1_000;
// Longer than the longest start; the next look comes back to it in any case.
const START_WAIT_MS = 70_000;

/**
 * Makes the post-call sender. A slot comes first: only with a free slot of the process and of the origin in hand is a row
 * claimed, and it begins at once, so that a killed process interrupts only what it was sending. Rows without a slot
 * stay in the database, whoever accepted them.
 */
export function createPostCallSender(deps: PostCallSenderDeps): PostCallSender {
  const busy = new Map<string, Promise<void>>();
  const waitsForStart = new Set<string>();
  // Of claims that met a running start: a late copy of one must not belong to nobody.
  const tokens = new Map<string, string>();
  let stopped = false;
  let looking: Promise<void> | undefined;
  let draining: Promise<void> | undefined;
  let timer: NodeJS.Timeout | undefined;
  let nextWindow: NodeJS.Timeout | undefined;

  const lookOnce = reportAwayOnce(deps.onError);
  const drainOnce = reportAwayOnce(deps.onError);
  const drain = (): void => {
    draining = drainOnce(() => pendingPostCalls.drain()).then(() => {
      if (deps.pace.room() === 0) drainSoon();
    });
  };
  // What the pace kept back goes on in the next window, whether something ends until then or not.
  const drainSoon = (): void => {
    if (stopped) return;
    nextWindow ??= setTimeout(() => {
      nextWindow = undefined;
      drain();
    }, PACE_WINDOW_MS);
  };

  const begin = (
    postCall: PendingPostCall,
    { agent, webhook }: Sendable,
    { slot, reservation }: Place,
  ): void => {
    const claim = tokens.get(postCall.executionUuid) ?? deps.newClaim();
    tokens.delete(postCall.executionUuid);
    const sending = sendPostCall(deps, { postCall, claim, agent, webhook }, reservation)
      .then((result) => {
        if (result === 'ended') return;
        tokens.set(postCall.executionUuid, claim);
        void offerAfterStart(postCall);
      })
      .catch((error: unknown) => deps.onError(error, postCall.executionUuid))
      .finally(() => {
        busy.delete(postCall.executionUuid);
        slot.release();
        reservation.release();
        drain();
      });
    busy.set(postCall.executionUuid, sending);
    deps.pace.noteBegun();
  };

  const isTaken = ({ executionUuid }: PendingPostCall): boolean =>
    stopped || busy.has(executionUuid) || waitsForStart.has(executionUuid);

  // Room for a body too: what is claimed can't wait any more, and hundreds begin before the first body is there. Half of
  // it all stays free for callers on the phone.
  const keepFree = deps.budget.maxBytes / 2;
  const room = (origin: string): number =>
    deps.budget.hasRoom(MAX_RENDERED_BODY_BYTES + keepFree) ? deps.slots.free(origin) : 0;
  const pacedRoom = (origin: string): number => Math.min(room(origin), deps.pace.room());
  const takePlace = (origin: string): Place | undefined => {
    const slot = deps.slots.take(origin);
    if (typeof slot === 'string') return undefined;
    const reservation = deps.budget.reserve(MAX_RENDERED_BODY_BYTES, keepFree);
    if (reservation === undefined) slot.release();
    return reservation && { slot, reservation };
  };

  const offerAfterStart = async (postCall: PendingPostCall): Promise<void> => {
    waitsForStart.add(postCall.executionUuid);
    await deps.startWaiters.waitUntilFinished(postCall.conversationUuid, performance.now() + START_WAIT_MS);
    waitsForStart.delete(postCall.executionUuid);
    offer(postCall);
  };

  /** Sends these of one webhook, as far as there are slots. */
  const send = async (postCalls: readonly PendingPostCall[], mayBegin = true): Promise<Progress> => {
    const open = postCalls.filter((postCall) => !isTaken(postCall));
    const [first] = open;
    if (first === undefined) return ALL_BEGUN;
    const found = await findWebhook(deps, first);
    if (found === 'no_key') return { left: [], canSend: false };
    if (found === 'removed') {
      await deps.store.failUnsent(open.map(uuidOf), failureOf('WEBHOOK_REMOVED'));
      return ALL_BEGUN;
    }
    for (const [at, postCall] of open.entries()) {
      if (isTaken(postCall)) continue;
      const place = mayBegin ? takePlace(found.origin) : undefined;
      if (place === undefined) {
        pendingPostCalls.note(found.origin, postCall.webhookUuid);
        return { left: open.slice(at), canSend: true };
      }
      begin(postCall, found, place);
    }
    return ALL_BEGUN;
  };

  const offer = (postCall: PendingPostCall): void => {
    // While many calls wait it stays in the database, and takes its turn with those that are pending.
    const mayBegin = deps.pace.mayBeginNow();
    send([postCall], mayBegin).catch((error: unknown) => deps.onError(error, postCall.executionUuid));
    if (!mayBegin) drainSoon();
  };

  const pendingPostCalls = createPendingPostCalls({
    ...deps,
    send,
    room: pacedRoom,
    isStopped: () => stopped,
    // What is wrong with one webhook must not keep the others' reports from being sent.
    onError: (error) => {
      if (isDatabaseError(error, 'away')) throw error;
      deps.onError(error);
    },
  });

  const tick = async (): Promise<void> => {
    looking = lookOnce(() => pendingPostCalls.look());
    await looking;
    // Not waited for: while much is sent it does not end, and others die meanwhile.
    drain();
    if (!stopped) timer = setTimeout(() => void tick(), LOOK_EVERY_MS);
  };

  return {
    offer,
    start: () => void tick(),
    stop: () => {
      stopped = true;
      clearTimeout(timer);
      clearTimeout(nextWindow);
    },
    idle: async () => {
      await looking;
      await draining;
      while (busy.size > 0) await Promise.all(busy.values());
    },
    inFlight: () => busy.size,
    isSending: (executionUuid) => busy.has(executionUuid),
  };
}

interface Sendable {
  readonly agent: Agent;
  readonly webhook: Webhook;
  readonly origin: string;
}

// From the cache; that a webhook is gone is believed only after a look into the database. Without the key of one of
// its secrets the row stays for a replica that has it.
async function findWebhook(
  deps: PostCallSenderDeps,
  postCall: PendingPostCall,
): Promise<Sendable | 'removed' | 'no_key'> {
  for (const read of [deps.agents.read, deps.agents.readFresh]) {
    const agent = await read(postCall.agentUuid);
    const webhook = agent?.webhooks.find(({ webhookUuid }) => webhookUuid === postCall.webhookUuid);
    if (agent === undefined || webhook === undefined || webhook.disabled) continue;
    try {
      return { agent, webhook, origin: deps.open(agent, webhook).origin };
    } catch (error) {
      if (error instanceof CallhooksError && error.reason === 'KEY_UNAVAILABLE') return 'no_key';
      throw error;
    }
  }
  return 'removed';
}
