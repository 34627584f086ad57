import { randomUUID } from 'node:crypto';
import { expect } from 'chai';
import { startTestApp, type TestApp } from '../support/app.ts';
import { makeAgent, newCall, postTo, untilFinished } from '../support/calls.ts';
import { sqliteEngine } from '../support/engines.ts';
import { startReceiver, type Receiver } from '../support/receiver.ts';
import { expectPlainText, PLANTED, textOf } from './support/page-text.ts';

describe('The pages of an execution and of a conversation', () => {
  let app: TestApp;
  let receiver: Receiver;
  before(async () => {
    app = await startTestApp(sqliteEngine()!, { CALLHOOKS_EGRESS_ALLOW: '127.0.0.0/8' });
    receiver = await startReceiver(({ url }) => {
      if (url.startsWith('/500')) return { status: 500, body: PLANTED, headers: { 'x-note': PLANTED } };
      if (url.startsWith('/planted')) return { body: { [PLANTED]: PLANTED, value: PLANTED } };
      if (url.startsWith('/reject')) return { status: 403, body: { reason: PLANTED } };
      return { body: { customer: { full_name: 'Ada', plan: 'gold', id: 1 }, total: 1.5 } };
    });
  });
  after(async () => {
    await app.close();
    await receiver.close();
  });

  const get = async (path: string) => {
    const response = await fetch(`http://${app.opsAddress}${path}`);
    return { status: response.status, html: await response.text() };
  };
  const call = async (
    path: string,
    {
      more = {},
      variables = {},
      url = receiver.url,
    }: { more?: object; variables?: object; url?: string } = {},
  ) => {
    const pre = postTo(`${url}${path}`, { phone: '{{caller_phone}}', note: '{{note}}' }, more);
    pre.apiSchema!.requestHeaders = { Authorization: 'Bearer {{secret.CRM}}' };
    const agent = await makeAgent(app.rpc, {
      variables: { name: 'there', note: null, ...variables },
      pre,
      secrets: { CRM: 'a-secret-of-the-test' },
    });
    const ids = { ...newCall(agent), callerPhone: '+14155550123' };
    const { execution } = await app.rpc.calls.onCallStart(ids);
    return { ...ids, agent, executionUuid: execution?.executionUuid ?? '' };
  };
  const assign = (attributeName: string) => ({ assignments: [{ attributeName, dynamicVariable: 'name' }] });

  it('says why the bot did not know her name: the outcome, the variable, and the nearest keys', async () => {
    const { executionUuid } = await call('/', { more: assign('customer.fullname') });
    const { status, html } = await get(`/console/executions/${executionUuid}`);
    const text = textOf(html);
    expect(status).to.equal(200);
    expect(text).to.include('The endpoint answered, but 1 assignment took no value.');
    expect(text).to.include(
      'name "there" the default of the agent its assignment from customer.fullname took no value',
    );
    expect(text).to.include('customer.fullname name It is not in the response.');
    expect(text).to.include('customer is an object with the keys full_name');
    expect(text.indexOf('took no value')).to.be.below(text.indexOf('Variables'));
  });

  it('says where a value came from when it was assigned', async () => {
    const { executionUuid } = await call('/', { more: assign('customer.full_name') });
    const { html } = await get(`/console/executions/${executionUuid}`);
    expect(textOf(html)).to.include('name "Ada" the response: customer.full_name');
  });

  it('shows a failure, the decision, and the setting that made it', async () => {
    const { executionUuid } = await call('/500');
    const text = textOf((await get(`/console/executions/${executionUuid}`)).html);
    expect(text).to.include('FAILED HTTP_STATUS :').and.to.include('Setting: failure_policy');
    expect(text).to.include('The endpoint has seen the request: it answered.');
  });

  it('shows the request with masked secrets, and both as commands for a shell', async () => {
    const { executionUuid } = await call('/');
    const { html } = await get(`/console/executions/${executionUuid}`);
    expect(html).not.to.include('a-secret-of-the-test');
    const text = textOf(html);
    expect(text).to.include('"phone" : "+14155550123"');
    expect(text).to.match(/authorization [^,]{0,20}••••••/i);
    expect(text).to.include('${SECRET_AUTHORIZATION:?}').and.to.include('ExecutionLog/GetExecution');
  });

  it('draws the phases, and says the same in a table', async () => {
    const { executionUuid } = await call('/');
    const { html } = await get(`/console/executions/${executionUuid}`);
    expect(html).to.match(/<svg class="phases"[^>]*aria-label="Phases: queued [\d.]+ m?s, /);
    expect(textOf(html)).to.match(/first byte [\d.]+ m?s from the request until the response head/);
  });

  it('says that the webhook was changed since, and later that it is gone', async () => {
    const { executionUuid, agent } = await call('/');
    const page = async () => textOf((await get(`/console/executions/${executionUuid}`)).html);
    expect(await page()).to.include('the same');
    const webhook = { webhookUuid: agent.pre!.webhookUuid, disabled: true };
    await app.rpc.webhooks.updateWebhook({ webhook, updateMask: ['disabled'] });
    expect(await page())
      .to.include('changed since')
      .and.to.include('and it is disabled');
    await app.rpc.webhooks.deleteWebhook({ webhookUuid: agent.pre!.webhookUuid });
    expect(await page())
      .to.include('The webhook was deleted later.')
      .and.not.to.include('Try it');
    await app.rpc.agents.deleteAgent({ agentUuid: agent.agentUuid });
    expect(await page()).to.include('The agent was deleted later.');
  });

  it('shows the start and the end of a call on one page, in this order', async () => {
    const agent = await makeAgent(app.rpc, { pre: postTo(receiver.url), post: postTo(receiver.url) });
    const ids = newCall(agent);
    await app.rpc.calls.onCallStart(ids);
    const { execution } = await app.rpc.calls.onCallEnd(ids);
    await untilFinished(app.rpc, execution?.executionUuid);
    const { html } = await get(`/console/conversations/${ids.conversationUuid}`);
    expect(html.match(/<h2>(?:Start|End) of the call<\/h2>/g)).to.deep.equal([
      '<h2>Start of the call</h2>',
      '<h2>End of the call</h2>',
    ]);
    expect(textOf(html)).not.to.include('on record:');
  });

  it('says why the end of a call may be missing', async () => {
    const { conversationUuid } = await call('/');
    const { html } = await get(`/console/conversations/${conversationUuid}`);
    expect(textOf(html)).to.include('There is no post-call on record: OnCallEnd was not called');
  });

  it('answers 404 for what is not on record, and 400 for what is no id', async () => {
    const missing = await get(`/console/executions/${randomUUID()}`);
    expect(missing.status).to.equal(404);
    expect(textOf(missing.html)).to.match(/There is no execution [0-9a-f-]{36}\. It may have been deleted/);
    expect(missing.html).to.include('href="/console/executions">All executions');
    expect((await get('/console/executions/42')).status).to.equal(400);
    const { status, html } = await get(`/console/conversations/${randomUUID()}`);
    expect(status).to.equal(404);
    expect(textOf(html)).to.include('retention has removed it');
    expect((await get('/console/conversations/42')).status).to.equal(400);
  });

  for (const path of ['/500', '/planted', '/reject'])
    it(`shows HTML that was planted into a call to ${path} as text`, async () => {
      const variables = { note: PLANTED, other: { [PLANTED]: PLANTED } };
      const rejection = { httpStatuses: [403], reasonAttributeName: 'reason' };
      const more = { ...assign(`["${PLANTED.replaceAll('"', '')}"]`), rejection };
      const url = `${receiver.url}${path}?q=${encodeURIComponent(PLANTED)}`;
      const { executionUuid, conversationUuid } = await call('', { more, variables, url });
      expectPlainText((await get(`/console/executions/${executionUuid}`)).html);
      expectPlainText((await get(`/console/conversations/${conversationUuid}`)).html);
    });

  it('says of a request that it was not sent', async () => {
    const { executionUuid } = await call('/', { url: 'http://127.0.0.1:1' });
    const { html } = await get(`/console/executions/${executionUuid}`);
    expect(textOf(html)).to.include('CONNECT').and.to.include('Request (not sent)');
  });

  it('links to no agent that was deleted', async () => {
    const { executionUuid, conversationUuid, agent } = await call('/');
    await app.rpc.agents.deleteAgent({ agentUuid: agent.agentUuid });
    for (const path of [`executions/${executionUuid}`, `conversations/${conversationUuid}`]) {
      const { html } = await get(`/console/${path}`);
      expect(textOf(html)).to.include(`${agent.agentUuid} (deleted since)`);
      expect(html).not.to.include('href="/console/agents/');
    }
  });

  it('says why a conversation may have no executions, and leads on', async () => {
    const conversationUuid = randomUUID();
    const { status, html } = await get(`/console/conversations/${conversationUuid}`);
    expect(status).to.equal(404);
    expect(textOf(html)).to.include(`${conversationUuid} There is no execution for this conversation.`);
    expect(html).to.include('href="/console/executions">All executions');
  });

  it('says of a report that never began that no revision of its webhook has run', async () => {
    const agent = await makeAgent(app.rpc, { post: postTo(receiver.url) });
    const stalled = await startReceiver(() => new Promise(() => {}));
    const webhookConfig = postTo(stalled.url, {}, { responseTimeoutSecs: 60 });
    await app.rpc.webhooks.updateWebhook({
      webhook: { webhookUuid: agent.post!.webhookUuid, webhookConfig },
      updateMask: ['webhook_config'],
    });
    const reports = await Promise.all(
      Array.from({ length: 40 }, () => app.rpc.calls.onCallEnd({ ...newCall(agent) })),
    );
    const last = reports.at(-1)!.execution!.executionUuid;
    const { html } = await get(`/console/executions/${last}`);
    expect(textOf(html))
      .to.include('It has not begun, so no revision has run.')
      .and.to.include('Load this page again to see how it ends.')
      .and.not.to.include('changed');
    await stalled.close();
  });
});
