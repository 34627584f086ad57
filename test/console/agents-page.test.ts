import { randomUUID } from 'node:crypto';
import { expect } from 'chai';
import { startTestApp, type TestApp } from '../support/app.ts';
import { makeAgent, newCall, postTo, type CallAgent } from '../support/calls.ts';
import { sqliteEngine } from '../support/engines.ts';
import { startReceiver, type Receiver } from '../support/receiver.ts';
import { expectPlainText, PLANTED, textOf } from './support/page-text.ts';

describe('The pages of agents, and the search', () => {
  let app: TestApp;
  let receiver: Receiver;
  let agent: CallAgent;
  before(async () => {
    app = await startTestApp(sqliteEngine()!, { CALLHOOKS_EGRESS_ALLOW: '127.0.0.0/8' });
    receiver = await startReceiver(() => ({}));
  });
  after(async () => {
    await app.close();
    await receiver.close();
  });

  const get = async (path: string) => {
    const response = await fetch(`http://${app.opsAddress}${path}`, { redirect: 'manual' });
    const location = response.headers.get('location');
    return { status: response.status, html: await response.text(), location };
  };

  it('show the call that makes a first agent while there is none', async () => {
    const { html } = await get('/console/agents');
    expect(textOf(html))
      .to.include('There is no agent yet.')
      .and.to.include('callhooks.v1.AgentAdmin/CreateAgent');
  });

  describe('with an agent', () => {
    before(async () => {
      const pre = postTo(receiver.url, { note: PLANTED.replace('{{', '') });
      pre.apiSchema!.requestHeaders = { 'X-Api-Key': 'a-key-of-the-test' };
      const variables = { plain: 'text', planted: PLANTED, none: null, long: 'x'.repeat(500) };
      agent = await makeAgent(app.rpc, { pre, variables, secrets: { CRM_TOKEN: 'a-secret-of-the-test' } });
      await app.rpc.agents.updateAgent({
        agent: { agentUuid: agent.agentUuid, displayName: `Desk ${PLANTED}` },
        updateMask: ['display_name'],
      });
    });

    it('list it with its name and webhooks', async () => {
      const { html } = await get('/console/agents');
      expectPlainText(html);
      expect(textOf(html)).to.include(`${agent.agentUuid} enabled none 4 variables`);
    });

    it('show its variables, webhooks as JSON with masked headers, secret names and latest executions', async () => {
      const call = newCall(agent);
      await app.rpc.calls.onCallStart(call);
      const { html } = await get(`/console/agents/${agent.agentUuid}`);
      const text = textOf(html);
      expectPlainText(html);
      expect(text).to.include('plain "text"').and.to.include('none no default').and.to.include('CRM_TOKEN');
      expect(text).to.include('webhook_config as JSON').and.to.include('"X-Api-Key" : "••••••"');
      expect(text).to.include(call.conversationUuid);
      expect(html).not.to.include('a-key-of-the-test').and.not.to.include('a-secret-of-the-test');
      expect(html).to.include(`href="/console/try?webhook=${agent.pre!.webhookUuid}"`);
    });

    it('answer 404 for an agent that does not exist', async () => {
      expect((await get(`/console/agents/${randomUUID()}`)).status).to.equal(404);
    });

    it('find a conversation, an execution, an agent and a webhook by their ids', async () => {
      const call = newCall(agent);
      const { execution } = await app.rpc.calls.onCallStart(call);
      for (const [id, path] of [
        [call.conversationUuid, `/console/conversations/${call.conversationUuid}`],
        [execution!.executionUuid, `/console/executions/${execution!.executionUuid}`],
        [agent.agentUuid, `/console/agents/${agent.agentUuid}`],
        [agent.pre!.webhookUuid, `/console/agents/${agent.agentUuid}#webhook-${agent.pre!.webhookUuid}`],
      ] as const) {
        const typed = ` conversation=${id.toUpperCase()}, `;
        const { status, location } = await get(`/console/search?q=${encodeURIComponent(typed)}`);
        expect([status, location]).to.deep.equal([303, path]);
      }
    });

    it('find the conversation of a line of a log, whatever ids stand in front of it', async () => {
      const call = newCall(agent);
      await app.rpc.calls.onCallStart(call);
      const { html } = await get('/console/agents');
      const [, maxLength = ''] = /id="search"[^>]*maxlength="(\d+)"/.exec(html) ?? [];
      const line = `{"level":"info","time":"2026-11-28T12:00:00.000Z","instance":"callhooks-0","msg":"rpc","rpc":"callhooks.v1.CallLifecycle/OnCallStart","code":"OK","duration_ms":12.4,"request_id":"${randomUUID()}","agent_uuid":"${agent.agentUuid}","conversation_uuid":"${call.conversationUuid}"}`;
      const typed = line.slice(0, Number(maxLength));
      const { location } = await get(`/console/search?q=${encodeURIComponent(typed)}`);
      expect(location).to.equal(`/console/conversations/${call.conversationUuid}`);
    });

    it('say what an id looks like when none was typed, and why one may not be found', async () => {
      const none = await get(`/console/search?q=${encodeURIComponent(PLANTED)}`);
      expect(none.status).to.equal(404);
      expectPlainText(none.html);
      expect(textOf(none.html)).to.include('An id has 36 characters');
      const unknown = await get(`/console/search?q=${randomUUID()}`);
      expect(unknown.status).to.equal(404);
      expect(textOf(unknown.html)).to.include('Nothing has this id.');
      expect((await get('/console/search')).status).to.equal(200);
    });
  });
});
