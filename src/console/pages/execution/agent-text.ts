import { html } from 'hono/html';
import type { WebhookToday } from '../../../explain/read-conversation.ts';
import { idText } from '../../layout/ids.ts';
import { agentPath } from '../../layout/paths.ts';
import type { Html } from '../../layout/shell.ts';

/** Returns the agent of a call: its id, and a link to its page where there is one that the viewer may read. */
export function agentText(agentUuid: string, today: WebhookToday, name = 'The agent'): Html {
  return html`${idText('agent id', agentUuid)} ${linkOf(agentUuid, today, name)}`;
}

function linkOf(agentUuid: string, { state }: WebhookToday, name: string): Html | '' {
  if (state === 'not allowed') return '';
  if (state === 'agent deleted') return html`<span class="dim">(deleted since)</span>`;
  return html`<a href="${agentPath(agentUuid)}">${name}</a>`;
}
