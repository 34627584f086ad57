import { expect } from 'chai';
import type { Agent, Webhook } from '../../../../src/domain/agent.ts';
import { createByteBudget } from '../../../../src/engine/limits/byte-budget.ts';
import {
  createPostCallSender,
  type PostCallSenderDeps,
} from '../../../../src/engine/post-call/post-call-sender.ts';
import { createRequestSlots } from '../../../../src/engine/limits/request-slots.ts';
import type { Pace } from '../../../../src/engine/post-call/pace.ts';
import type { PendingPostCall } from '../../../../src/store/execution-store.ts';
import { until } from '../../../support/until.ts';

const MIB = 1024 ** 2;

function nameOf(digit: number): string {
  return `0197a1b2-0000-7000-8000-00000000000${digit}`;
}

function postCallOf(webhookUuid: string): PendingPostCall {
  return {
    executionUuid: webhookUuid,
    conversationUuid: webhookUuid,
    agentUuid: webhookUuid,
    webhookUuid,
    acceptedAtMs: 0,
  };
}

interface Trial {
  readonly broken?: string;
  /** Returns where a webhook sends to. Without it each has an origin of its own. */
  readonly originOf?: (webhookUuid: string) => string;
  readonly perOrigin?: number;
  readonly startByMs?: number;
  /** Leaves claims unanswered. */
  readonly isClaimSlow?: boolean;
  /** How fast post-calls may begin. Without it only the slots limit them. */
  readonly pace?: Pace;
}

const UNPACED: Pace = { room: () => Infinity, countBegun: () => undefined, mayBeginNow: () => true };

/** Makes a post-call sender with one pending post-call per webhook, and records what it claims, reads and reports. */
function createTrial(webhookUuids: readonly string[], options: Trial = {}) {
  const {
    broken,
    originOf = (uuid) => `https://${uuid}`,
    perOrigin = 10,
    startByMs = 0,
    isClaimSlow = false,
    pace = UNPACED,
  } = options;
  const claimed: string[] = [];
  const read: string[] = [];
  const failed: string[] = [];
  const errors: unknown[] = [];
  const budget = createByteBudget(32 * MIB);
  const slots = createRequestSlots({ total: 10, perOrigin });
  const rowsOf = (webhookUuid: string) =>
    [webhookUuid].filter((uuid) => !failed.includes(uuid) && !claimed.includes(uuid)).map(postCallOf);
  const deps = {
    budget,
    slots,
    startByMs,
    store: {
      listPendingWebhooks: async () =>
        webhookUuids.flatMap(rowsOf).map(({ webhookUuid }) => ({ webhookUuid, oldestAcceptedAtMs: 0 })),
      listPendingPostCalls: async (webhookUuid: string, _limit: number, after?: PendingPostCall) => {
        read.push(webhookUuid);
        return rowsOf(webhookUuid).filter(
          (postCall) => postCall.executionUuid > (after?.executionUuid ?? ''),
        );
      },
      failUnsent: async (uuids: readonly string[]) => void failed.push(...uuids),
      nowMs: async () => 1_000,
    },
    pace,
    agentStore: {
      findUrls: async (uuids: readonly string[]) => new Map(uuids.map((uuid) => [uuid, originOf(uuid)])),
    },
    agents: {
      read: async (agentUuid: string) =>
        ({
          webhooks: [{ webhookUuid: agentUuid, config: { responseTimeoutSecs: 5 } }],
        }) as unknown as Agent,
    },
    open: (_agent: Agent, { webhookUuid }: Webhook) => {
      if (webhookUuid === broken) throw new Error('a stored value does not decrypt');
      return { origin: originOf(webhookUuid) };
    },
    writes: {
      claimPostCall: async ({ executionUuid }: { executionUuid: string }) => {
        claimed.push(executionUuid);
        if (isClaimSlow) await new Promise(() => undefined);
        return { kind: 'lost' };
      },
    },
    newClaim: () => nameOf(9),
    onFaultPoint: () => undefined,
    onError: (error: unknown) => errors.push(error),
    signal: new AbortController().signal,
  } as unknown as PostCallSenderDeps;
  return { postCallSender: createPostCallSender(deps), budget, slots, claimed, read, failed, errors };
}

describe('the post-call sender', () => {
  let stop = (): void => undefined;
  afterEach(() => stop());

  for (const broken of [1, 2, 3].map(nameOf)) {
    it(`sends the post-calls of the others although webhook ${broken.at(-1)} of 3 can't be opened`, async () => {
      const all = [1, 2, 3].map(nameOf);
      const { postCallSender, claimed, errors } = createTrial(all, { broken });
      stop = postCallSender.stop;
      postCallSender.start();
      await postCallSender.idle();
      expect(claimed.toSorted()).to.deep.equal(all.filter((name) => name !== broken));
      expect(errors).to.have.length(1);
    });
  }

  it('claims nothing while there is no room for a body: a claimed post-call could only fail as OVERLOADED', async () => {
    const { postCallSender, budget, claimed } = createTrial([nameOf(1)]);
    const others = budget.reserve(31 * MIB);
    stop = postCallSender.stop;
    postCallSender.start();
    await postCallSender.idle();
    expect(claimed).to.deep.equal([]);
    others?.release();
    postCallSender.offer(postCallOf(nameOf(2)));
    await new Promise((resolve) => setImmediate(resolve));
    await postCallSender.idle();
    expect(claimed).to.include(nameOf(2));
  });

  it('leaves half of the byte budget to callers while many bodies are still unknown', async () => {
    const all = [1, 2, 3, 4, 5, 6, 7, 8].map(nameOf);
    const { postCallSender, budget, claimed } = createTrial(all, { isClaimSlow: true });
    stop = postCallSender.stop;
    postCallSender.start();
    for (let turns = 0; turns < 50; turns += 1) await new Promise((resolve) => setImmediate(resolve));
    expect(claimed).to.have.length(4);
    expect(budget.reservedBytes()).to.equal(16 * MIB);
  });

  it('reads no rows of webhooks whose origin has no free slot', async () => {
    const all = [1, 2, 3].map(nameOf);
    const originOf = (uuid: string) => (uuid === nameOf(3) ? 'https://good' : 'https://stalled');
    const { postCallSender, slots, claimed, read } = createTrial(all, { originOf, perOrigin: 1 });
    const taken = slots.take('https://stalled');
    stop = postCallSender.stop;
    postCallSender.start();
    await postCallSender.idle();
    expect(claimed).to.deep.equal([nameOf(3)]);
    expect(read).to.deep.equal([nameOf(3)]);
    expect(taken).to.have.property('release');
  });

  it('begins the next row as soon as a slot is free', async () => {
    const all = [1, 2, 3, 4].map(nameOf);
    const { postCallSender, claimed } = createTrial(all, { originOf: () => 'https://one', perOrigin: 1 });
    stop = postCallSender.stop;
    postCallSender.start();
    await postCallSender.idle();
    for (let turns = 0; turns < 50 && claimed.length < 4; turns += 1)
      await new Promise((resolve) => setImmediate(resolve));
    expect(claimed).to.deep.equal(all);
  });

  it('begins no more than the pace allows, and more by itself when it allows more', async () => {
    const all = [1, 2, 3, 4].map(nameOf);
    let left = 2;
    const pace: Pace = { room: () => left, countBegun: () => (left -= 1), mayBeginNow: () => true };
    const { postCallSender, claimed } = createTrial(all, { pace, isClaimSlow: true, perOrigin: 10 });
    stop = postCallSender.stop;
    postCallSender.start();
    await until('as many as the pace allows', () => claimed.length === 2);
    left = 2;
    await until('the others, while the first ones are still under way', () => claimed.length === 4);
  });

  it('serves the other origins before the second post-call of a fast one', async () => {
    const all = [1, 2, 3, 4, 5].map(nameOf);
    const fast = [nameOf(2), nameOf(3), nameOf(4)];
    const originOf = (uuid: string) => (fast.includes(uuid) ? 'https://fast' : `https://${uuid}`);
    const { postCallSender, claimed } = createTrial(all, { originOf });
    stop = postCallSender.stop;
    postCallSender.start();
    await postCallSender.idle();
    expect(claimed).to.have.members(all);
    expect(claimed.slice(0, 3)).to.include.members([nameOf(1), nameOf(5)]);
  });

  it('fails expired post-calls although their origin has no free slot', async () => {
    const { postCallSender, slots, claimed, failed } = createTrial([nameOf(1)], {
      perOrigin: 1,
      startByMs: 500,
    });
    slots.take(`https://${nameOf(1)}`);
    stop = postCallSender.stop;
    postCallSender.start();
    await postCallSender.idle();
    expect(failed).to.deep.equal([nameOf(1)]);
    expect(claimed).to.deep.equal([]);
  });
});
