import { expect } from 'chai';
import { createMaintenance, type MaintenanceDeps } from '../../../src/engine/maintenance.ts';
import type { OverdueExecution } from '../../../src/store/execution-store.ts';

const BEGAN = 250;

/**
 * Maintenance over many overdue starts. Those for which `isRunningHere` is true run in this process; `firstRound`
 * resolves when it has looked for overdue starts until there were no more.
 */
function createTrial(isRunningHere?: (executionUuid: string) => boolean) {
  const { promise: firstRound, resolve } = Promise.withResolvers<void>();
  const ended: string[] = [];
  let open: OverdueExecution[] = Array.from({ length: BEGAN }, (_, at) => ({
    ...{ executionUuid: `e${at}`, conversationUuid: `c${at}`, webhookType: 'pre_call', overdueAtMs: at },
  }));
  const findOverdue = async (limit: number, after?: OverdueExecution) => {
    const found = open.filter(({ overdueAtMs }) => overdueAtMs > (after?.overdueAtMs ?? -1)).slice(0, limit);
    if (found.length < limit) setImmediate(resolve);
    return found;
  };
  const interruptOverdue = async (executionUuids: readonly string[]) => {
    // One is held by somebody and passed over.
    const interrupted = executionUuids.filter((uuid) => uuid !== 'e7');
    open = open.filter(({ executionUuid }) => !interrupted.includes(executionUuid));
    return interrupted;
  };
  const deps = {
    store: { findOverdue, interruptOverdue },
    startWaiters: { notifyFinished: (conversationUuid: string) => ended.push(conversationUuid) },
    health: { availableForMs: () => 60_000 },
    freeBytes: async () => undefined,
    onFaultPoint: () => undefined,
    onError: () => undefined,
    ...(isRunningHere && { isRunningHere }),
  } as unknown as MaintenanceDeps;
  return { maintenance: createMaintenance(deps), firstRound, ended, open: () => open };
}

describe('maintenance', () => {
  it('marks interrupted all that a killed process left behind in one round, and wakes who waits for it', async () => {
    const { maintenance, firstRound, ended, open } = createTrial();
    await maintenance.start();
    await firstRound;
    maintenance.stop();
    expect(open().map(({ executionUuid }) => executionUuid)).to.deep.equal(['e7']);
    expect(new Set(ended).size).to.equal(BEGAN - 1);
  });

  it('marks nothing that runs in this process, although the clock of the database has jumped', async () => {
    // More than are looked at in one step, and the oldest of all.
    const isRunningHere = (executionUuid: string) => Number(executionUuid.slice(1)) < 120;
    const { maintenance, firstRound, ended, open } = createTrial(isRunningHere);
    await maintenance.start();
    await firstRound;
    maintenance.stop();
    expect(open().map(({ executionUuid }) => executionUuid)).to.deep.equal(
      Array.from({ length: 120 }, (_, at) => `e${at}`),
    );
    expect(new Set(ended).size).to.equal(BEGAN - 120);
  });
});
