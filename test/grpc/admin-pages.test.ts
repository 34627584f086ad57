import { expect } from 'chai';
import type * as pb from '../../src/gen/index.callhooks.v1.ts';
import { startTestApp, type TestApp } from '../support/app.ts';
import { describeEachEngine } from '../support/engines.ts';
import { errorOf, type Partially } from '../support/rpc.ts';
import { configOf, NOBODY, POST_CALL, PRE_CALL, webhookOf } from '../support/samples.ts';

interface Page<T> {
  readonly items: readonly T[];
  readonly nextPageToken: string;
}

/** Reads a list to its end, and returns the pages. */
async function allPages<T>(read: (pageToken: string) => Promise<Page<T>>): Promise<(readonly T[])[]> {
  const pages: (readonly T[])[] = [];
  let pageToken = '';
  do {
    const page = await read(pageToken);
    pages.push(page.items);
    pageToken = page.nextPageToken;
  } while (pageToken !== '');
  return pages;
}

describeEachEngine('The pages of ListAgents and ListWebhooks', (engine) => {
  let app: TestApp;
  const made: pb.Agent[] = [];
  before(async () => {
    app = await startTestApp(engine);
    const create = async (agent: Partially<pb.Agent>) =>
      made.push((await app.rpc.agents.createAgent({ agent, secrets: { s: '1' } })).agent as pb.Agent);
    for (let i = 0; i < 60; i += 1) {
      const webhooks = i % 2 === 0 ? [webhookOf(PRE_CALL), webhookOf(POST_CALL)] : [];
      await create({ displayName: `agent ${i}`, dynamicVariables: { i }, webhooks });
    }
    made.sort((a, b) => (a.agentUuid < b.agentUuid ? -1 : 1));
  });
  after(() => app.close());

  const listAgents = async (pageSize: number, pageToken: string) => {
    const { agents: items, nextPageToken } = await app.rpc.agents.listAgents({ pageSize, pageToken });
    return { items, nextPageToken };
  };
  const listWebhooks = async (agentUuid: string, pageSize: number, pageToken: string) => {
    const { webhooks: items, nextPageToken } = await app.rpc.webhooks.listWebhooks({
      agentUuid,
      pageSize,
      pageToken,
    });
    return { items, nextPageToken };
  };

  const sizes: [string, number, number[]][] = [
    ['50 for a page_size of 0', 0, [50, 10]],
    ['25 for 25', 25, [25, 25, 10]],
    ['30 for 30, and the last page is just full', 30, [30, 30]],
    ['200 for more than 200', 2_147_483_647, [60]],
    ['1 for 1', 1, Array<number>(60).fill(1)],
  ];
  for (const [title, pageSize, expected] of sizes) {
    it(`have at most ${title}, and all agents, each once, in the order of their UUIDs`, async () => {
      const pages = await allPages((token) => listAgents(pageSize, token));
      expect(pages.map((page) => page.length)).to.deep.equal(expected);
      expect(pages.flat()).to.deep.equal(made);
    });
  }

  it('have every webhook once, in the order of their UUIDs', async () => {
    const pages = await allPages((token) => listWebhooks('', 7, token));
    const wanted = made.flatMap(({ webhooks }) => webhooks);
    wanted.sort((a, b) => (a.webhookUuid < b.webhookUuid ? -1 : 1));
    expect(pages.flat()).to.deep.equal(wanted);
    expect(pages.slice(0, -1).every((page) => page.length === 7)).to.equal(true);
  });

  it('have the webhooks of one agent only when its agent_uuid is given', async () => {
    const agent = made.find(({ webhooks }) => webhooks.length === 2) as pb.Agent;
    const pages = await allPages((token) => listWebhooks(agent.agentUuid.toUpperCase(), 1, token));
    expect(pages.map((page) => page.length)).to.deep.equal([1, 1]);
    expect(pages.flat()).to.have.deep.members(agent.webhooks);
    expect(await listWebhooks(NOBODY, 0, '')).to.deep.equal({ items: [], nextPageToken: '' });
  });

  it('have tokens that another list, or another filter, refuses', async () => {
    const { nextPageToken: ofAgents } = await listAgents(1, '');
    const { nextPageToken: ofWebhooks } = await listWebhooks('', 1, '');
    const refused = [
      listWebhooks('', 1, ofAgents),
      listAgents(1, ofWebhooks),
      listWebhooks(made[0]?.agentUuid ?? '', 1, ofWebhooks),
      app.rpc.executions.listExecutions({ pageToken: ofAgents }),
    ];
    for (const list of refused) expect((await errorOf(list)).fields).to.deep.equal(['page_token']);
  });

  it('go on after the last item of a page was deleted', async () => {
    const { items, nextPageToken } = await listAgents(10, '');
    const last = items.at(-1) as pb.Agent;
    await app.rpc.agents.deleteAgent({ agentUuid: last.agentUuid });
    made.splice(9, 1);
    const rest = await allPages((token) => listAgents(50, token === '' ? nextPageToken : token));
    expect(rest.flat()).to.deep.equal(made.slice(9));
  });

  it('end at 1 MiB, and have every item', async () => {
    const text = 'x'.repeat(60 * 1024);
    const webhooks = [
      webhookOf(PRE_CALL, configOf({ requestBody: text })),
      webhookOf(POST_CALL, configOf({ requestBody: text })),
    ];
    for (let i = 0; i < 25; i += 1) await app.rpc.agents.createAgent({ agent: { webhooks } });
    const pages = await allPages((token) => listAgents(200, token));
    expect(pages.flat()).to.have.length(made.length + 25);
    expect(pages.length).to.be.within(3, 6);
    const bytes = pages.map((page) => JSON.stringify(page).length);
    expect(Math.max(...bytes)).to.be.below(1024 * 1024 * 1.01);
    const webhookPages = await allPages((token) => listWebhooks('', 200, token));
    expect(webhookPages.length).to.be.within(3, 6);
  });
});
