import { expect } from 'chai';
import fc from 'fast-check';
import { createEndedExecutions } from '../../../../src/engine/ended-executions/ended-executions.ts';
import type { EndedUpdate } from '../../../../src/engine/ended-executions/watcher.ts';
import { type CallhooksError, DatabaseError } from '../../../../src/errors.ts';
import type { ExecutionFilter } from '../../../../src/store/execution-store.ts';
import { anEnded, createFakeClock, createFakeStore, settle, type FakeStore } from './fake-store.ts';

const ALL: ExecutionFilter = { states: [], failureCodes: [] };
const HOUR_MS = 3_600_000;

/** A reader of updates that a test lets read. */
interface Reader {
  readonly updates: readonly EndedUpdate[];
  uuids(): readonly string[];
  dropped(): number;
  /** Reads so many updates, and then no more. */
  read(count: number): void;
  readonly ended: Promise<unknown>;
  stop(): void;
}

function setUp(fake: FakeStore = createFakeStore()) {
  const clock = createFakeClock(fake);
  const errors: unknown[] = [];
  const feed = createEndedExecutions({
    store: fake.store,
    availableForMs: () => HOUR_MS,
    onError: (error) => errors.push(error),
    clock,
  });
  const watch = (filter: Partial<ExecutionFilter> = {}, fromMs?: number, canRead = Infinity): Reader => {
    const updates: EndedUpdate[] = [];
    const aborter = new AbortController();
    let left = canRead;
    let goOn: (() => void) | undefined;
    const run = async (): Promise<void> => {
      for await (const update of feed.watch({ ...ALL, ...filter }, fromMs, aborter.signal)) {
        updates.push(update);
        left -= 1;
        while (left <= 0 && !aborter.signal.aborted)
          await new Promise<void>((resolve) => {
            goOn = resolve;
          });
      }
    };
    return {
      updates,
      uuids: () => updates.flatMap(({ executions }) => executions.map(({ executionUuid }) => executionUuid)),
      dropped: () => updates.reduce((sum, { dropped }) => sum + dropped, 0),
      read: (count) => {
        left = count;
        goOn?.();
      },
      ended: run().then(
        () => undefined,
        (error: unknown) => error,
      ),
      stop: () => {
        aborter.abort();
        goOn?.();
      },
    };
  };
  const commit = (count: number, fromMs: number, change: Parameters<typeof anEnded>[1] = {}) => {
    const executions = Array.from({ length: count }, (_, at) => anEnded(fromMs + at, change));
    fake.commit(...executions);
    return executions.map(({ executionUuid }) => executionUuid);
  };
  return { fake, clock, feed, errors, watch, commit };
}

describe('createEndedExecutions', () => {
  it('tells a watcher at once from when it watches, and then each execution in the next second', async () => {
    const { fake, clock, watch, commit } = setUp();
    const beganMs = fake.nowMs;
    commit(1, beganMs - 500);
    const reader = watch();
    await settle();
    expect(reader.updates).to.deep.equal([{ executions: [], dropped: 0, finishedToMs: beganMs }]);
    const uuids = commit(3, beganMs + 100);
    await clock.pass(1_000);
    expect(reader.uuids()).to.deep.equal(uuids);
    reader.stop();
    expect(await reader.ended).to.equal(undefined);
  });

  it('tells nothing for 10 s if there is nothing, and then how far it has seen', async () => {
    const { fake, clock, watch } = setUp();
    const reader = watch();
    await clock.pass(9_500);
    expect(reader.updates).to.have.length(1);
    await clock.pass(10_000);
    expect(reader.updates).to.have.length(2);
    await clock.pass(10_000);
    expect(reader.updates.at(-1)).to.deep.include({ executions: [], dropped: 0 });
    expect(reader.updates.at(-1)?.finishedToMs).to.be.within(fake.nowMs - 20_000, fake.nowMs - 10_000);
    reader.stop();
  });

  it('reads once a second however many watch, and not at all when nobody does', async () => {
    const { fake, clock, feed, watch } = setUp();
    await clock.pass(5_000);
    expect(fake.calls).to.deep.equal([]);
    const readers = Array.from({ length: 50 }, () => watch());
    await clock.pass(5_000);
    expect(fake.calls).to.deep.equal(['nowMs', ...Array<string>(5).fill('listEndedKeys')]);
    expect(feed.watchers()).to.equal(50);
    for (const reader of readers) reader.stop();
    await settle();
    expect(feed.watchers()).to.equal(0);
    fake.calls.length = 0;
    await clock.pass(5_000);
    expect(fake.calls).to.deep.equal([]);
  });

  it('tells at most 200 executions a second, and how many more there were', async () => {
    const { fake, clock, feed, watch, commit } = setUp();
    const reader = watch();
    const failed = watch({ states: ['failed'] });
    await settle();
    const uuids = commit(350, fake.nowMs + 1);
    await clock.pass(1_000);
    expect(reader.uuids()).to.deep.equal(uuids.slice(0, 200));
    expect(reader.dropped()).to.equal(150);
    expect([failed.uuids(), failed.dropped()]).to.deep.equal([[], 0]);
    expect(feed.dropped()).to.equal(150);
    for (const each of [reader, failed]) each.stop();
  });

  it('counts what was not even read for those whose filter has its state', async () => {
    const { fake, clock, watch, commit } = setUp(createFakeStore(50));
    const [all, failed] = [watch(), watch({ states: ['failed'] })];
    await settle();
    commit(120, fake.nowMs + 1);
    await clock.pass(1_000);
    expect([all.uuids().length, all.dropped()]).to.deep.equal([50, 70]);
    expect([failed.uuids().length, failed.dropped()]).to.deep.equal([0, 0]);
    for (const each of [all, failed]) each.stop();
  });

  it('keeps one update for a watcher that does not read, and tells it what it has missed', async () => {
    const { fake, clock, watch, commit } = setUp();
    const slow = watch({}, undefined, 1);
    await settle();
    const first = commit(150, fake.nowMs + 1);
    await clock.pass(1_000);
    const second = commit(150, fake.nowMs + 1);
    await clock.pass(1_000);
    commit(150, fake.nowMs + 1);
    await clock.pass(60_000);
    slow.read(1);
    await clock.pass(1_000);
    expect(slow.uuids()).to.deep.equal([...first, ...second.slice(0, 50)]);
    expect(slow.dropped()).to.equal(250);
    slow.stop();
  });

  it('cuts an update at 256 KiB', async () => {
    const { fake, clock, watch } = setUp();
    const reader = watch();
    await settle();
    for (let at = 0; at < 10; at += 1)
      fake.commit(anEnded(fake.nowMs + at + 1, { rejectReason: 'x'.repeat(100_000) }));
    await clock.pass(1_000);
    expect([reader.uuids().length, reader.dropped()]).to.deep.equal([2, 8]);
    reader.stop();
  });

  it('tells the past page by page and in order, and goes on with the present without a gap or a repeat', async () => {
    const { fake, clock, watch, commit } = setUp();
    const past = commit(650, fake.nowMs - 60_000);
    const recent = commit(20, fake.nowMs - 3_000);
    const reader = watch({}, fake.nowMs - 60_000);
    const present: string[] = [];
    for (let second = 0; second < 20; second += 1) {
      present.push(...commit(3, fake.nowMs + 1));
      await clock.pass(1_000);
    }
    expect(reader.uuids().slice(0, 670)).to.deep.equal([...past, ...recent]);
    expect(reader.uuids()).to.have.members([...past, ...recent, ...present]);
    expect(new Set(reader.uuids()).size).to.equal(reader.uuids().length);
    expect(reader.dropped()).to.equal(0);
    expect(reader.updates.every(({ executions }) => executions.length <= 200)).to.equal(true);
    reader.stop();
  });

  it('tells what is committed late while the past is read', async () => {
    const { fake, clock, watch, commit } = setUp();
    const fromMs = fake.nowMs - 5_000;
    const other = watch();
    await clock.pass(3_000);
    const reader = watch({}, fromMs);
    await clock.pass(500);
    const late = commit(1, fake.nowMs - 1_200);
    await clock.pass(20_000);
    expect(reader.uuids()).to.deep.equal(late);
    for (const each of [reader, other]) each.stop();
  });

  for (const resuming of [1, 30])
    it(`tells or counts each execution when ${resuming} resume while 150 end in a second, until no more do`, async () => {
      const { fake, clock, feed, watch, commit } = setUp();
      const fromMs = fake.nowMs - 10_000;
      let committed = commit(1_000, fromMs).length;
      const readers = Array.from({ length: resuming }, () => watch({}, fromMs));
      for (let second = 0; second < 20; second += 1) {
        committed += commit(150, fake.nowMs + 1).length;
        await clock.pass(1_000);
      }
      await clock.pass(resuming * 10_000);
      for (const reader of readers) {
        expect(new Set(reader.uuids()).size).to.equal(reader.uuids().length);
        expect([reader.uuids().length, reader.dropped()]).to.deep.equal([committed, 0]);
        reader.stop();
      }
      expect(feed.dropped()).to.equal(0);
    }).timeout(30_000);

  it('tells 10,000 executions of the past at most, and counts the others', async () => {
    const { fake, clock, watch, commit } = setUp();
    commit(10_500, fake.nowMs - 60_000);
    const reader = watch({}, fake.nowMs - 60_000);
    await clock.pass(70_000);
    expect([reader.uuids().length, reader.dropped()]).to.deep.equal([10_000, 500]);
    const present = commit(1, fake.nowMs + 1);
    await clock.pass(1_000);
    expect(reader.uuids().at(-1)).to.equal(present[0]);
    reader.stop();
  });

  it('reads the past once a second for each, four times a second at most, and one page for many who resume together', async () => {
    const { fake, clock, watch, commit } = setUp();
    commit(5_000, fake.nowMs - 60_000);
    const one = watch({}, fake.nowMs - 60_000);
    const pages = () => fake.calls.filter((name) => name === 'listEnded').length;
    await clock.pass(4_999);
    expect(pages()).to.equal(5);
    const others = Array.from({ length: 20 }, () => watch({}, fake.nowMs - 60_000));
    fake.calls.length = 0;
    await clock.pass(10_000);
    expect(pages()).to.be.within(10, 20);
    const apart = [1, 2, 3, 4].map((hours) => watch({}, fake.nowMs - hours * HOUR_MS));
    fake.calls.length = 0;
    await clock.pass(5_000);
    expect(pages()).to.be.within(18, 21);
    for (const each of [one, ...others, ...apart]) each.stop();
  });

  it('tells a client that resumes at any moment every execution, whenever within 10 s of its end it was committed', async () => {
    const anyDelays = fc.array(fc.integer({ min: 0, max: 9_000 }), { minLength: 31, maxLength: 31 });
    const anyStops = fc.array(fc.integer({ min: 1, max: 15_000 }), { minLength: 2, maxLength: 5 });
    const property = fc.asyncProperty(anyDelays, anyStops, async (delays, stops) => {
      const { fake, clock, watch } = setUp();
      const told = new Set<string>();
      let fromMs = fake.nowMs;
      // 60 end in a second, and the pages of the past end among them.
      const ends = Array.from({ length: 1_200 }, (_, at) => ({
        execution: anEnded(fake.nowMs + Math.floor((1_000 / 60) * at)),
        delayMs: delays[at % delays.length] ?? 0,
      }));
      const commitDue = (): void => {
        for (const { execution, delayMs } of ends)
          if ((execution.finishedAtMs ?? 0) + delayMs < fake.nowMs) fake.commit(execution);
      };
      const passWithCommits = async (ms: number): Promise<void> => {
        for (let passedMs = 0; passedMs < ms; passedMs += 250) {
          commitDue();
          await clock.pass(250);
        }
      };
      for (const stopMs of [...stops, 90_000]) {
        const reader = watch({}, fromMs);
        await passWithCommits(stopMs);
        reader.stop();
        await reader.ended;
        for (const uuid of reader.uuids()) told.add(uuid);
        expect(new Set(reader.uuids()).size, 'repeats in one stream').to.equal(reader.uuids().length);
        fromMs = reader.updates.at(-1)?.finishedToMs ?? fromMs;
        await passWithCommits(stopMs);
      }
      expect([...told]).to.have.members(ends.map(({ execution }) => execution.executionUuid));
    });
    await fc.assert(property, { numRuns: 8 });
  }).timeout(30_000);

  for (const [markedForMs, agoMs] of [
    [20_000, 60_000],
    [3_000, 2_000],
    [3_000, 100],
  ] as const)
    it(`tells the outcome of a post-call that was marked interrupted for ${markedForMs} ms once, also if its request ended ${agoMs} ms before the watcher began`, async () => {
      const { fake, clock, watch } = setUp();
      const [live, failed, resumed] = [watch(), watch({ states: ['failed'] }), watch({}, fake.nowMs - 8_000)];
      await clock.pass(2_000);
      const marked = anEnded(fake.nowMs + 100, { state: 'interrupted', webhookType: 'post_call' });
      fake.commit(marked);
      await clock.pass(markedForMs);
      const outcome = {
        ...marked,
        state: 'succeeded',
        finishedAtMs: (live.updates[0]?.finishedToMs ?? 0) - agoMs,
      } as const;
      fake.commit(outcome);
      await clock.pass(20_000);
      for (const reader of [live, resumed]) {
        expect(reader.updates.flatMap(({ executions }) => executions)).to.deep.equal([marked, outcome]);
        const readTo = reader.updates.map(({ finishedToMs }) => finishedToMs);
        expect(readTo).to.deep.equal(readTo.toSorted((a, b) => a - b));
      }
      expect([failed.uuids(), failed.dropped()]).to.deep.equal([[], 0]);
      for (const each of [live, failed, resumed]) each.stop();
    });

  it('refuses the 101st watcher as LIMIT_REACHED', async () => {
    const { watch, feed } = setUp();
    const readers = Array.from({ length: 100 }, () => watch());
    const error = (await watch().ended) as CallhooksError;
    expect(error.reason).to.equal('LIMIT_REACHED');
    expect(error.details.retryAfterMs).to.be.above(0);
    expect(feed.watchers()).to.equal(100);
    for (const reader of readers) reader.stop();
  });

  it('ends all watchers as SHUTTING_DOWN when it stops, also those that read the past, and refuses others', async () => {
    const { fake, clock, feed, watch, commit } = setUp();
    commit(1_000, fake.nowMs - 60_000);
    const readers = [watch(), watch({}, fake.nowMs - 60_000)];
    await clock.pass(1_500);
    feed.stop();
    for (const reader of [...readers, watch()])
      expect(((await reader.ended) as CallhooksError).reason).to.equal('SHUTTING_DOWN');
    expect(feed.watchers()).to.equal(0);
  });

  it('keeps watchers while the database is away, and then tells what ended meanwhile', async () => {
    const { fake, clock, errors, watch, commit } = setUp();
    commit(400, fake.nowMs - 60_000);
    const [live, resumed] = [watch(), watch({}, fake.nowMs - 60_000)];
    await settle();
    fake.failure = new DatabaseError('away');
    await clock.pass(30_000);
    expect(errors).to.deep.equal([fake.failure]);
    const meanwhile = commit(5, fake.nowMs - 4_000);
    fake.failure = undefined;
    await clock.pass(10_000);
    expect(live.uuids()).to.deep.equal(meanwhile);
    expect(resumed.uuids()).to.have.length(405);
    for (const each of [live, resumed]) each.stop();
  });

  it('refuses a watcher while the database is away, and takes the next one when it is back', async () => {
    const { fake, watch } = setUp();
    fake.failure = new DatabaseError('away');
    expect(await watch().ended).to.equal(fake.failure);
    fake.failure = undefined;
    const reader = watch();
    await settle();
    expect(reader.updates).to.have.length(1);
    reader.stop();
  });

  it('gives the place of a watcher to others as soon as its signal is aborted, also if its reader never asks again', async () => {
    const { feed } = setUp();
    const aborter = new AbortController();
    const updates = feed.watch(ALL, undefined, aborter.signal)[Symbol.asyncIterator]();
    await updates.next();
    expect(feed.watchers()).to.equal(1);
    aborter.abort();
    await settle();
    expect(feed.watchers()).to.equal(0);
  });

  it('reads the past of a watcher at once after others that wanted theirs have left', async () => {
    const { fake, clock, watch, commit } = setUp();
    const past = commit(20, fake.nowMs - 60_000);
    const others = Array.from({ length: 80 }, () => watch({}, fake.nowMs - 60_000));
    await settle();
    for (const other of others) other.stop();
    await settle();
    const reader = watch({}, fake.nowMs - 60_000);
    await clock.pass(1_000);
    expect(reader.uuids()).to.deep.equal(past);
    reader.stop();
  });

  it('says how far it has read while nothing of the past matches, at least every 10 s', async () => {
    const { fake, clock, watch, commit } = setUp(createFakeStore(50));
    const fromMs = fake.nowMs - HOUR_MS;
    commit(3_000, fromMs);
    const reader = watch({ agentUuid: 'agent-2' }, fromMs);
    await clock.pass(31_000);
    expect(reader.updates.length).to.be.within(4, 5);
    expect(reader.updates.at(-1)?.finishedToMs).to.be.above(fromMs + 1_000);
    expect(reader.updates.at(-1)?.finishedToMs).to.be.below(fromMs + 2_000);
    reader.stop();
  });

  it('tells watchers what ends after the clock of the database has stepped back', async () => {
    const { fake, clock, watch, commit } = setUp();
    const reader = watch();
    await clock.pass(15_000);
    fake.nowMs -= HOUR_MS;
    await clock.pass(1_000);
    const uuids = commit(1, fake.nowMs + 100);
    await clock.pass(11_000);
    expect(reader.uuids()).to.deep.equal(uuids);
    expect(reader.updates.at(-1)?.finishedToMs).to.be.at.most(fake.nowMs);
    reader.stop();
  });

  it('tells a client that resumes from a time in the future what ends from now on', async () => {
    const { fake, clock, watch, commit } = setUp();
    const reader = watch({}, fake.nowMs + HOUR_MS);
    await settle();
    const uuids = commit(2, fake.nowMs + 1);
    await clock.pass(1_000);
    expect(reader.uuids()).to.deep.equal(uuids);
    expect(reader.updates[0]?.finishedToMs).to.be.below(fake.nowMs);
    reader.stop();
  });

  it('brings 100 clients that resume at once to the present within a minute', async function () {
    this.timeout(60_000);
    const { fake, clock, watch, commit } = setUp();
    const fromMs = fake.nowMs - 20_000;
    const all: string[] = commit(1_000, fromMs);
    const readers = Array.from({ length: 100 }, (_, at) =>
      watch(at % 2 === 0 ? {} : { agentUuid: 'agent-2' }, fromMs + at),
    );
    for (let second = 0; second < 60; second += 1) {
      all.push(...commit(50, fake.nowMs + 1));
      await clock.pass(1_000);
    }
    expect(new Set(readers[0]?.uuids())).to.deep.equal(new Set(all));
    expect(readers[98]?.uuids().at(-1)).to.equal(all.at(-1));
    expect(readers.reduce((sum, reader) => sum + reader.dropped(), 0)).to.equal(0);
    for (const reader of readers) reader.stop();
  });
});
