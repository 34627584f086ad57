import { randomUUID } from 'node:crypto';
import { expect } from 'chai';
import { forgetMinutes } from '../../src/engine/minutes/forget-minutes.ts';
import type { MinuteRow } from '../../src/store/minute-store.ts';
import { describeEachEngine } from '../support/engines.ts';
import type { StatementReport } from '../../src/store/sql/connections.ts';
import { explain } from './plan.ts';
import { connectDirectly, openFresh, times, type TestDatabase } from './test-database.ts';

const MINUTE = 29_400_000;

describeEachEngine('the table of minutes', (engine) => {
  let db: TestDatabase;
  let seen: StatementReport[] = [];
  const store = () => db.database.minutes;
  beforeEach(async () => {
    db = await openFresh(engine, { onStatement: (report) => seen.push(report) });
  });
  afterEach(() => db.close());

  it('returns rows ordered by minute and writer, from a minute on and page by page', async () => {
    const rows = times(25, (at) => aRow({ minute: MINUTE + Math.floor(at / 5) }));
    await store().writeMinutes(rows);
    const wanted = rows
      .filter(({ minute }) => minute >= MINUTE + 2)
      .toSorted((a, b) => a.minute - b.minute || (a.writer < b.writer ? -1 : 1));
    const first = await store().listMinutes(1, MINUTE + 2, 7);
    const second = await store().listMinutes(1, MINUTE + 2, 7, first.at(-1));
    const third = await store().listMinutes(1, MINUTE + 2, 7, second.at(-1));
    expect([...first, ...second, ...third]).to.deep.equal(wanted);
  });

  it('keeps one row for each minute and writer: the one that was written last', async () => {
    const row = aRow();
    const other = aRow();
    await store().writeMinutes([row, other]);
    await store().writeMinutes([{ ...row, counts: '{"failures":{"DNS":2}}' }]);
    await store().writeMinutes([]);
    const found = await store().listMinutes(1, MINUTE, 10);
    expect(found).to.have.deep.members([{ ...row, counts: '{"failures":{"DNS":2}}' }, other]);
  });

  it('keeps the rows of a minute and of the quarter of an hour that begins with it apart', async () => {
    const minute = aRow();
    const quarter = { ...minute, span: 15, counts: '{"failures":{}}' } as const;
    await store().writeMinutes([minute, quarter]);
    expect(await store().listMinutes(1, MINUTE, 10)).to.deep.equal([minute]);
    expect(await store().listMinutes(15, MINUTE, 10)).to.deep.equal([quarter]);
    expect(await store().deleteMinutes(1, MINUTE + 1, 10)).to.equal(1);
    expect(await store().listMinutes(15, MINUTE, 10)).to.deep.equal([quarter]);
  });

  it('is read and shortened along its primary key', async () => {
    for (const span of [1, 15] as const)
      await store().writeMinutes(times(1_000, (at) => aRow({ span, minute: MINUTE - 15 * at })));
    seen = [];
    await store().listMinutes(1, MINUTE - 600, 100, { minute: MINUTE - 600, writer: randomUUID() });
    await store().deleteMinutes(1, MINUTE - 12_000, 100);
    const statements = seen.filter(({ sql }) => /FROM execution_minutes/.test(sql));
    expect(statements).to.have.length(3);
    const direct = connectDirectly(db.fresh);
    for (const { sql, values } of statements) {
      const plan = await direct.use((session) => explain(engine, session, sql, values));
      expect(plan.bad, sql).to.deep.equal([]);
      expect(plan.ways.join(), sql).to.match(/execution_minutes by (PRIMARY|primary key)/);
    }
    await direct.close();
  });

  it('takes counts with every kind of character', async () => {
    const row = aRow({ counts: JSON.stringify({ failures: { 'é🙂"\\\n%?\0': 1 } }) });
    await store().writeMinutes([row]);
    expect(await store().listMinutes(1, MINUTE, 1)).to.deep.equal([row]);
  });

  it('deletes the oldest rows step by step, and says when none is left', async () => {
    await store().writeMinutes(times(40, (at) => aRow({ minute: MINUTE + Math.floor(at / 4) })));
    expect(await store().deleteMinutes(1, MINUTE + 9, 10)).to.equal(12);
    expect(await store().deleteMinutes(1, MINUTE + 9, 100)).to.equal(24);
    expect(await store().deleteMinutes(1, MINUTE + 9, 100)).to.equal(0);
    expect(await store().listMinutes(1, 0, 100)).to.have.length(4);
  });

  it('forgets minutes after two hours, and quarters of an hour after 25 hours', async () => {
    await store().writeMinutes(times(300, (at) => aRow({ minute: MINUTE - 299 + at })));
    await store().writeMinutes(times(120, (at) => aRow({ span: 15, minute: MINUTE - 15 * (119 - at) })));
    await forgetMinutes(store(), (MINUTE + 0.5) * 60_000, () => false);
    const [oldest] = await store().listMinutes(1, 0, 1);
    const [oldestQuarter] = await store().listMinutes(15, 0, 1);
    expect([oldest?.minute, oldestQuarter?.minute]).to.deep.equal([MINUTE - 120, MINUTE - 1_500]);
    expect(await store().listMinutes(1, 0, 1_000)).to.have.length(121);
    expect(await store().listMinutes(15, 0, 1_000)).to.have.length(101);
  });
});

function aRow(change: Partial<MinuteRow> = {}): MinuteRow {
  return { span: 1, minute: MINUTE, writer: randomUUID(), counts: '{}', ...change };
}
