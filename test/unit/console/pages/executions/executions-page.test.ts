import { expect } from 'chai';
import { Hono } from 'hono';
import { executionsPage } from '../../../../../src/console/pages/executions/executions-page.ts';
import type { ConsoleEnv, ViewerApi } from '../../../../../src/console/viewer.ts';
import { Execution, ListExecutionsResponse } from '../../../../../src/gen/index.callhooks.v1.ts';

/** Asks for the page, where ListExecutions answers so many executions and this token. */
async function pageOf(count: number, nextPageToken: string, query = ''): Promise<string> {
  const executions = Array.from({ length: count }, () => Execution.fromPartial({ acceptedAt: new Date(0) }));
  const reply = ListExecutionsResponse.fromPartial({ executions, nextPageToken });
  const app = new Hono<ConsoleEnv>();
  app.use(async (c, next) => {
    c.set('viewer', { name: undefined, role: 'viewer', formToken: '' });
    c.set('api', { call: () => Promise.resolve(reply) } as unknown as ViewerApi);
    c.set('agentNames', { read: () => Promise.resolve(new Map<string, string>()) });
    await next();
  });
  app.get('/console/executions', executionsPage);
  return (await app.request(`/console/executions${query}`)).text();
}

// A search that reads more entries than a page may read takes a large database.
describe('executionsPage', () => {
  it('leads on when a page is empty without being the last', async () => {
    const html = await pageOf(0, 'next', '?states=FAILED');
    expect(html).to.include('Nothing that matches was found yet.');
    expect(html).to.match(/href="[^"]*states=FAILED&amp;page_token=next"[^>]*>\s*Search on/);
  });

  it('says why a page is short without being the last', async () => {
    expect(await pageOf(3, 'next'))
      .to.include('This page is short')
      .and.to.include('Older executions');
  });

  it('says nothing about the length of a full page, and of the last one', async () => {
    expect(await pageOf(50, 'next')).not.to.include('This page is short');
    expect(await pageOf(3, ''))
      .not.to.include('This page is short')
      .and.not.to.include('Older executions');
  });

  it('says that there is nothing older on an empty last page', async () => {
    const html = await pageOf(0, '', '?page_token=abc');
    expect(html).to.include('There are no older executions.').and.to.include('The newest executions');
  });

  it('offers to follow the newest page, where an execution of the filter can end', async () => {
    expect(await pageOf(1, '')).to.include('Follow live');
    expect(await pageOf(1, '', '?page_token=abc')).not.to.include('Follow live');
    expect(await pageOf(1, '', '?states=ACCEPTED')).not.to.include('Follow live');
  });
});
