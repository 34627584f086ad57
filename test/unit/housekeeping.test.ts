import { expect } from 'chai';
import { createHousekeeping, type HousekeepingDeps } from '../../src/engine/maintenance.ts';

const BEGAN = 250;

/** The regular work over so many overdue starts; `firstRound` resolves when it has asked for labels and is done with it. */
const createTrial = () => {
  const { promise: firstRound, resolve } = Promise.withResolvers<void>();
  const ended: string[] = [];
  let left = BEGAN;
  const labelOverdue = async (limit: number) => {
    setImmediate(resolve);
    const labelled = Math.min(limit, left);
    left -= labelled;
    return Array.from({ length: labelled }, (_, index) => ({
      conversationUuid: String(left + index),
      webhookType: 'pre_call',
    }));
  };
  const deps = {
    store: { labelOverdue },
    waiters: { noteEnded: (conversationUuid: string) => ended.push(conversationUuid) },
    health: { thereForMs: () => 60_000 },
    freeBytes: async () => undefined,
    onStep: () => undefined,
    onError: () => undefined,
  } as unknown as HousekeepingDeps;
  return { housekeeping: createHousekeeping(deps), firstRound, ended };
};

describe('the regular work', () => {
  it('labels all that a killed process left behind in one round', async () => {
    const { housekeeping, firstRound, ended } = createTrial();
    await housekeeping.start();
    await firstRound;
    housekeeping.stop();
    expect(new Set(ended).size).to.equal(BEGAN);
  });
});
