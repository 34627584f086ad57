import { expect } from 'chai';
import { createMaintenance, type MaintenanceDeps } from '../../../src/engine/maintenance.ts';
import type { OverdueExecution } from '../../../src/store/execution-store.ts';

const BEGAN = 250;

/**
 * Makes maintenance over 250 overdue starts. Those for which `isRunningHere` is true run in this process. `firstRound`
 * resolves when maintenance has looked for overdue starts until there were no more.
 */
function createTrial(isRunningHere: (executionUuid: string) => boolean = () => false) {
  const { promise: firstRound, resolve } = Promise.withResolvers<void>();
  const notified: string[] = [];
  let open: OverdueExecution[] = Array.from({ length: BEGAN }, (_, at) => ({
    ...{ executionUuid: `e${at}`, conversationUuid: `c${at}`, webhookType: 'pre_call', overdueAtMs: at },
  }));
  const findOverdue = async (limit: number, after?: OverdueExecution) => {
    const found = open.filter(({ overdueAtMs }) => overdueAtMs > (after?.overdueAtMs ?? -1)).slice(0, limit);
    if (found.length < limit) setImmediate(resolve);
    return found;
  };
  const interruptOverdue = async (executionUuids: readonly string[]) => {
    // The row of one is locked, so it is passed over.
    const interrupted = executionUuids.filter((uuid) => uuid !== 'e7');
    open = open.filter(({ executionUuid }) => !interrupted.includes(executionUuid));
    return interrupted;
  };
  const deps = {
    store: { findOverdue, interruptOverdue },
    startWaiters: { notifyFinished: (conversationUuid: string) => notified.push(conversationUuid) },
    health: { availableForMs: () => 60_000 },
    freeBytes: async () => undefined,
    onFaultPoint: () => undefined,
    onError: () => undefined,
    isRunningHere,
  } as unknown as MaintenanceDeps;
  return { maintenance: createMaintenance(deps), firstRound, notified, open: () => open };
}

describe('maintenance', () => {
  it('marks all overdue starts interrupted in one round, and wakes their waiters', async () => {
    const { maintenance, firstRound, notified, open } = createTrial();
    await maintenance.start();
    await firstRound;
    maintenance.stop();
    expect(open().map(({ executionUuid }) => executionUuid)).to.deep.equal(['e7']);
    expect(new Set(notified).size).to.equal(BEGAN - 1);
  });

  it('marks no execution that runs in this process, although it is overdue by the database’s clock', async () => {
    // These are more than one batch, and the oldest.
    const isRunningHere = (executionUuid: string) => Number(executionUuid.slice(1)) < 120;
    const { maintenance, firstRound, notified, open } = createTrial(isRunningHere);
    await maintenance.start();
    await firstRound;
    maintenance.stop();
    expect(open().map(({ executionUuid }) => executionUuid)).to.deep.equal(
      Array.from({ length: 120 }, (_, at) => `e${at}`),
    );
    expect(new Set(notified).size).to.equal(BEGAN - 120);
  });
});
