import { html } from 'hono/html';
import { type Webhook, WebhookConfig, WebhookType } from '../../../gen/index.callhooks.v1.ts';
import { badge } from '../../layout/badges.ts';
import { definitions } from '../../layout/definitions.ts';
import { idText } from '../../layout/ids.ts';
import { jsonView } from '../../layout/json-view.ts';
import { executionsPath, tryPath } from '../../layout/paths.ts';
import type { Html } from '../../layout/shell.ts';
import { timeText } from '../../layout/time.ts';
import { messageJson } from '../../message-json.ts';

/** Returns the section of a page that shows a webhook: what it calls, and its configuration as JSON. */
export function webhookSection(webhook: Webhook): Html {
  const { webhookUuid, webhookType, webhookConfig, disabled, etag, updatedAt } = webhook;
  const type = webhookType === WebhookType.WEBHOOK_TYPE_PRE_CALL ? 'Pre-call' : 'Post-call';
  const { method = '', url = '' } = webhookConfig?.apiSchema ?? {};
  const json = messageJson().write('WebhookConfig', WebhookConfig, webhookConfig ?? WebhookConfig.create());
  return html`<section class="panel" id="webhook-${webhookUuid}" aria-label="${type} webhook">
    <h3>${type} ${disabled ? badge('warn', 'disabled') : badge('good', 'enabled')}</h3>
    ${definitions([
      ['Calls', html`<code>${method} ${url}</code>`],
      ['Webhook', idText('webhook id', webhookUuid)],
      ['Revision', html`<code>${etag}</code>`],
      ['Changed', timeText(updatedAt)],
    ])}
    <details open>
      <summary>webhook_config as JSON</summary>
      ${jsonView(`webhook_config of the ${type.toLowerCase()}`, JSON.stringify(json, undefined, 2))}
    </details>
    <p class="actions">
      <a href="${tryPath(webhookUuid)}">Try it</a>
      <a href="${executionsPath({ webhook_uuid: webhookUuid })}">Its executions</a>
    </p>
  </section>`;
}
