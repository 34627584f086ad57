import { randomUUID } from 'node:crypto';
import { expect } from 'chai';
import type { Execution } from '../../src/domain/execution.ts';
import { matchesFilter } from '../../src/engine/ended-executions/matches-filter.ts';
import type { Page } from '../../src/store/agent-store.ts';
import type { EndedKey, EndedPlace, ExecutionFilter } from '../../src/store/execution-store.ts';
import { toBytes } from '../../src/store/sql/column-values.ts';
import type { Connections } from '../../src/store/sql/connections.ts';
import { describeEachEngine } from '../support/engines.ts';
import { fillExecutions } from './fill-tables.ts';
import { anOutcome, aStart, aStartWithoutWebhook } from './samples.ts';
import { connectDirectly, openFresh, type TestDatabase, times } from './test-database.ts';

const ALL: ExecutionFilter = { states: [], failureCodes: [] };
const START: EndedPlace = { finishedAtMs: 0, executionUuid: '00000000-0000-0000-0000-000000000000' };
const FAILED = { code: 'TIMEOUT', message: 'too late', sent: 'yes' } as const;
const MINUTE_MS = 60_000;

function inOrder(a: EndedPlace, b: EndedPlace): number {
  return a.finishedAtMs - b.finishedAtMs || (a.executionUuid < b.executionUuid ? -1 : 1);
}
function keyOf({ executionUuid, state, finishedAtMs }: Execution) {
  return { state, finishedAtMs: finishedAtMs ?? 0, executionUuid };
}

describeEachEngine('the executions in the order of their ends', (engine) => {
  let db: TestDatabase;
  let direct: Connections;
  let ended: (EndedKey & { agentUuid: string })[];
  const agentUuid = randomUUID();
  const counts: number[] = [];
  const store = () => db.database.executions;

  before(async function () {
    this.timeout(60_000);
    db = await openFresh(engine);
    direct = connectDirectly(db.fresh);
    const starts = times(60, (at) => aStart(at % 3 === 0 ? { agentUuid } : {}));
    await store().insertStarts([...starts, aStart(), aStartWithoutWebhook()]);
    // The ends come in another order than the starts, and some of them at the same time.
    await store().recordOutcomes(
      starts.map((start, at) =>
        anOutcome(start, {
          durationMs: -((at * 7) % 20) * 1_000,
          ...(at % 4 === 0 ? { state: 'failed', failure: FAILED, decision: 'proceed_degraded' } : {}),
        }),
      ),
    );
    const found = await store().findEnded(starts.map(({ executionUuid }) => executionUuid));
    ended = found.map((it) => ({ ...(keyOf(it) as EndedKey), agentUuid: it.agentUuid })).toSorted(inOrder);
  });
  after(async () => {
    await direct.close();
    await db.close();
  });

  const keys = (of: readonly (EndedKey & { agentUuid: string })[]) =>
    of.map(({ state, finishedAtMs, executionUuid }) => ({ state, finishedAtMs, executionUuid }));

  it('lists the keys of each range by the database clock, in the order of the ends', async () => {
    const { nowMs, ranges } = await store().listEndedKeys([
      { fromMs: 0, lagMs: 0 },
      { fromMs: 0, lagMs: 10_000 },
      { fromMs: Date.now() + MINUTE_MS, lagMs: 0 },
    ]);
    expect(nowMs).to.be.closeTo(Date.now(), 5_000);
    expect(ranges[0]).to.deep.equal(keys(ended));
    expect(ranges[1]).to.deep.equal(keys(ended.filter(({ finishedAtMs }) => finishedAtMs < nowMs - 10_000)));
    expect(ranges[1]?.length).to.be.within(1, 59);
    expect(ranges[2]).to.deep.equal([]);
  });

  it('counts what has ended in the state of a key behind it, without what ended at the given time or later', async () => {
    const [from, to] = [ended.find(({ state }) => state === 'failed') as EndedKey, ended[50] as EndedKey];
    const expected = ended.filter(
      (it) =>
        it !== from && it.state === 'failed' && inOrder(it, from) > 0 && it.finishedAtMs < to.finishedAtMs,
    );
    expect(await store().countEnded(from, to.finishedAtMs)).to.equal(expected.length);
    expect(expected.length).to.be.above(2);
  });

  it('finds executions that have ended in the order in which they are named, and no others', async () => {
    const open = aStart();
    await store().insertStarts([open]);
    const named = [ended[5], ended[2]].map((it) => it?.executionUuid ?? '');
    const found = await store().findEnded([randomUUID(), ...named, open.executionUuid]);
    expect(found.map(({ executionUuid }) => executionUuid)).to.deep.equal(named);
    expect(await store().findEnded([])).to.deep.equal([]);
  });

  const filters: readonly Partial<ExecutionFilter>[] = [
    {},
    { agentUuid },
    { states: ['failed', 'sending'] },
    { failureCodes: ['TIMEOUT'], webhookType: 'pre_call' },
    { agentUuid, degraded: true, rejected: false },
    { degraded: false },
    { rejected: true },
    { acceptedFromMs: 1, acceptedToMs: Date.now() + MINUTE_MS },
    { acceptedToMs: 1 },
    { conversationUuid: randomUUID() },
    { webhookUuid: randomUUID() },
    { webhookType: 'post_call' },
  ];
  for (const filter of filters)
    it(`lists what matches a filter by ${Object.keys(filter).join(' and ') || 'nothing'} page by page, each once, as the feed would match it`, async () => {
      const found: Execution[] = [];
      let place: EndedPlace | undefined = START;
      while (place !== undefined) {
        const page: Page<Execution, EndedPlace> = await store().listEnded({ ...ALL, ...filter }, 7, place);
        expect(page.items.length).to.be.at.most(7);
        found.push(...page.items);
        place = page.next;
      }
      const all = await store().findEnded(ended.map(({ executionUuid }) => executionUuid));
      expect(found).to.deep.equal(all.filter((execution) => matchesFilter(execution, { ...ALL, ...filter })));
      counts.push(found.length);
    });

  it('has filters that match all, some and none', () => {
    expect(counts).to.include.members([60, 15, 20, 45, 0]);
  });

  it('lists an execution that is committed later than others that ended after it', async () => {
    const [late, soon] = [aStart(), aStart()];
    await store().insertStarts([late, soon]);
    const fromMs = Date.now() + MINUTE_MS;
    const rangeTo = [{ fromMs, lagMs: -10 * MINUTE_MS }];
    const uuidsOf = async () =>
      (await store().listEndedKeys(rangeTo)).ranges[0]?.map(({ executionUuid }) => executionUuid);
    await store().recordOutcomes([anOutcome(soon, { durationMs: 3 * MINUTE_MS })]);
    expect(await uuidsOf()).to.deep.equal([soon.executionUuid]);
    await store().recordOutcomes([anOutcome(late, { durationMs: 2 * MINUTE_MS })]);
    expect(await uuidsOf()).to.deep.equal([late.executionUuid, soon.executionUuid]);
    await direct.use((session) =>
      session.change('DELETE FROM executions WHERE execution_uuid IN (?, ?)', [
        toBytes(late.executionUuid),
        toBytes(soon.executionUuid),
      ]),
    );
  });
});

describeEachEngine('many executions that have ended', (engine) => {
  let db: TestDatabase;
  const statements: { sql: string; durationMs: number }[] = [];
  const limit = engine.name === 'sqlite' ? 500 : 1_000;

  before(async function () {
    this.timeout(120_000);
    db = await openFresh(engine, { onStatement: (report) => statements.push(report) });
    await fillExecutions(db.fresh, 8_000);
  });
  after(() => db.close());

  it(`are read up to ${limit} keys of each state, and counted up to 20,000`, async () => {
    const { ranges, limit: read } = await db.database.executions.listEndedKeys([
      { fromMs: 0, lagMs: -MINUTE_MS },
    ]);
    expect(read).to.equal(limit);
    const succeeded = ranges[0]?.filter(({ state }) => state === 'succeeded') ?? [];
    expect(succeeded).to.have.length(limit);
    const first = succeeded[0] as EndedKey;
    const count = await db.database.executions.countEnded(first, Date.now() + MINUTE_MS);
    expect(count).to.be.within(limit, 20_000);
  });

  it('come in pages that read no more keys than that, of which each goes on behind the one before', async () => {
    const filter: ExecutionFilter = { ...ALL, agentUuid: randomUUID() };
    const first = await db.database.executions.listEnded(filter, 200, START);
    expect(first.items).to.deep.equal([]);
    const second = await db.database.executions.listEnded(filter, 200, first.next ?? START);
    expect(inOrder(first.next ?? START, second.next ?? START)).to.be.below(0);
  });

  it('are read row by row only until a page is full', async () => {
    statements.length = 0;
    const page = await db.database.executions.listEnded(ALL, 50, START);
    expect(page.items).to.have.length(50);
    expect(statements.filter(({ sql }) => sql.includes('FROM executions e'))).to.have.length(1);
  });
});
