import { once } from 'node:events';
import { get as httpGet, type IncomingMessage } from 'node:http';
import { expect } from 'chai';
import { startTestApp, type TestApp } from '../support/app.ts';
import { makeAgent, newCall, postTo, type CallAgent } from '../support/calls.ts';
import { sqliteEngine } from '../support/engines.ts';
import { startReceiver, type Receiver } from '../support/receiver.ts';
import { until } from '../support/until.ts';
import { describeInBrowser } from './support/describe-in-browser.ts';
import { PLANTED } from './support/page-text.ts';

interface LiveEvent {
  readonly id: string;
  readonly rows: string;
  readonly dropped: number;
}

describe('The live list of executions', function () {
  this.timeout(30_000);
  let app: TestApp;
  let receiver: Receiver;
  let agent: CallAgent;
  before(async () => {
    app = await startTestApp(sqliteEngine()!, { CALLHOOKS_EGRESS_ALLOW: '127.0.0.0/8' });
    receiver = await startReceiver(({ url }) => (url === '/500' ? { status: 500 } : {}));
    agent = await makeAgent(app.rpc, { pre: postTo(receiver.url, {}) });
    await app.rpc.agents.updateAgent({
      agent: { agentUuid: agent.agentUuid, displayName: PLANTED },
      updateMask: ['display_name'],
    });
  });
  after(async () => {
    await app.close();
    await receiver.close();
  });

  const open = async (query = '', headers: Record<string, string> = {}) => {
    const request = httpGet(`http://${app.opsAddress}/console/executions/live${query}`, { headers });
    const [response] = (await once(request, 'response')) as [IncomingMessage];
    let text = '';
    response.setEncoding('utf8').on('data', (chunk: string) => (text += chunk));
    response.on('error', () => undefined);
    const events = (): LiveEvent[] =>
      [...text.matchAll(/event: ended\nid: (.*)\ndata: (.*)\n\n/g)].map(([, id = '', data = '']) => ({
        id,
        ...(JSON.parse(data) as Omit<LiveEvent, 'id'>),
      }));
    return {
      response,
      events,
      rows: () =>
        events()
          .map(({ rows }) => rows)
          .join(''),
      close: () => request.destroy(),
    };
  };
  const call = async (of = agent) => {
    const { execution } = await app.rpc.calls.onCallStart(newCall(of));
    return execution?.executionUuid ?? '';
  };

  it('sends the row of an execution when it has ended, with HTML in it as text', async () => {
    const live = await open();
    expect(live.response.headers['content-type']).to.equal('text/event-stream; charset=utf-8');
    await until('the first event', () => live.events().length > 0);
    const executionUuid = await call();
    await until('the row', () => live.rows().includes(executionUuid));
    expect(live.rows()).to.include('&lt;script&gt;window.planted=1').and.not.to.include('<script');
    live.close();
  });

  it('sends only what the filter names', async () => {
    const failing = await makeAgent(app.rpc, { pre: postTo(`${receiver.url}/500`, {}) });
    const live = await open('?states=FAILED&states=SENDING');
    await until('the first event', () => live.events().length > 0);
    const succeeded = await call();
    const failed = await call(failing);
    await until('the row', () => live.rows().includes(failed));
    expect(live.rows()).not.to.include(succeeded);
    live.close();
  });

  it('goes on from the id of the last event', async () => {
    const from = new Date(Date.now() - 1_000).toISOString();
    const executionUuid = await call();
    const live = await open('', { 'last-event-id': from });
    await until('the row', () => live.rows().includes(executionUuid));
    live.close();
    const old = await open(`?finished_at_from=${new Date(0).toISOString()}`);
    await until('the row', () => old.rows().includes(executionUuid));
    old.close();
  });

  it('ends what it watches when the browser goes away', async () => {
    const ended = () => app.logLines.filter(({ rpc }) => String(rpc).endsWith('/WatchExecutions')).length;
    const before = ended();
    const live = await open();
    live.close();
    await until('the log line of its end', () => ended() === before + 1);
  });

  it('refuses a filter that breaks a rule, and the 101st list', async () => {
    expect((await open('?states=BROKEN')).response.statusCode).to.equal(400);
    expect((await open('?agent_uuid=42')).response.statusCode).to.equal(400);
    const opened = await Promise.all(Array.from({ length: 100 }, () => open()));
    const statuses = new Set(opened.map(({ response }) => response.statusCode));
    expect([...statuses]).to.deep.equal([200]);
    const refused = await open();
    expect(refused.response.statusCode).to.equal(503);
    expect(refused.response.headers['retry-after']).to.match(/^\d+$/);
    for (const { close } of opened) close();
  });

  describeInBrowser('in a browser', (openPage) => {
    it('puts what ends on top when it is followed, and stops on request', async () => {
      await call();
      const origin = `http://${app.opsAddress}`;
      const page = await openPage(origin);
      await page.goto('/console/executions');
      await page.click('text=Follow live');
      await page.locator('[role=status]', { hasText: 'Following.' }).waitFor();
      const executionUuid = await call();
      const first = page.locator('table.executions tbody tr').first();
      await until(
        'the row on top',
        async () => (await first.getAttribute('data-execution')) === executionUuid,
      );
      expect(await first.locator('time').getAttribute('title')).to.include('UTC');
      expect(await page.evaluate('window.planted')).to.equal(undefined);
      expect(await page.locator('[role=status]').textContent()).to.include('1 execution has ended');
      await page.click('text=Stop following');
      const lines = () => app.logLines.filter(({ rpc }) => String(rpc).endsWith('/WatchExecutions')).length;
      const ended = lines();
      await page.click('text=Follow live');
      await page.click('text=Stop following');
      await until('the stream to end', () => lines() > ended);
    });

    it('offers nothing that needs a script to a reader without scripts', async () => {
      const page = await openPage(`http://${app.opsAddress}`, { javaScriptEnabled: false });
      await page.goto('/console/executions');
      expect(await page.getByText('Follow live').isVisible()).to.equal(false);
    });

    it('says how many executions were left out, and goes on from the last event after an error', async () => {
      const page = await openPage(`http://${app.opsAddress}`);
      const asked: (string | null)[] = [];
      await page.route('**/executions/live*', async (route) => {
        asked.push(new URL(route.request().url()).searchParams.get('finished_at_from'));
        const data = JSON.stringify({ rows: '', dropped: 3 });
        const body = `event: ended\nid: 2026-11-28T12:00:00.000Z\ndata: ${data}\n\n`;
        await route.fulfill({ contentType: 'text/event-stream', body });
      });
      await page.goto('/console/executions');
      await page.click('text=Follow live');
      await until('two requests', () => asked.length >= 2);
      await page.locator('[role=status]', { hasText: /\d+ more were left out/ }).waitFor();
      await page.click('text=Stop following');
      expect(asked.slice(0, 2)).to.deep.equal([null, '2026-11-28T12:00:00.000Z']);
    });

    it('shows the list when its first execution ends', async () => {
      const other = await makeAgent(app.rpc, { pre: postTo(receiver.url, {}) });
      const page = await openPage(`http://${app.opsAddress}`);
      await page.goto(`/console/executions?agent_uuid=${other.agentUuid}`);
      expect(await page.locator('text=No execution matches.').isVisible()).to.equal(true);
      await page.click('text=Follow live');
      await page.locator('[role=status]', { hasText: 'Following.' }).waitFor();
      const executionUuid = await call(other);
      await page.locator(`tr[data-execution="${executionUuid}"]`).waitFor();
      expect(await page.locator('text=No execution matches.').isVisible()).to.equal(false);
    });
  });
});
