import { expect } from 'chai';
import { randomUUID } from 'node:crypto';
import type { Execution, ExecutionState } from '../../src/domain/execution.ts';
import type { ExecutionFilter, ExecutionKey } from '../../src/store/execution-store.ts';
import type { NewStart } from '../../src/store/write-batch.ts';
import { describeEachEngine } from '../support/engines.ts';
import { onQuietMachine, watchMachine } from '../support/quiet-machine.ts';
import { fillExecutions } from './fill-tables.ts';
import {
  aClaim,
  anAgent,
  anOutcome,
  aPostCall,
  aPostCallOutcome,
  aStart,
  aStartWithoutWebhook,
  aWebhook,
} from './samples.ts';
import { interruptOverdue, openFresh, type TestDatabase, times } from './test-database.ts';

const ALL: ExecutionFilter = { states: [], failureCodes: [] };
const FAILED = { code: 'TIMEOUT', message: 'too late', sent: 'yes' } as const;
function uuidsOf(items: readonly { executionUuid: string }[]): string[] {
  return items.map((item) => item.executionUuid);
}
function newestFirst(a: Execution, b: Execution): number {
  return b.acceptedAtMs - a.acceptedAtMs || (a.executionUuid < b.executionUuid ? 1 : -1);
}

describeEachEngine('the list of executions', (engine) => {
  let db: TestDatabase;
  const store = () => db.database.executions;
  const agentUuid = randomUUID();
  const webhookUuid = randomUUID();
  let all: Execution[] = [];

  const readAll = async (
    filter: ExecutionFilter,
    pageSize: number,
  ): Promise<{ items: Execution[]; sizes: number[] }> => {
    const items: Execution[] = [];
    const sizes: number[] = [];
    for (let after: ExecutionKey | undefined, more = true; more;) {
      const page = await store().listExecutions(filter, pageSize, after);
      items.push(...page.items);
      sizes.push(page.items.length);
      after = page.next;
      more = after !== undefined;
    }
    return { items, sizes };
  };

  const outcomeFor = (start: NewStart, at: number) => {
    if (at % 6 === 0) return anOutcome(start, { decision: 'block_rejected', rejectReason: `n° ${at}` });
    if (at % 2 === 0) return anOutcome(start);
    const decision = start.webhook?.failurePolicy === 'block' ? 'block' : 'proceed_degraded';
    return anOutcome(start, { state: 'failed', failure: FAILED, decision });
  };

  before(async () => {
    db = await openFresh(engine);
    const webhook = aWebhook(agentUuid, { webhookUuid });
    await db.database.agents.insertAgent(anAgent({ agentUuid, webhooks: [webhook] }));
    const policy = (at: number) => ({
      webhookUuid: at % 4 === 0 ? webhookUuid : randomUUID(),
      webhookEtag: 'e',
      failurePolicy: at % 3 === 0 ? ('block' as const) : ('proceed' as const),
      timeLimitMs: at % 10 === 9 ? -10_000 : 10_000,
      timeLimitSource: 'config' as const,
    });
    // One commit gives many rows the same time. Pages must show each of them once.
    for (let batch = 0; batch < 4; batch += 1) {
      const starts = times(30, (at) =>
        aStart({ webhook: policy(at), ...(at % 4 === 0 ? { agentUuid } : {}) }),
      );
      const postCalls = times(10, (at) => aPostCall(at % 2 === 0 ? { agentUuid } : {}));
      const results = [
        ...(await store().insertStarts([...starts, aStartWithoutWebhook({ agentUuid })])),
        ...(await store().insertPostCalls(postCalls)),
      ];
      expect(results.every(({ kind }) => kind === 'won')).to.equal(true);
      await store().recordOutcomes(starts.slice(0, 20).map(outcomeFor));
      const claims = postCalls.slice(0, 4).map((postCall) => aClaim(postCall));
      await store().claimPostCalls(claims);
      await store().recordOutcomes(
        claims.slice(0, 2).map(({ claim }, at) => aPostCallOutcome(postCalls[at] ?? aPostCall(), claim)),
      );
    }
    await interruptOverdue(store());
    const { items } = await store().listExecutions(ALL, 1_000);
    all = [...items];
  });
  after(() => db.close());

  it('is newest first, and shows no start without a webhook', () => {
    expect(all).to.have.length(160);
    expect(all).to.deep.equal(all.toSorted(newestFirst));
    const states = new Set<ExecutionState>(['accepted', 'sending', 'succeeded', 'failed', 'interrupted']);
    expect(new Set(all.map(({ state }) => state))).to.deep.equal(states);
    expect(new Set(all.map(({ acceptedAtMs }) => acceptedAtMs)).size, 'times are shared').to.be.below(20);
  });

  for (const pageSize of [1, 7, 40, 159, 160, 200])
    it(`shows each execution once in pages of ${pageSize}`, async () => {
      const { items, sizes } = await readAll(ALL, pageSize);
      expect(uuidsOf(items)).to.deep.equal(uuidsOf(all));
      expect(Math.max(...sizes)).to.be.at.most(pageSize);
    });

  const middle = (): Execution => all[80] ?? expect.fail();
  const isDegraded = ({ webhookType, state, failurePolicy }: Execution): boolean =>
    webhookType === 'pre_call' &&
    (state === 'failed' || state === 'interrupted') &&
    failurePolicy === 'proceed';
  const isRejected = ({ rejectReason }: Execution): boolean => rejectReason !== undefined;
  const filters: readonly [string, () => Partial<ExecutionFilter>, (execution: Execution) => boolean][] = [
    ['agent', () => ({ agentUuid }), (execution) => execution.agentUuid === agentUuid],
    ['unknown agent', () => ({ agentUuid: randomUUID() }), () => false],
    ['webhook', () => ({ webhookUuid }), (execution) => execution.webhookUuid === webhookUuid],
    [
      'webhook that is gone',
      () => ({ webhookUuid: middle().webhookUuid }),
      (execution) => execution.webhookUuid === middle().webhookUuid,
    ],
    [
      'conversation',
      () => ({ conversationUuid: middle().conversationUuid }),
      (execution) => execution.conversationUuid === middle().conversationUuid,
    ],
    [
      'conversation of another agent',
      () => ({ conversationUuid: middle().conversationUuid, agentUuid: randomUUID() }),
      () => false,
    ],
    ['type', () => ({ webhookType: 'post_call' }), ({ webhookType }) => webhookType === 'post_call'],
    ['state', () => ({ states: ['sending'] }), ({ state }) => state === 'sending'],
    [
      'states',
      () => ({ states: ['accepted', 'interrupted'] }),
      ({ state }) => state === 'accepted' || state === 'interrupted',
    ],
    ['hidden state', () => ({ states: ['no_webhook'] }), () => false],
    ['failure code', () => ({ failureCodes: ['TIMEOUT'] }), ({ failure }) => failure?.code === 'TIMEOUT'],
    [
      'failure codes',
      () => ({ failureCodes: ['TIMEOUT', 'INTERRUPTED'] }),
      ({ failure }) => failure !== undefined,
    ],
    ['degraded', () => ({ degraded: true }), isDegraded],
    ['not degraded', () => ({ degraded: false }), (execution) => !isDegraded(execution)],
    ['rejected', () => ({ rejected: true }), isRejected],
    ['not rejected', () => ({ rejected: false }), (execution) => !isRejected(execution)],
    ['rejected and degraded, which none is', () => ({ rejected: true, degraded: true }), () => false],
    [
      'times',
      () => ({
        acceptedFromMs: all[120]?.acceptedAtMs as number,
        acceptedToMs: all[30]?.acceptedAtMs as number,
      }),
      ({ acceptedAtMs }) =>
        acceptedAtMs >= (all[120]?.acceptedAtMs as number) &&
        acceptedAtMs < (all[30]?.acceptedAtMs as number),
    ],
    [
      'all at once',
      () => ({
        agentUuid,
        webhookUuid,
        webhookType: 'pre_call',
        states: ['failed', 'succeeded'],
        degraded: false,
      }),
      (execution) =>
        execution.agentUuid === agentUuid &&
        execution.webhookUuid === webhookUuid &&
        (execution.state === 'failed' || execution.state === 'succeeded') &&
        !isDegraded(execution),
    ],
  ];
  for (const [name, filter, matches] of filters)
    it(`filters by ${name}`, async () => {
      const expected = uuidsOf(all.filter(matches));
      const { items } = await readAll({ ...ALL, ...filter() }, 9);
      expect(uuidsOf(items)).to.deep.equal(expected);
      if (!/unknown|another|hidden|none/.test(name)) expect(expected.length).to.be.within(1, 159);
    });
});

describeEachEngine('a long list of executions', (engine) => {
  const ROWS = 45_000;
  let db: TestDatabase;
  const statements: { sql: string; durationMs: number }[] = [];
  const rare = aStart();

  before(async function () {
    this.timeout(120_000);
    watchMachine();
    db = await openFresh(engine, { onStatement: (report) => statements.push(report) });
    await db.database.executions.insertStarts([rare]);
    await fillExecutions(db.fresh, ROWS);
  });
  after(() => db.close());

  it('reads at most 20,000 entries a page, and short pages lead on to the only match', async () => {
    const filter = { ...ALL, webhookUuid: rare.webhook?.webhookUuid as string };
    const pages: number[] = [];
    const found: string[] = [];
    for (let after: ExecutionKey | undefined, more = true; more;) {
      const page = await db.database.executions.listExecutions(filter, 50, after);
      pages.push(page.items.length);
      found.push(...uuidsOf(page.items));
      after = page.next;
      more = after !== undefined;
    }
    expect(found).to.deep.equal([rare.executionUuid]);
    expect(pages).to.deep.equal([0, 0, 1]);
  });

  if (engine.name === 'sqlite')
    it('keeps the event loop busy for a short step at most', async () => {
      const filter: ExecutionFilter = { ...ALL, failureCodes: ['DNS'] };
      const fromMs = Date.now();
      for (let round = 0; round < 3; round += 1) {
        statements.length = 0;
        await db.database.executions.listExecutions(filter, 50);
      }
      const durations = statements.map(({ durationMs }) => durationMs).toSorted((a, b) => a - b);
      expect(durations.length).to.be.above(20);
      // Another process of the machine may delay a single step, so nine of ten steps count.
      await onQuietMachine('nine of ten steps take less than 5 ms', fromMs, () =>
        expect(durations[Math.floor(durations.length * 0.9)]).to.be.below(5),
      );
    });
});
