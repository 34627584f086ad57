import { expect } from 'chai';
import { randomUUID } from 'node:crypto';
import {
  createExecutionWrites,
  type ExecutionWrites,
  type InsertOptions,
} from '../../src/engine/writes/execution-writes.ts';
import type { DatabaseError } from '../../src/errors.ts';
import type { ExecutionStore } from '../../src/store/execution-store.ts';
import type { InsertResult } from '../../src/store/write-batch.ts';
import { describeEachEngine } from '../support/engines.ts';
import { aClaim, anOutcome, aPostCall, aPostCallOutcome, aStart } from './samples.ts';
import { connectDirectly, openFresh, type TestDatabase, times } from './test-database.ts';

const MIB = 1024 * 1024;
const LARGE = 'x'.repeat(MIB);
// Five of them still fit into one transaction, whose rows may have 1 MiB together.
const TENTH = 'x'.repeat(MIB / 10);

// A text that the engine refuses, so that its row is bad.
const TOO_LONG = { text: 'i'.repeat(300), title: 'a text that is too long', kind: 'row' };
const REFUSED = {
  mariadb: TOO_LONG,
  mysql: TOO_LONG,
  // SQLite has no texts that are too long. It refuses a missing text, which only a bug can cause.
  sqlite: { text: null as unknown as string, title: 'a missing text', kind: 'bug' },
};

/** Returns the store, and records how many items each of its batches had. */
function listening(store: ExecutionStore) {
  const sizes: number[] = [];
  const write: ExecutionStore['write'] = (batch) => {
    sizes.push(Object.values(batch).flat().length);
    return store.write(batch);
  };
  return { store: { ...store, write }, sizes };
}

// Rows count as small, and no item is withdrawn, so that one transaction takes them all.
const SMALL = 0;
const PATIENT: InsertOptions = {
  ...{ mayBeWritten: true, withdrawAtMs: Infinity, giveUpAtMs: Infinity, isCancelled: () => false },
};

/** Returns the value of each promise, or the kind of its error. */
async function endings<T>(promises: readonly Promise<T>[]): Promise<(T | string)[]> {
  return (await Promise.allSettled(promises)).map((result) =>
    result.status === 'fulfilled' ? result.value : (result.reason as DatabaseError).kind,
  );
}

describeEachEngine('one batch', (engine) => {
  const refused = REFUSED[engine.name];
  let db: TestDatabase;
  let writes: ExecutionWrites;
  let sizes: readonly number[];
  const store = () => db.database.executions;

  beforeEach(async () => {
    db = await openFresh(engine);
    const heard = listening(store());
    ({ sizes } = heard);
    writes = createExecutionWrites({
      store: heard.store,
      maxConcurrentBatches: 1,
      onWriteBatch: () => undefined,
    });
  });
  afterEach(() => db.close());

  /** Returns the connections that the server has with this database. SQLite has the same one always. */
  const connections = async (): Promise<readonly unknown[]> => {
    if (engine.name === 'sqlite') return [];
    const direct = connectDirectly(db.fresh);
    const rows = await direct.use((session) =>
      session.rows(
        'SELECT id FROM information_schema.processlist WHERE db = DATABASE() AND id <> CONNECTION_ID()',
      ),
    );
    await direct.close();
    return rows.map(({ id }) => id);
  };

  /** Submits items in one turn of the event loop, so that one transaction takes them all. */
  const inOneBatch = async <T, R>(
    items: readonly T[],
    submit: (item: T) => Promise<R>,
  ): Promise<ReadonlyMap<T, R | string>> => {
    const results = await endings(items.map(submit));
    expect(sizes[0]).to.equal(items.length);
    return new Map(items.map((item, at) => [item, results[at] as R | string]));
  };

  const withoutLoss = async <T>(work: () => Promise<T>): Promise<T> => {
    await store().insertStarts([aStart()]);
    const before = await connections();
    const result = await work();
    expect(await connections()).to.include.members(before);
    expect((await store().insertStarts([aStart()]))[0]?.kind).to.equal('won');
    return result;
  };

  it(`of pre-calls with duplicates, ${refused.title} and large rows rejects only the bad row`, async () => {
    const normal = times(20, () => aStart());
    const large = times(5, () =>
      aStart({ start: { callerPhone: '', variables: { TENTH }, sources: { TENTH: 'request' } } }),
    );
    const rivals = times(4, () => randomUUID()).map((conversationUuid) =>
      times(4, () => aStart({ conversationUuid })),
    );
    const repeats = normal.slice(0, 3).map((start) => ({ ...start }));
    const bad = aStart({ instance: refused.text });
    const results = await withoutLoss(() =>
      inOneBatch<typeof bad, InsertResult>(
        [...normal, ...large, ...rivals.flat(), bad, ...repeats],
        (start) => writes.insertStart(start, PATIENT),
      ),
    );

    expect(results.get(bad)).to.equal(refused.kind);
    for (const start of [...normal, ...large, ...repeats])
      expect(results.get(start)).to.deep.nested.include({
        kind: 'won',
        'execution.executionUuid': start.executionUuid,
      });
    for (const starts of rivals) {
      const answers = starts.map((start) => results.get(start) as InsertResult);
      const kinds = answers.map(({ kind }) => kind);
      expect(kinds.toSorted()).to.deep.equal(['lost', 'lost', 'lost', 'won']);
      const winner = starts[kinds.indexOf('won')];
      for (const answer of answers)
        expect(answer).to.have.nested.property('execution.executionUuid', winner?.executionUuid);
    }
    for (const { conversationUuid, executionUuid, start } of [...normal, ...large])
      expect(await store().findStart(conversationUuid)).to.deep.nested.include({
        'execution.executionUuid': executionUuid,
        start,
      });
    expect(await store().findStart(bad.conversationUuid)).to.equal(undefined);
  }).timeout(20_000);

  it(`of post-calls with duplicates, ${refused.title} and large details rejects only the bad row`, async () => {
    const normal = times(20, () => aPostCall());
    const large = times(5, () => aPostCall({ details: { ...aPostCall().details, metadata: { TENTH } } }));
    const conversationUuid = randomUUID();
    const rivals = times(4, () => aPostCall({ conversationUuid }));
    const bad = aPostCall({ instance: refused.text });
    const results = await withoutLoss(() =>
      inOneBatch<typeof bad, InsertResult>([...normal, ...large, ...rivals, bad], (postCall) =>
        writes.insertPostCall(postCall, PATIENT),
      ),
    );

    expect(results.get(bad)).to.equal(refused.kind);
    for (const postCall of [...normal, ...large])
      expect(results.get(postCall)).to.deep.nested.include({
        kind: 'won',
        'execution.executionUuid': postCall.executionUuid,
      });
    for (const { executionUuid, details } of large)
      expect(await store().findDetails(executionUuid)).to.deep.equal(details);
    const kinds = rivals.map((postCall) => (results.get(postCall) as InsertResult).kind);
    expect(kinds.toSorted()).to.deep.equal(['lost', 'lost', 'lost', 'won']);
    expect(await store().findPostCall(bad.conversationUuid)).to.equal(undefined);
  }).timeout(20_000);

  it(`of claims of the same post-calls with ${refused.title} has one winner for each`, async () => {
    const postCalls = times(10, () => aPostCall());
    const [first, unclaimed] = [aPostCall(), aPostCall()];
    await store().insertPostCalls([...postCalls, first, unclaimed]);
    const rivals = postCalls.map((postCall) => times(3, () => aClaim(postCall)));
    const repeats = rivals.map(([claim]) => ({ ...(claim ?? aClaim(first)) }));
    const bad = { ...aClaim(unclaimed), instance: refused.text };
    const results = await withoutLoss(() =>
      inOneBatch([...rivals.flat(), bad, ...repeats], (claim) =>
        writes.claimPostCall(claim).then(({ kind }) => kind),
      ),
    );

    expect(results.get(bad)).to.equal(refused.kind);
    for (const [at, claims] of rivals.entries()) {
      const answers = claims.map((claim) => results.get(claim));
      expect(answers.toSorted()).to.deep.equal(['lost', 'lost', 'won']);
      expect(results.get(repeats[at] ?? bad), 'a repeat gets the same answer').to.equal(answers[0]);
    }
    expect(await store().findPostCall(unclaimed.conversationUuid)).to.include({ state: 'accepted' });
  });

  it(`of outcomes with duplicates, a foreign claim, ${refused.title} and 1 MiB bodies rejects only the bad row`, async () => {
    const starts = times(12, () => aStart());
    const [first, taken, spoiled] = [aStart(), aStart(), aStart()];
    const postCall = aPostCall();
    const claim = aClaim(postCall);
    await store().insertStarts([...starts, first, taken, spoiled]);
    await store().insertPostCalls([postCall]);
    await store().claimPostCalls([claim]);
    const response = {
      ...{ status: 200, headers: [], body: LARGE, bodyBinary: false, bodyBytes: MIB, truncated: false },
    };
    const owned = starts.map((start, at) => anOutcome(start, at < 5 ? { response } : {}));
    const repeats = owned.slice(3, 7).map((outcome) => ({ ...outcome }));
    const ofPostCall = aPostCallOutcome(postCall, claim.claim, { response });
    const foreign = anOutcome(taken, { claim: randomUUID() });
    const bad = anOutcome(spoiled, { webhookEtag: refused.text });
    const results = await withoutLoss(() =>
      inOneBatch([...owned, foreign, bad, ofPostCall, ...repeats], (outcome) =>
        writes.recordOutcome(outcome, SMALL),
      ),
    );

    expect(results.get(bad)).to.equal(refused.kind);
    expect(results.get(foreign)).to.equal('not_owner');
    for (const outcome of [...owned, ofPostCall, ...repeats])
      expect(results.get(outcome)).to.equal('recorded');
    for (const { executionUuid } of [...owned.slice(0, 5), ofPostCall])
      expect(await store().findExecution(executionUuid)).to.deep.nested.include({
        'execution.state': 'succeeded',
        'record.response': response,
      });
    for (const { executionUuid } of [taken, spoiled])
      expect(await store().isSending(executionUuid)).to.equal(true);
  }).timeout(20_000);
});
