import { expect } from 'chai';
import { startTestApp, type TestApp } from '../support/app.ts';
import { sqliteEngine } from '../support/engines.ts';
import { startReceiver, type Receiver } from '../support/receiver.ts';
import { configOf, PRE_CALL, webhookOf } from '../support/samples.ts';
import { TOKEN_SETTINGS, TOKENS, withToken } from '../support/tokens.ts';
import { newCall } from '../support/calls.ts';
import { consoleClient } from './support/console-client.ts';
import { textOf } from './support/page-text.ts';

describe('The pages for readers, on a server with tokens', () => {
  let app: TestApp;
  let endpoint: Receiver;
  let paths = { execution: '', conversation: '', agent: '' };
  before(async () => {
    app = await startTestApp(sqliteEngine()!, { ...TOKEN_SETTINGS, CALLHOOKS_EGRESS_ALLOW: '127.0.0.0/8' });
    endpoint = await startReceiver();
    const webhooks = [webhookOf(PRE_CALL, configOf({ url: endpoint.url }))];
    const { agent } = await app.rpc.agents.createAgent(
      { agent: { displayName: 'Front desk', webhooks } },
      withToken(TOKENS.admin),
    );
    const call = newCall({ agentUuid: agent?.agentUuid ?? '' });
    const { execution } = await app.rpc.calls.onCallStart(call, withToken(TOKENS.lifecycle));
    paths = {
      execution: `/console/executions/${execution?.executionUuid}`,
      conversation: `/console/conversations/${call.conversationUuid}`,
      agent: `/console/agents/${call.agentUuid}`,
    };
  });
  after(async () => {
    await app.close();
    await endpoint.close();
  });

  const readAs = async (role: keyof typeof TOKENS) => {
    const client = consoleClient(app.opsAddress);
    await client.logIn(role);
    return async (path: string) => {
      const { status, body } = await client.get(path);
      return { status, text: textOf(body), body };
    };
  };

  for (const role of ['viewer', 'admin'] as const)
    it(`show a ${role} everything`, async () => {
      const get = await readAs(role);
      for (const path of Object.values(paths)) expect((await get(path)).status, path).to.equal(200);
      expect((await get('/console/executions')).text).to.include('Front desk');
      expect((await get('/console/agents')).text).to.include('Front desk');
    });

  it('show executions to the role lifecycle, but neither agents nor their names', async () => {
    const get = await readAs('lifecycle');
    const { status, text } = await get(paths.conversation);
    expect(status).to.equal(200);
    expect(text).to.include('this token may not read agents').and.not.to.include('Front desk');
    expect((await get(paths.execution)).status).to.equal(200);
    expect((await get('/console/executions')).text).not.to.include('Front desk');
    for (const path of ['/console/agents', paths.agent]) {
      const refused = await get(path);
      expect(refused.status).to.equal(403);
      expect(refused.text)
        .to.include('The role lifecycle does not include this. Log out, and log in with a token')
        .and.not.to.include('Front desk');
    }
  });

  it('write the token of gRPC as a variable into commands that are copied', async () => {
    const get = await readAs('viewer');
    expect((await get(paths.execution)).text).to.include('authorization: Bearer ${TOKEN:?}');
  });
});
