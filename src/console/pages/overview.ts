import type { Context } from 'hono';
import { html } from 'hono/html';
import { shell } from '../layout/shell.ts';
import type { ConsoleEnv } from '../viewer.ts';

/** Answers with the first page: what happened lately. */
export function overviewPage(c: Context<ConsoleEnv>): Response | Promise<Response> {
  const body = html`<p>
    The executions of this server are under <a href="/console/executions">Executions</a>.
  </p>`;
  return c.html(shell(c.get('viewer'), { title: 'Overview', section: '/console', body }));
}
