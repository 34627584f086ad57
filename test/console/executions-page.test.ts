import { randomUUID } from 'node:crypto';
import { expect } from 'chai';
import { startTestApp, type TestApp } from '../support/app.ts';
import { makeAgent, newCall, postTo, type CallAgent } from '../support/calls.ts';
import { sqliteEngine } from '../support/engines.ts';
import { startReceiver, type Receiver } from '../support/receiver.ts';

const HOSTILE = '"><script>window.planted=1</script>';

describe('The page of executions', () => {
  let app: TestApp;
  let receiver: Receiver;
  let agent: CallAgent;
  before(async () => {
    app = await startTestApp(sqliteEngine()!, { CALLHOOKS_EGRESS_ALLOW: '127.0.0.0/8' });
    receiver = await startReceiver(({ url }) => (url === '/500' ? { status: 500 } : {}));
  });
  after(async () => {
    await app.close();
    await receiver.close();
  });

  const get = async (path: string) => {
    const response = await fetch(`http://${app.opsAddress}${path}`);
    return { status: response.status, text: await response.text() };
  };
  const rows = (text: string) => text.match(/<td class="time">/g)?.length ?? 0;

  it('says what to do next while nothing has run', async () => {
    const { status, text } = await get('/console/executions');
    expect(status).to.equal(200);
    expect(text)
      .to.include('No webhook has run yet.')
      .and.to.include('callhooks.v1.CallLifecycle/OnCallStart');
  });

  describe('with five calls, of which two have failed', () => {
    before(async () => {
      agent = await makeAgent(app.rpc, { pre: postTo(receiver.url, {}) });
      const failing = await makeAgent(app.rpc, { pre: postTo(`${receiver.url}/500`, {}) });
      await app.rpc.agents.updateAgent({
        agent: { agentUuid: failing.agentUuid, displayName: HOSTILE },
        updateMask: ['display_name'],
      });
      for (const each of [agent, agent, agent, failing, failing])
        await app.rpc.calls.onCallStart(newCall(each));
    });

    it('shows them with their states, codes, agents and links', async () => {
      const { text } = await get('/console/executions');
      expect(rows(text)).to.equal(5);
      expect(text)
        .to.include('SUCCEEDED')
        .and.to.include('<code>HTTP_STATUS</code>')
        .and.to.include('degraded');
      expect(text).to.match(/href="\/console\/conversations\/[0-9a-f-]{36}"/);
    });

    it('shows a display name with HTML in it as text', async () => {
      const { text } = await get('/console/executions');
      expect(text).to.include('&lt;script&gt;window.planted=1');
      expect(text).not.to.include('<script>window');
    });

    it('filters by what the query says, and keeps it in the form', async () => {
      const { text } = await get('/console/executions?states=FAILED&failure_codes=HTTP_STATUS&degraded=true');
      expect(rows(text)).to.equal(2);
      expect(text).to.match(/value="FAILED"\s+checked/);
      expect(text).to.match(/value="true"\s+selected/);
      expect(rows((await get('/console/executions?states=SUCCEEDED')).text)).to.equal(3);
      expect(rows((await get(`/console/executions?agent_uuid=${agent.agentUuid}`)).text)).to.equal(3);
    });

    it('says what filters it, and leads to other outcomes of the same agent, time and number of rows', async () => {
      const { agentUuid } = agent;
      const from = '2026-01-02T00:00:00.000Z';
      const query = new URLSearchParams({ agent_uuid: agentUuid, degraded: 'true', accepted_at_from: from });
      const { text } = await get(`/console/executions?${query.toString()}&page_size=10`);
      expect(text)
        .to.include(`<code>agent_uuid=${agentUuid}</code>`)
        .and.to.include('<code>degraded=true</code>');
      const [, failed = ''] = /href="([^"]+)">Failed</.exec(text) ?? [];
      const kept = Object.fromEntries(new URL(failed.replaceAll('&amp;', '&'), 'http://x').searchParams);
      expect(kept).to.deep.equal({
        ...{ agent_uuid: agentUuid, accepted_at_from: from, page_size: '10', states: 'FAILED' },
      });
      expect(text).to.match(/aria-current="true">Degraded</);
    });

    it('leads from page to page with the same filter, and back to the newest ones', async () => {
      const first = await get('/console/executions?states=SUCCEEDED&page_size=2&accepted_at_from=1h');
      const [, older = ''] = /<a class="next" href="([^"]+)"/.exec(first.text) ?? [];
      const second = await get(older.replaceAll('&amp;', '&'));
      expect([rows(first.text), rows(second.text)]).to.deep.equal([2, 1]);
      expect(second.text).to.include('The newest executions').and.not.to.include('class="next"');
    });

    it('says that nothing matches, and how to go on', async () => {
      const { status, text } = await get(`/console/executions?agent_uuid=${randomUUID()}`);
      expect(status).to.equal(200);
      expect(text).to.include('No execution matches.').and.to.include('Remove all filters');
    });

    it('answers 400 with the rules at their fields, and keeps what was typed', async () => {
      const query = new URLSearchParams({ accepted_at_from: HOSTILE, states: 'BROKEN' });
      const { status, text } = await get(`/console/executions?${query.toString()}`);
      expect(status).to.equal(400);
      expect(text)
        .to.include('accepted_at_from must be a time such as')
        .and.to.include('states has no value BROKEN');
      expect(text).to.include('value="&quot;&gt;&lt;script&gt;').and.not.to.include('<script>window');
    });

    it('answers 400 with the rule that the API finds, at its field', async () => {
      const { status, text } = await get('/console/executions?conversation_uuid=42');
      expect(status).to.equal(400);
      expect(text).to.include('conversation_uuid must be a UUID of 8-4-4-4-12 hex digits');
    });

    it('answers 400 for the token of another filter', async () => {
      const { status, text } = await get('/console/executions?page_token=abc');
      expect(status).to.equal(400);
      expect(text).to.include('page_token must be the next_page_token of a page with the same filter');
    });
  });
});
