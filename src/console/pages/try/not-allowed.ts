import { html } from 'hono/html';
import type { Html } from '../../layout/shell.ts';
import type { Viewer } from '../../viewer.ts';

/** Says why a viewer may not try webhooks, and what they can do. */
export function notAllowed({ name, role }: Viewer): Html {
  return html`<div class="notice">
    <p>
      <strong>Your token ${name} has the role ${role}, and trying a webhook takes the role admin.</strong>
    </p>
    <p>A test uses the secrets of the agent, and can send a request to a real endpoint.</p>
    <p>
      The request of each call, and the answer to it, are shown on the page of its execution: see
      <a href="/console/executions">Executions</a>.
    </p>
  </div>`;
}
