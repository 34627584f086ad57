import { expect } from 'chai';
import type { Agent, Webhook } from '../../src/domain/types.ts';
import { createByteBudget } from '../../src/engine/byte-budget.ts';
import { createSender, type SenderDeps } from '../../src/engine/sender.ts';
import { createSlots } from '../../src/engine/slots.ts';
import type { WaitingEnd } from '../../src/store/types.ts';

const MIB = 1024 ** 2;

const nameOf = (digit: number): string => `0197a1b2-0000-7000-8000-00000000000${digit}`;

const endOf = (webhookUuid: string): WaitingEnd => ({
  executionUuid: webhookUuid,
  conversationUuid: webhookUuid,
  agentUuid: webhookUuid,
  webhookUuid,
  acceptedAtMs: 0,
});

/** A sender with one waiting row per webhook; tells of which rows it tried to claim, and what it complained of. */
const createTrial = (webhookUuids: readonly string[], broken?: string) => {
  const claimed: string[] = [];
  const errors: unknown[] = [];
  const budget = createByteBudget(16 * MIB);
  const deps = {
    budget,
    store: {
      listWaitingWebhooks: async () => webhookUuids,
      listWaitingEnds: async (webhookUuid: string) => [endOf(webhookUuid)],
      nowMs: async () => 0,
      findConversation: async () => [],
    },
    agents: {
      read: async (agentUuid: string) =>
        ({
          webhooks: [{ webhookUuid: agentUuid, config: { responseTimeoutSecs: 5 } }],
        }) as unknown as Agent,
    },
    open: (_agent: Agent, { webhookUuid }: Webhook) => {
      if (webhookUuid === broken) throw new Error('a stored value does not decrypt');
      return { origin: `https://${webhookUuid}` };
    },
    writes: {
      claimEnd: async ({ executionUuid }: { executionUuid: string }) => {
        claimed.push(executionUuid);
        return 'lost';
      },
    },
    slots: createSlots({ total: 10, perOrigin: 10 }),
    startByMs: 0,
    newClaim: () => nameOf(9),
    onStep: () => undefined,
    onError: (error: unknown) => errors.push(error),
    signal: new AbortController().signal,
  } as unknown as SenderDeps;
  return { sender: createSender(deps), budget, claimed, errors };
};

describe('the sender', () => {
  let stop = (): void => undefined;
  afterEach(() => stop());

  for (const broken of [1, 2, 3].map(nameOf)) {
    it(`sends the others' reports although webhook ${broken.at(-1)} of 3 can't be opened`, async () => {
      const all = [1, 2, 3].map(nameOf);
      const { sender, claimed, errors } = createTrial(all, broken);
      stop = sender.stop;
      sender.start();
      await sender.idle();
      expect(claimed.toSorted()).to.deep.equal(all.filter((name) => name !== broken));
      expect(errors).to.have.length(1);
    });
  }

  it('claims nothing while there is no room for a body: a claimed report could only end as overloaded', async () => {
    const { sender, budget, claimed } = createTrial([nameOf(1)]);
    const others = budget.hold(15 * MIB);
    stop = sender.stop;
    sender.start();
    await sender.idle();
    expect(claimed).to.deep.equal([]);
    others?.release();
    sender.offer(endOf(nameOf(2)));
    await new Promise((resolve) => setImmediate(resolve));
    await sender.idle();
    expect(claimed).to.include(nameOf(2));
  });
});
