import { randomUUID } from 'node:crypto';
import { expect } from 'chai';
import { forgetMinutes } from '../../src/engine/minutes/forget-minutes.ts';
import type { MinuteRow } from '../../src/store/minute-store.ts';
import { describeEachEngine } from '../support/engines.ts';
import { openFresh, times, type TestDatabase } from './test-database.ts';

const MINUTE = 29_400_000;

describeEachEngine('the table of minutes', (engine) => {
  let db: TestDatabase;
  const store = () => db.database.minutes;
  beforeEach(async () => {
    db = await openFresh(engine);
  });
  afterEach(() => db.close());

  it('returns rows ordered by minute and writer, from a minute on and page by page', async () => {
    const rows = times(25, (at) => aRow({ minute: MINUTE + Math.floor(at / 5) }));
    await store().writeMinutes(rows);
    const wanted = rows
      .filter(({ minute }) => minute >= MINUTE + 2)
      .toSorted((a, b) => a.minute - b.minute || (a.writer < b.writer ? -1 : 1));
    const first = await store().listMinutes(MINUTE + 2, 7);
    const second = await store().listMinutes(MINUTE + 2, 7, first.at(-1));
    const third = await store().listMinutes(MINUTE + 2, 7, second.at(-1));
    expect([...first, ...second, ...third]).to.deep.equal(wanted);
  });

  it('keeps one row for each minute and writer: the one that was written last', async () => {
    const row = aRow();
    const other = aRow();
    await store().writeMinutes([row, other]);
    await store().writeMinutes([{ ...row, counts: '{"failures":{"DNS":2}}' }]);
    await store().writeMinutes([]);
    const found = await store().listMinutes(MINUTE, 10);
    expect(found).to.have.deep.members([{ ...row, counts: '{"failures":{"DNS":2}}' }, other]);
  });

  it('takes counts with every kind of character', async () => {
    const row = aRow({ counts: JSON.stringify({ failures: { 'é🙂"\\\n%?\0': 1 } }) });
    await store().writeMinutes([row]);
    expect(await store().listMinutes(MINUTE, 1)).to.deep.equal([row]);
  });

  it('deletes the oldest rows step by step, and says when none is left', async () => {
    await store().writeMinutes(times(40, (at) => aRow({ minute: MINUTE + Math.floor(at / 4) })));
    expect(await store().deleteMinutes(MINUTE + 9, 10)).to.equal(12);
    expect(await store().deleteMinutes(MINUTE + 9, 100)).to.equal(24);
    expect(await store().deleteMinutes(MINUTE + 9, 100)).to.equal(0);
    expect(await store().listMinutes(0, 100)).to.have.length(4);
  });

  it('forgets all that is older than 25 hours, and nothing else', async () => {
    await store().writeMinutes(times(1_000, (at) => aRow({ minute: MINUTE - 1_600 + at })));
    await forgetMinutes(store(), (MINUTE + 0.5) * 60_000, () => false);
    const [oldest] = await store().listMinutes(0, 1);
    expect(oldest?.minute).to.equal(MINUTE - 1_500);
  });
});

function aRow(change: Partial<MinuteRow> = {}): MinuteRow {
  return { minute: MINUTE, writer: randomUUID(), counts: '{}', ...change };
}
