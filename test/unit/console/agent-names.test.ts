import { expect } from 'chai';
import { CallhooksError } from '../../../src/errors.ts';
import { createAgentNames } from '../../../src/console/agent-names.ts';
import type { Viewer, ViewerApi } from '../../../src/console/viewer.ts';

const viewer = (role: Viewer['role']): Viewer => ({ name: undefined, role, formToken: '' });

/** Answers GetAgent with a name that is made of the id, and lists what was asked for. */
function fakeApi() {
  const asked: string[] = [];
  const call = (_method: unknown, { agentUuid }: { agentUuid: string }) => {
    asked.push(agentUuid);
    return agentUuid === 'gone'
      ? Promise.reject(new CallhooksError('AGENT_NOT_FOUND', 'not found'))
      : Promise.resolve({ agent: { displayName: agentUuid === 'nameless' ? '' : `name of ${agentUuid}` } });
  };
  return { asked, api: { call } as unknown as ViewerApi };
}

describe('createAgentNames', () => {
  it('reads each name once, and again after 30 s', async () => {
    let nowMs = 0;
    const names = createAgentNames(() => nowMs);
    const { asked, api } = fakeApi();
    const read = () => names.read(viewer('viewer'), api, ['a', 'b', 'a']);
    expect([...(await read())]).to.deep.equal([
      ['a', 'name of a'],
      ['b', 'name of b'],
    ]);
    await read();
    expect(asked).to.deep.equal(['a', 'b']);
    nowMs = 30_001;
    await read();
    expect(asked).to.deep.equal(['a', 'b', 'a', 'b']);
  });

  it('leaves out agents that are gone or have no name', async () => {
    const { api } = fakeApi();
    const names = await createAgentNames().read(viewer('admin'), api, ['gone', 'nameless', 'a']);
    expect([...names.keys()]).to.deep.equal(['a']);
  });

  it('tells no name to a role that may not read agents, also when it is known', async () => {
    const { asked, api } = fakeApi();
    const names = createAgentNames();
    await names.read(viewer('viewer'), api, ['a']);
    expect((await names.read(viewer('lifecycle'), api, ['a', 'b'])).size).to.equal(0);
    expect(asked).to.deep.equal(['a']);
  });

  it('looks up 20 agents at once, and the others later', async () => {
    const { asked, api } = fakeApi();
    const names = createAgentNames();
    const all = Array.from({ length: 50 }, (_, index) => `a${index}`);
    expect((await names.read(viewer('viewer'), api, all)).size).to.equal(20);
    expect((await names.read(viewer('viewer'), api, all)).size).to.equal(40);
    expect(asked).to.have.length(40);
  });

  it('remembers 1,000 names', async () => {
    const { asked, api } = fakeApi();
    const names = createAgentNames();
    for (let index = 0; index <= 1_000; index += 1) await names.read(viewer('viewer'), api, [`a${index}`]);
    await names.read(viewer('viewer'), api, ['a1000']);
    expect(asked).to.have.length(1_001);
    await names.read(viewer('viewer'), api, ['a0']);
    expect(asked).to.have.length(1_002);
  });

  it('asks once for each agent and for four at a time, however many pages wait for names', async () => {
    let open = 0;
    let most = 0;
    const asked: string[] = [];
    const call = async (_method: unknown, { agentUuid }: { agentUuid: string }) => {
      asked.push(agentUuid);
      open += 1;
      most = Math.max(most, open);
      await new Promise(setImmediate);
      open -= 1;
      return { agent: { displayName: `name of ${agentUuid}` } };
    };
    const names = createAgentNames();
    const all = Array.from({ length: 20 }, (_, index) => `a${index}`);
    const read = () => names.read(viewer('viewer'), { call } as unknown as ViewerApi, all);
    const pages = await Promise.all(Array.from({ length: 100 }, read));
    expect(pages.map(({ size }) => size)).to.deep.equal(Array(100).fill(20));
    expect(asked).to.have.length(20);
    expect(most).to.equal(4);
  });

  it('asks again for a name that could not be read just now', async () => {
    const { api } = fakeApi();
    const names = createAgentNames();
    const busy = {
      call: () => Promise.reject(new CallhooksError('LIMIT_REACHED', 'too many')),
    } as unknown as ViewerApi;
    expect((await names.read(viewer('viewer'), busy, ['a'])).size).to.equal(0);
    expect((await names.read(viewer('viewer'), api, ['a'])).size).to.equal(1);
  });
});
