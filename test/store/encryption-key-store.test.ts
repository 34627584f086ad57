import { expect } from 'chai';
import { describeEachEngine } from '../support/engines.ts';
import { openFresh, type TestDatabase } from './test-database.ts';

describeEachEngine('sealed values', (engine) => {
  let db: TestDatabase;
  before(async () => {
    db = await openFresh(engine);
  });
  after(() => db.close());

  it('keep the first check value of a key', async () => {
    const { sealed } = db.database;
    expect(await sealed.findKeyCheck('k1')).to.equal(undefined);
    await sealed.insertKeyCheck({ keyId: 'k1', sealed: 'Zmlyc3Q=' });
    await sealed.insertKeyCheck({ keyId: 'k1', sealed: 'c2Vjb25k' });
    expect(await sealed.findKeyCheck('k1')).to.deep.equal({ keyId: 'k1', sealed: 'Zmlyc3Q=' });
    expect(await sealed.findKeyCheck('K1')).to.equal(undefined);
  });
});
