import { expect } from 'chai';
import type { Agent } from '../../../src/domain/agent.ts';
import { createAgentCache } from '../../../src/engine/agent-cache.ts';

function agentOf(agentUuid: string, etag: string, displayName = ''): Agent {
  return {
    ...{ agentUuid, etag, displayName, dynamicVariables: {}, webhooks: [], sealedSecrets: {} },
    ...{ createdAtMs: 0, updatedAtMs: 0 },
  };
}

/** Makes a database whose reads the test answers, and a clock that the test moves. */
function createReads() {
  const reads: { agentUuid: string; answer: (agent?: Agent) => void; fail: (error: Error) => void }[] = [];
  const findAgent = (agentUuid: string): Promise<Agent | undefined> =>
    new Promise((resolve, reject) => {
      reads.push({ agentUuid, answer: resolve, fail: reject });
    });
  let nowMs = 0;
  const cacheOf = (maxBytes = 1_000_000) => createAgentCache({ findAgent }, maxBytes, () => nowMs);
  const pass = (ms: number): void => {
    nowMs += ms;
  };
  return { reads, cacheOf, pass };
}

describe('the agent cache', () => {
  it('answers from memory after a read, and shares a read that is under way', async () => {
    const { reads, cacheOf } = createReads();
    const cache = cacheOf();
    const both = [cache.read('a'), cache.read('a')];
    expect(reads).to.have.length(1);
    const agent = agentOf('a', '1');
    reads[0]?.answer(agent);
    expect(await Promise.all(both)).to.deep.equal([agent, agent]);
    expect(await cache.read('a')).to.equal(agent);
    expect(reads).to.have.length(1);
  });

  it('reads an agent again when it is a second old', async () => {
    const { reads, cacheOf, pass } = createReads();
    const cache = cacheOf();
    const first = cache.read('a');
    reads[0]?.answer(agentOf('a', '1'));
    await first;
    pass(1_000);
    const second = cache.read('a');
    expect(reads).to.have.length(2);
    reads[1]?.answer(agentOf('a', '2'));
    expect((await second)?.etag).to.equal('2');
  });

  it('counts the age from the beginning of a read', async () => {
    const { reads, cacheOf, pass } = createReads();
    const cache = cacheOf();
    const slow = cache.read('a');
    pass(950);
    reads[0]?.answer(agentOf('a', '1'));
    expect((await slow)?.etag).to.equal('1');
    void cache.read('a');
    expect(reads).to.have.length(2);
  });

  it('reads again when an agent was not found before', async () => {
    const { reads, cacheOf } = createReads();
    const cache = cacheOf();
    const first = cache.read('a');
    reads[0]?.answer();
    expect(await first).to.equal(undefined);
    const second = cache.read('a');
    reads[1]?.answer(agentOf('a', '1'));
    expect((await second)?.etag).to.equal('1');
  });

  it('drops an agent that a fresh read does not find', async () => {
    const { reads, cacheOf } = createReads();
    const cache = cacheOf();
    const first = cache.read('a');
    reads[0]?.answer(agentOf('a', '1'));
    await first;
    const fresh = cache.readFresh('a');
    reads[1]?.answer();
    expect(await fresh).to.equal(undefined);
    void cache.read('a');
    expect(reads).to.have.length(3);
  });

  it('keeps the result of a fresh read', async () => {
    const { reads, cacheOf } = createReads();
    const cache = cacheOf();
    const first = cache.read('a');
    reads[0]?.answer(agentOf('a', '1'));
    await first;
    const fresh = cache.readFresh('a');
    reads[1]?.answer(agentOf('a', '2'));
    expect((await fresh)?.etag).to.equal('2');
    expect((await cache.read('a'))?.etag).to.equal('2');
    expect(reads).to.have.length(2);
  });

  it('does not keep the result of a read that began before a change', async () => {
    const { reads, cacheOf } = createReads();
    const cache = cacheOf();
    const before = cache.read('a');
    cache.forget('a');
    // A caller after the change does not get the answer of the read before it.
    const after = cache.read('a');
    expect(reads).to.have.length(2);
    reads[1]?.answer(agentOf('a', '2'));
    expect((await after)?.etag).to.equal('2');
    reads[0]?.answer(agentOf('a', '1'));
    expect((await before)?.etag).to.equal('1');
    expect((await cache.read('a'))?.etag).to.equal('2');
  });

  it('keeps the result of the read that began last, in whatever order overlapping reads end', async () => {
    for (const order of [
      [0, 1, 2],
      [2, 1, 0],
      [1, 2, 0],
    ]) {
      const { reads, cacheOf, pass } = createReads();
      const cache = cacheOf();
      const all = [0, 1, 2].map(() => {
        pass(10);
        return cache.readFresh('a');
      });
      for (const at of order) {
        reads[at]?.answer(agentOf('a', String(at)));
        await all[at];
      }
      expect((await cache.read('a'))?.etag, order.join()).to.equal('2');
      expect(reads, order.join()).to.have.length(3);
    }
  });

  it('keeps a result although another read is always under way', async () => {
    const { reads, cacheOf, pass } = createReads();
    const cache = cacheOf();
    const first = cache.readFresh('a');
    for (let at = 0; at < 3; at += 1) {
      pass(10);
      void cache.readFresh('a');
      reads[at]?.answer(agentOf('a', String(at)));
      await first;
    }
    await new Promise((resolve) => setImmediate(resolve));
    expect((await cache.read('a'))?.etag).to.equal('2');
    expect(reads).to.have.length(4);
  });

  it('keeps the result of a younger read when an older read finds nothing', async () => {
    const { reads, cacheOf, pass } = createReads();
    const cache = cacheOf();
    const older = cache.readFresh('a');
    pass(10);
    const younger = cache.readFresh('a');
    reads[1]?.answer(agentOf('a', '1'));
    await younger;
    reads[0]?.answer();
    expect(await older).to.equal(undefined);
    expect((await cache.read('a'))?.etag).to.equal('1');
    expect(reads).to.have.length(2);
  });

  it('keeps no result of several reads that began before a change', async () => {
    const { reads, cacheOf } = createReads();
    const cache = cacheOf();
    const all = [cache.readFresh('a'), cache.readFresh('a')];
    reads[1]?.answer(agentOf('a', '1'));
    await all[1];
    cache.forget('a');
    reads[0]?.answer(agentOf('a', '1'));
    await all[0];
    void cache.read('a');
    expect(reads).to.have.length(3);
  });

  it('keeps the result of a read that was under way when the same agent had to make room', async () => {
    const { reads, cacheOf } = createReads();
    const cache = cacheOf(5_000);
    const a = cache.readFresh('a');
    reads[0]?.answer(agentOf('a', '1', 'x'.repeat(1_200)));
    await a;
    const again = cache.readFresh('a');
    const b = cache.readFresh('b');
    reads[2]?.answer(agentOf('b', '1', 'x'.repeat(1_200)));
    await b;
    reads[1]?.answer(agentOf('a', '2'));
    await again;
    expect((await cache.read('a'))?.etag).to.equal('2');
    expect(reads).to.have.length(3);
  });

  it('reads again after a read that failed', async () => {
    const { reads, cacheOf } = createReads();
    const cache = cacheOf();
    const failing = cache.read('a');
    reads[0]?.fail(new Error('away'));
    expect(await failing.catch((error: Error) => error.message)).to.equal('away');
    const again = cache.read('a');
    reads[1]?.answer(agentOf('a', '1'));
    expect((await again)?.etag).to.equal('1');
  });

  it('drops the agent that was read longest ago when the agents take too many bytes', async () => {
    const { reads, cacheOf } = createReads();
    // Each takes 2 bytes a character and about 1,000 besides.
    const cache = cacheOf(10_000);
    for (const [i, name] of ['a', 'b', 'c'].entries()) {
      const read = cache.read(name);
      reads[i]?.answer(agentOf(name, '1', 'x'.repeat(1_200)));
      await read;
    }
    await cache.read('c');
    await cache.read('b');
    expect(reads).to.have.length(3);
    void cache.read('a');
    expect(reads.map(({ agentUuid }) => agentUuid)).to.deep.equal(['a', 'b', 'c', 'a']);
  });

  for (const [what, parts] of Object.entries({
    'texts of variables': { dynamicVariables: { text: 'x'.repeat(50_000) } },
    'names of variables': { dynamicVariables: { ['x'.repeat(50_000)]: null } },
    'many small values': { dynamicVariables: { list: Array.from({ length: 10_000 }, () => 1) } },
    'sealed values': { sealedSecrets: { token: { keyId: 'k', sealed: 'x'.repeat(50_000) } } },
  }))
    it(`counts the bytes of ${what}`, async () => {
      const { reads, cacheOf } = createReads();
      const cache = cacheOf(80_000);
      const read = cache.read('a');
      reads[0]?.answer({ ...agentOf('a', '1'), ...parts });
      await read;
      void cache.read('a');
      expect(reads).to.have.length(2);
    });

  it('returns an agent that is larger than the whole cache, and does not keep it', async () => {
    const { reads, cacheOf } = createReads();
    const cache = cacheOf(1_000);
    const read = cache.read('a');
    reads[0]?.answer(agentOf('a', '1'));
    expect((await read)?.etag).to.equal('1');
    void cache.read('a');
    expect(reads).to.have.length(2);
  });
});
