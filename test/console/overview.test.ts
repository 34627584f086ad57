import { expect } from 'chai';
import { startTestApp, type TestApp } from '../support/app.ts';
import { makeAgent, newCall, postTo, untilFinished, type CallAgent } from '../support/calls.ts';
import { sqliteEngine } from '../support/engines.ts';
import { startReceiver, type Receiver } from '../support/receiver.ts';
import { NOBODY } from '../support/samples.ts';
import { TOKEN_SETTINGS } from '../support/tokens.ts';
import { until } from '../support/until.ts';
import { consoleClient } from './support/console-client.ts';
import { expectPlainText, PLANTED, textOf } from './support/page-text.ts';

const EGRESS = { CALLHOOKS_EGRESS_ALLOW: '127.0.0.0/8' };

describe('The overview', () => {
  let app: TestApp;
  let endpoint: Receiver;
  let agent: CallAgent;

  before(async () => {
    app = await startTestApp(sqliteEngine()!, EGRESS);
    endpoint = await startReceiver();
  });
  after(async () => {
    await app.close();
    await endpoint.close();
  });

  const overview = async (query = '') => (await consoleClient(app.opsAddress).get(`/console${query}`)).body;
  /** Returns the overview once it shows what was counted last. Readers within two seconds share one count. */
  const overviewWith = async (text: string, query = '') => {
    let page = '';
    await until(`the overview to show ${text}`, async () =>
      textOf((page = await overview(query))).includes(text),
    );
    return page;
  };

  it('shows the calls that make a first agent and a first call, on an empty server', async () => {
    const page = await overview();
    expect(textOf(page)).to.include('There is no agent yet.');
    expect(page)
      .to.include('callhooks.v1.AgentAdmin/CreateAgent')
      .and.include('callhooks.v1.CallLifecycle/OnCallStart');
  });

  it('shows the call that starts a call of the first agent, before there was one', async () => {
    agent = await makeAgent(app.rpc, {
      pre: postTo(`${endpoint.url}/pre`),
      post: postTo(`${endpoint.url}/post`),
    });
    const { agentUuid } = agent;
    await app.rpc.agents.updateAgent({
      agent: { agentUuid, displayName: PLANTED },
      updateMask: ['display_name'],
    });
    const page = await overviewWith('Nothing has happened in the last day.');
    expect(page).to.include(`&quot;agent_uuid&quot;: &quot;${agent.agentUuid}&quot;`);
  });

  it('shows what executions came to, their durations, failing webhooks, failure codes and refusals', async () => {
    await app.rpc.calls.onCallStart(newCall(agent));
    endpoint.respond({ status: 500 });
    await app.rpc.calls.onCallStart(newCall(agent));
    const { execution } = await app.rpc.calls.onCallEnd(newCall(agent));
    await untilFinished(app.rpc, execution?.executionUuid);
    await app.rpc.calls.onCallStart(newCall({ agentUuid: NOBODY })).catch(() => undefined);
    // A refusal of the console itself is not counted.
    const { status } = await consoleClient(app.opsAddress).get(`/console/agents/${NOBODY}`);
    expect(status).to.equal(404);
    for (const query of ['', '?range=day']) {
      const page = await overviewWith('1 failed', query);
      const text = textOf(page);
      expect(text)
        .to.include('1 succeeded (33.3 %)')
        .and.include('1 degraded')
        .and.include('AGENT_NOT_FOUND 1');
      expect(text)
        .to.match(/HTTP_STATUS 2/)
        .and.to.match(/p50 \(half of 2\)/);
      expect(page).to.include(`/console/executions?webhook_uuid=${agent.pre?.webhookUuid}&amp;states=FAILED`);
      expect(page).to.match(/<title>\d\d:\d\d UTC: 3 \(1 succeeded, 1 degraded, 1 failed\)/);
    }
  });

  it('shows markup in the name of an agent as text', async () => {
    expectPlainText(await overviewWith('1 failed'));
  });

  it('has what its charts show in a table, too', async () => {
    const page = await overviewWith('1 failed');
    const table = page.slice(page.indexOf('<table class="steps"'));
    expect(textOf(table)).to.match(/From Executions succeeded degraded failed pre-call p50 pre-call p99/);
    expect(textOf(table)).to.match(/UTC 3 1 1 1 [\d.]+ m?s/);
  });

  it('is there for a token of each role', async () => {
    await app.restart({ ...EGRESS, ...TOKEN_SETTINGS });
    for (const role of ['viewer', 'lifecycle', 'admin'] as const) {
      const client = consoleClient(app.opsAddress);
      await client.logIn(role);
      const { status, body } = await client.get('/console');
      expect(status, role).to.equal(200);
      expect(textOf(body), role).to.include('1 failed');
    }
  });
});
