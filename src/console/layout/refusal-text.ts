import { html } from 'hono/html';
import { capitalized } from './capitalized.ts';
import type { RefusalAnswer } from './refusal.ts';
import type { Html } from './shell.ts';

/** The links of a page that has nothing else to show. */
export const WAYS_ON: Html = html`<p>
  <a href="/console/executions">All executions</a> · <a href="/console/agents">The agents</a>
</p>`;

/** Returns why a request was refused, and what a reader can do now. */
export function refusalText(message: string, { status, retryAfterSecs }: RefusalAnswer): Html {
  return html`<p>${capitalized(message)}.</p>
    ${hintOf(status, retryAfterSecs)}`;
}

function hintOf(status: RefusalAnswer['status'], retryAfterSecs: number | undefined): Html | '' {
  if (status === 400 || status === 404) return html`${status === 404 ? html`<p>${GONE}</p>` : ''} ${WAYS_ON}`;
  if (status === 403)
    return html`<p>
      Log out, and log in with a token whose role does: <strong>viewer</strong> reads, and
      <strong>admin</strong> also sends tests.
    </p>`;
  if (status === 503 || status === 504) {
    const when = retryAfterSecs === undefined ? 'in a moment' : `in ${retryAfterSecs} s`;
    return html`<p>Load this page again ${when}.</p>`;
  }
  return '';
}

const GONE = 'It may have been deleted, removed by retention, or made on another server.';
