import { expect } from 'chai';
import { createMaintenance, type MaintenanceDeps } from '../../../src/engine/maintenance.ts';
import type { UnownedEnd } from '../../../src/engine/unowned-executions.ts';
import type { ExecutionNames, OverdueExecution } from '../../../src/store/execution-store.ts';

const BEGAN = 250;

/**
 * Makes maintenance over 250 overdue starts. Those for which `isRunningHere` is true run in this process. `firstRound`
 * resolves when maintenance has looked for overdue starts until there were no more.
 */
function createTrial(isRunningHere: (executionUuid: string) => boolean = () => false, freeBytes?: number) {
  const { promise: firstRound, resolve } = Promise.withResolvers<void>();
  const notified: string[] = [];
  const unowned: string[] = [];
  const isDiskFull: boolean[] = [];
  let open: OverdueExecution[] = Array.from({ length: BEGAN }, (_, at) => ({
    ...{ executionUuid: `e${at}`, conversationUuid: `c${at}`, agentUuid: 'a', webhookUuid: 'w' },
    ...{ webhookType: 'pre_call', overdueAtMs: at },
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
  const { promise: firstCount, resolve: counted } = Promise.withResolvers<void>();
  const countOverdue = async () => {
    setImmediate(counted);
    return 0;
  };
  const counts = { countPending: async () => 3, oldestPendingAgeMs: async () => 0, countOverdue };
  const deps = {
    store: { findOverdue, interruptOverdue, ...counts },
    maxBacklog: 5,
    everyMs: { count: 1 },
    minutes: { write: async () => undefined, forget: async () => undefined },
    startWaiters: { notifyFinished: (conversationUuid: string) => notified.push(conversationUuid) },
    health: { availableForMs: () => 60_000 },
    freeBytes: async () => freeBytes,
    onDiskChecked: (isFull: boolean) => isDiskFull.push(isFull),
    onFaultPoint: () => undefined,
    onUnowned: (executions: readonly ExecutionNames[], { code, sent }: UnownedEnd) =>
      unowned.push(...executions.map(({ executionUuid }) => `${executionUuid} ${code} ${sent}`)),
    onError: () => undefined,
    isRunningHere,
  } as unknown as MaintenanceDeps;
  return {
    maintenance: createMaintenance(deps),
    firstRound,
    firstCount,
    notified,
    unowned,
    isDiskFull,
    open: () => open,
  };
}

describe('maintenance', () => {
  it('marks all overdue starts interrupted in one round, and wakes their waiters', async () => {
    const { maintenance, firstRound, notified, unowned, open } = createTrial();
    await maintenance.start();
    await firstRound;
    maintenance.stop();
    expect(open().map(({ executionUuid }) => executionUuid)).to.deep.equal(['e7']);
    expect(new Set(notified).size).to.equal(BEGAN - 1);
    const marked = Array.from({ length: BEGAN }, (_, at) => `e${at} INTERRUPTED maybe`);
    expect(unowned).to.deep.equal(marked.filter((one) => !one.startsWith('e7 ')));
  });

  for (const [title, freeBytes, isFull] of [
    ['is nearly full with less than 64 MiB left', 64 * 1024 * 1024 - 1, true],
    ['has room with 64 MiB left', 64 * 1024 * 1024, false],
    ['has room when it is the disk of a server', undefined, false],
  ] as const) {
    it(`says before calls come that the disk ${title}`, async () => {
      const { maintenance, isDiskFull } = createTrial(undefined, freeBytes);
      await maintenance.start();
      maintenance.stop();
      expect(isDiskFull).to.deep.equal([isFull]);
    });
  }

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

  it('shows the pending post-calls of the last count, and adds those accepted since for their limit', async () => {
    const { maintenance, firstCount } = createTrial();
    await maintenance.start();
    await firstCount;
    maintenance.stop();
    maintenance.noteAccepted();
    expect([maintenance.pending(), maintenance.tooManyPending()]).to.deep.equal([3, false]);
    maintenance.noteAccepted();
    expect([maintenance.pending(), maintenance.tooManyPending()]).to.deep.equal([3, true]);
  });
});
