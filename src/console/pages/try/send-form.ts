import { randomUUID } from 'node:crypto';
import { html } from 'hono/html';
import type { TestWebhookResponse } from '../../../gen/index.callhooks.v1.ts';
import type { Html } from '../../layout/shell.ts';
import type { TriedWebhook } from './tried-webhook.ts';
import { CONTROLS, type TryForm } from './try-form.ts';

/** The name of the field whose value lets a test be sent once. */
export const SEND_KEY = 'send_key';

/** The name of the field that has the revision of the agent with which the request was rendered. */
export const AGENT_ETAG = 'agent_etag';

/** What the form that sends needs. */
interface SendFormParts {
  readonly form: TryForm;
  readonly tried: TriedWebhook;
  readonly reply: TestWebhookResponse;
  readonly csrf: Html;
}

/** Returns the form that sends what was rendered: the same texts, with a key that sends them once. */
export function sendFormView({ form, tried, reply: { request }, csrf }: SendFormParts): Html {
  if (request === undefined)
    return html`<p class="dim">There is no request, so there is nothing to send.</p>`;
  const copies = CONTROLS.filter((control) => form[control] !== '').map(
    (control) => html`<input type="hidden" name="${control}" value="${form[control]}" />`,
  );
  return html`<form method="post" action="/console/try">
    ${csrf} ${copies}
    <input type="hidden" name="${SEND_KEY}" value="${randomUUID()}" />
    <input type="hidden" name="${AGENT_ETAG}" value="${tried.agent?.etag ?? ''}" />
    <p>Nothing has been sent.</p>
    <p>
      Sending calls the real endpoint at <code>${originOf(request.url)}</code> once. The request has the
      header <code>callhooks-test: true</code>, and no execution is recorded.
    </p>
    <p><button class="primary">Send it once</button></p>
  </form>`;
}

function originOf(url: string): string {
  return URL.canParse(url) ? new URL(url).origin : url;
}
