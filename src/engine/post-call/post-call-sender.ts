import type { Agent, Webhook } from '../../domain/agent.ts';
import { failureOf } from '../../domain/failures.ts';
import { CallhooksError, isDatabaseError } from '../../errors.ts';
import type { AgentStore } from '../../store/agent-store.ts';
import type { ExecutionStore, PendingPostCall } from '../../store/execution-store.ts';
import type { ByteBudget } from '../limits/byte-budget.ts';
import type { RequestSlots } from '../limits/request-slots.ts';
import type { StartWaiters } from '../start-waiters.ts';
import type { Pace } from './pace.ts';
import { createPendingPostCalls, type Progress } from './pending-post-calls.ts';
import { createPlaces, type Place } from './post-call-places.ts';
import { createPostCallPolls } from './post-call-polls.ts';
import { sendPostCall, type PostCallDeps } from './post-call.ts';

/** Sends accepted post-calls in the background, each once. */
export interface PostCallSender {
  /** Hands over a post-call that was just accepted. It begins now if a slot is free, and else when one is. */
  offer(postCall: PendingPostCall): void;
  /** Begins to poll for pending post-calls once a second. */
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
  /** Is called when a post-call can't be sent here, because the key of a secret is missing. */
  readonly onKeyMissing: () => void;
  /** A post-call that has been pending for longer fails as EXPIRED. With 0 none does. */
  readonly startByMs: number;
}

const ALL_BEGUN: Progress = { left: [], canSend: true };
// Longer than the longest start. The next poll comes back to the post-call in any case.
const START_WAIT_MS = 70_000;

/**
 * Makes the post-call sender. A slot comes first: a row is claimed only with a free slot of the process and of the origin in
 * hand, and its sending begins at once, so that a killed process interrupts only what it was sending. Rows without a slot
 * stay in the database, whichever replica accepted them.
 */
export function createPostCallSender(deps: PostCallSenderDeps): PostCallSender {
  const { store, pace, onError } = deps;
  const places = createPlaces(deps.slots, deps.budget);
  let isStopped = false;

  // Sends the post-calls of one webhook, as far as there are places.
  const send = async (postCalls: readonly PendingPostCall[], mayBegin = true): Promise<Progress> => {
    const isOpen = (postCall: PendingPostCall): boolean => !isStopped && !underWay.has(postCall);
    const open = postCalls.filter(isOpen);
    const [first] = open;
    if (first === undefined) return ALL_BEGUN;
    const found = await findWebhook(deps, first);
    if (found === 'no_key') {
      deps.onKeyMissing();
      return { left: [], canSend: false };
    }
    if (found === 'removed') {
      await store.failUnsent(
        open.map(({ executionUuid }) => executionUuid),
        failureOf('WEBHOOK_REMOVED'),
      );
      return ALL_BEGUN;
    }
    for (const [at, postCall] of open.entries()) {
      if (!isOpen(postCall)) continue;
      const place = mayBegin ? places.take(found.origin) : undefined;
      if (place === undefined) {
        pendingPostCalls.add(found.origin, postCall.webhookUuid);
        return { left: open.slice(at), canSend: true };
      }
      underWay.begin(postCall, found, place);
    }
    return ALL_BEGUN;
  };

  const offer = (postCall: PendingPostCall): void => {
    // While many calls wait it stays in the database, and takes its turn with the others that are pending.
    const mayBegin = pace.mayBeginNow();
    send([postCall], mayBegin).catch((error: unknown) => onError(error, postCall.executionUuid));
    if (!mayBegin) polls.drainSoon();
  };

  const pendingPostCalls = createPendingPostCalls({
    ...{ store, agentStore: deps.agentStore, startByMs: deps.startByMs, onFaultPoint: deps.onFaultPoint },
    send,
    room: (origin) => Math.min(places.room(origin), pace.room()),
    isStopped: () => isStopped,
    // An error of one webhook must not keep the post-calls of others from being sent.
    onError: (error) => {
      if (isDatabaseError(error, 'away')) throw error;
      onError(error);
    },
  });
  const polls = createPostCallPolls(pendingPostCalls, pace, onError);
  const underWay = createUnderWay(deps, { offerAgain: offer, onEnd: polls.drain });

  const { tracing } = deps;
  return {
    // What an RPC hands over goes on without it, and sets off other post-calls when it ends.
    offer: (postCall) => (tracing === undefined ? offer(postCall) : tracing.apart(() => offer(postCall))),
    start: polls.start,
    stop: () => {
      isStopped = true;
      polls.stop();
    },
    idle: async () => {
      await polls.idle();
      await underWay.idle();
    },
    inFlight: underWay.count,
    isSending: underWay.isSending,
  };
}

interface UnderWayEvents {
  /** Is called with a post-call whose pre-call was still being sent, when that one is finished. */
  readonly offerAgain: (postCall: PendingPostCall) => void;
  /** Is called when a post-call has given its place back. */
  readonly onEnd: () => void;
}

/** Knows the post-calls that this process is sending, and those that wait for their pre-call. */
function createUnderWay(deps: PostCallSenderDeps, { offerAgain, onEnd }: UnderWayEvents) {
  const sendings = new Map<string, Promise<void>>();
  const waitingForStart = new Set<string>();
  // The tokens of claims that met a running start. The next claim of the same post-call uses the same token. So if a copy of
  // the first claim is applied late, the row still belongs to this replica, which sends it.
  const tokens = new Map<string, string>();

  const waitForStart = async (postCall: PendingPostCall): Promise<void> => {
    waitingForStart.add(postCall.executionUuid);
    await deps.startWaiters.waitUntilFinished(postCall.conversationUuid, performance.now() + START_WAIT_MS);
    waitingForStart.delete(postCall.executionUuid);
    offerAgain(postCall);
  };
  const begin = (postCall: PendingPostCall, { agent, webhook }: Sendable, place: Place): void => {
    const claim = tokens.get(postCall.executionUuid) ?? deps.newClaim();
    tokens.delete(postCall.executionUuid);
    const sending = sendPostCall(deps, { postCall, claim, agent, webhook }, place)
      .then((result) => {
        if (result === 'done') return;
        tokens.set(postCall.executionUuid, claim);
        void waitForStart(postCall);
      })
      .catch((error: unknown) => deps.onError(error, postCall.executionUuid))
      .finally(() => {
        sendings.delete(postCall.executionUuid);
        place.slot.release();
        place.reservation.release();
        onEnd();
      });
    sendings.set(postCall.executionUuid, sending);
    deps.pace.countBegun();
  };

  return {
    begin,
    has: ({ executionUuid }: PendingPostCall): boolean =>
      sendings.has(executionUuid) || waitingForStart.has(executionUuid),
    isSending: (executionUuid: string): boolean => sendings.has(executionUuid),
    count: (): number => sendings.size,
    idle: async (): Promise<void> => {
      while (sendings.size > 0) await Promise.all(sendings.values());
    },
  };
}

interface Sendable {
  readonly agent: Agent;
  readonly webhook: Webhook;
  readonly origin: string;
}

// The cache is asked first. That a webhook is gone counts only after a read from the database. Without the key of one of
// its secrets the row stays for a replica that has the key.
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
