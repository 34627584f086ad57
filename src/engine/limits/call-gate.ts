import type { DatabaseHealth } from '../writes/database-health.ts';
import type { ExecutionWrites } from '../writes/execution-writes.ts';

/** A call that was let in. It counts as waiting for its claim until it is decided. */
export interface Arrival {
  /** Notes that the call's message is here: from now on the call waits for its claim and not for its caller. */
  received(): void;
  /**
   * Notes that the call no longer waits for its claim: it has it, was answered from the record, or was refused. Harmless
   * when called again.
   */
  decided(): void;
  /** Notes that the RPC has ended. Implies {@link Arrival.decided}. */
  leave(): void;
}

/**
 * Decides when an `OnCallStart` or `OnCallEnd` arrives, before its message is read, whether it may come in. Two rules:
 * one by the number of calls that wait for their claim, one by the age of the write queue.
 */
export interface CallGate {
  /** Lets a call in, or returns undefined when it has to be refused. */
  arrive(): Arrival | undefined;
  /** Reports whether the write queue has been too old for too long. Then new sent tests are refused too. */
  isOverloaded(): boolean;
  /** Reports whether a call that arrives now would be refused. */
  isShut(): boolean;
  /** Returns how many calls wait for their claim. */
  waiting(): number;
  /** Returns how many calls have been refused. */
  refused(): number;
}

/** What the gate asks. */
export interface CallGateDeps {
  readonly health: Pick<DatabaseHealth, 'isAvailable'>;
  readonly writes: Pick<ExecutionWrites, 'ageMs' | 'claimedLately'>;
  /** The monotonic clock. Tests replace it. */
  readonly now?: () => number;
}

/** How many calls may always wait, however few were claimed lately. */
const ALWAYS_WELCOME = 256;
/** How old the oldest item of the write queue may be, and for how long it may be older (CoDel, RFC 8289). */
const MAX_AGE_MS = 100;
const MAX_OVERAGE_MS = 100;
/**
 * A call whose message has not come by then counts no more until it comes. Otherwise the calls of a connection that broke
 * behind their headers would keep everybody out until its keepalive notices.
 */
const MESSAGE_DUE_MS = 1_000;

/** Makes the gate. */
export function createCallGate({ health, writes, now = monotonicMs }: CallGateDeps): CallGate {
  // While the database is away the queue is old for another reason, and callers get that reason.
  const queueAgeMs = (): number => (health.isAvailable() ? writes.ageMs() : 0);
  const calls = createWaitingCalls(now);
  const isOverloaded = createAgeRule(queueAgeMs, now);
  const isShut = (): boolean =>
    isOverloaded() || !calls.hasRoom(Math.max(ALWAYS_WELCOME, writes.claimedLately()));
  let refused = 0;
  return {
    arrive: () => {
      if (!isShut()) return calls.add();
      refused += 1;
      return undefined;
    },
    isOverloaded,
    isShut,
    waiting: calls.count,
    refused: () => refused,
  };
}

function monotonicMs(): number {
  return performance.now();
}

/** Makes the rule that reports whether the oldest item of the queue has been over 100 ms old for 100 ms. */
function createAgeRule(queueAgeMs: () => number, now: () => number): () => boolean {
  let oldSinceMs = Infinity;
  let askedAtMs = -Infinity;
  return () => {
    const overageMs = queueAgeMs() - MAX_AGE_MS;
    const nowMs = now();
    // Between two questions that lie far apart the queue may have been empty.
    if (overageMs <= 0 || nowMs - askedAtMs > MAX_OVERAGE_MS) oldSinceMs = Infinity;
    askedAtMs = nowMs;
    if (overageMs <= 0) return false;
    oldSinceMs = Math.min(oldSinceMs, nowMs - overageMs);
    return nowMs - oldSinceMs >= MAX_OVERAGE_MS;
  };
}

/** `coming`: the message is on its way. `overdue`: it has not come in time. `waiting`: the call waits for its claim. */
type Stage = 'coming' | 'overdue' | 'waiting' | 'decided';

interface Call {
  stage: Stage;
  readonly messageDueAtMs: number;
}

/** Counts the calls that wait for their claim, and the calls whose message is on its way. */
function createWaitingCalls(now: () => number) {
  let count = 0;
  // In the order of their arrival.
  const coming = new Set<Call>();

  const become = (call: Call, stage: Stage): void => {
    if (call.stage === 'decided') return;
    if (call.stage === 'coming') coming.delete(call);
    count += weightOf(stage) - weightOf(call.stage);
    call.stage = stage;
  };
  const dropOverdue = (): void => {
    const nowMs = now();
    for (const call of coming) {
      if (call.messageDueAtMs > nowMs) return;
      become(call, 'overdue');
    }
  };
  return {
    add: (): Arrival => {
      const call: Call = { stage: 'coming', messageDueAtMs: now() + MESSAGE_DUE_MS };
      coming.add(call);
      count += weightOf(call.stage);
      const decided = (): void => become(call, 'decided');
      return { received: () => become(call, 'waiting'), decided, leave: decided };
    },
    count: () => count,
    hasRoom: (limit: number): boolean => {
      if (count >= limit) dropOverdue();
      return count < limit;
    },
  };
}

function weightOf(stage: Stage): number {
  return stage === 'coming' || stage === 'waiting' ? 1 : 0;
}
