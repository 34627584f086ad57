import { html } from 'hono/html';
import { WebhookConfig, type Agent } from '../../../gen/index.callhooks.v1.ts';
import { messageJson } from '../../message-json.ts';
import { jsonView } from '../../layout/json-view.ts';
import { agentPath, tryPath } from '../../layout/paths.ts';
import type { Html } from '../../layout/shell.ts';
import type { Problem, TryForm } from './try-form.ts';
import { createControls } from './try-fields.ts';
import { typeName, type TriedWebhook } from './tried-webhook.ts';

const TYPE_OPTIONS = [
  ['', 'choose…'],
  ['pre_call', 'pre-call'],
  ['post_call', 'post-call'],
] as const;

/** What the form shows. */
export interface FormParts {
  readonly form: TryForm;
  readonly problems: readonly Problem[];
  readonly tried: TriedWebhook;
  /** The heading. */
  readonly title: string;
  /** The hidden field that proves that the form is from here. */
  readonly csrf: Html;
}

type Controls = ReturnType<typeof createControls>;

/** Returns the form whose button renders a webhook. */
export function tryFormView({ title, form, problems, tried, csrf }: FormParts): Html {
  const controls = createControls(form, problems);
  return html`<h2>${title}</h2>
    <form class="try" method="post" action="/console/try">
      ${csrf} ${webhookFields(controls, form, tried, problems)} ${callFields(controls, tried.agent)}
      ${hasEnd(form, tried) ? endFields(controls) : ''}
      <p class="actions">
        <button class="primary">Render the request</button>
        <span class="dim">This sends nothing. You see the request first, and may send it then.</span>
      </p>
    </form>`;
}

function webhookFields(
  controls: Controls,
  form: TryForm,
  tried: TriedWebhook,
  problems: readonly Problem[],
): Html {
  const isOpen = form.webhook_config !== '' || problems.some(({ control }) => control === 'webhook_config');
  const config = controls.text('webhook_config', {
    label: 'Configuration (webhook_config)',
    hint: html`JSON, as CreateAgent takes it. It replaces the stored one for this test and is not saved. A
    masked value (<code>••••••</code>) stands for the stored value.`,
    rows: 14,
  });
  return html`<fieldset>
    <legend>Webhook</legend>
    ${isKnown(form, tried) ? knownWebhook(form, tried) : idFields(controls)}
    <details${isOpen ? html` open` : ''}>
      <summary>${tried.webhook === undefined ? 'Paste a configuration' : 'Try another configuration'}</summary>
      ${config}
    </details>
    ${storedConfig(tried)}
  </fieldset>`;
}

function isKnown(form: TryForm, { webhook }: TriedWebhook): boolean {
  return form.webhook_uuid !== '' && webhook !== undefined;
}

function idFields(controls: Controls): Html {
  return html`<div class="fields">
    ${controls.text('webhook_uuid', { label: 'Webhook id', hint: 'A stored webhook. Or name an agent and a type:' })}
    ${controls.text('agent_uuid', { label: 'Agent id' })}
    ${controls.choice('webhook_type', { label: 'Type' }, TYPE_OPTIONS)}
  </div>`;
}

function knownWebhook(form: TryForm, { agent, webhook }: TriedWebhook): Html {
  const { agentUuid = '', displayName = '' } = agent ?? {};
  const { method, url } = webhook?.webhookConfig?.apiSchema ?? { method: '', url: '' };
  const ids = (['webhook_uuid', 'agent_uuid', 'webhook_type'] as const).map(
    (control) => html`<input type="hidden" name="${control}" value="${form[control]}" />`,
  );
  return html`${ids}
    <p>
      The <strong>${typeName(webhook?.webhookType ?? 0).replace('_', '-')}</strong> webhook of
      <a href="${agentPath(agentUuid)}">${displayName || agentUuid}</a
      >${webhook?.disabled ? ', which is disabled' : ''}: <code>${method} ${url}</code>.
      <a href="/console/try">Choose another one</a>
    </p>`;
}

function storedConfig({ webhook }: TriedWebhook): Html | '' {
  if (webhook?.webhookConfig === undefined) return '';
  const edit = `${tryPath(webhook.webhookUuid)}&edit=1`;
  return html`<details>
    <summary>The stored configuration</summary>
    ${jsonView('stored configuration', configText(webhook.webhookConfig))}
    <p><a href="${edit}">Edit a copy of it for this test</a></p>
  </details>`;
}

/** Returns a configuration as JSON, with the names of the proto files. */
export function configText(config: WebhookConfig): string {
  return JSON.stringify(messageJson().write('WebhookConfig', WebhookConfig, config), undefined, 2);
}

function callFields(controls: Controls, agent: Agent | undefined): Html {
  return html`<fieldset>
    <legend>Call</legend>
    <div class="fields">
      ${controls.text('caller_phone', { label: "Caller's number", inputMode: 'tel' })}
      ${controls.text('conversation_uuid', { label: 'Conversation id', hint: 'A new one, if it is empty.' })}
    </div>
    <div class="fields pair">
      <div>
        ${controls.text('dynamic_variables', {
          label: 'Dynamic variables',
          hint: html`Lines of <code>name=value</code>, or a JSON object. They replace the defaults of the
            agent.`,
          rows: 5,
        })}
        ${agent === undefined ? '' : defaults(agent)}
      </div>
      ${controls.text('metadata', {
        label: 'Metadata',
        hint: html`A JSON object, for placeholders such as <code>{{metadata.direction}}</code>.`,
        rows: 5,
      })}
    </div>
  </fieldset>`;
}

function endFields(controls: Controls): Html {
  return html`<fieldset>
    <legend>End of the call (post-call only)</legend>
    <div class="fields">
      ${controls.text('call_duration', { label: 'Duration in seconds', inputMode: 'decimal' })}
    </div>
    ${controls.text('call_summary', { label: 'Summary', rows: 3 })}
  </fieldset>`;
}

// What was put in stays to be seen, whatever the type is.
function hasEnd(form: TryForm, { webhook }: TriedWebhook): boolean {
  const type = webhook === undefined ? form.webhook_type : typeName(webhook.webhookType);
  return type !== 'pre_call' || form.call_duration !== '' || form.call_summary !== '';
}

const MAX_DEFAULTS = 40;
const MAX_VALUE_CHARS = 80;

function defaults({ agentUuid, dynamicVariables }: Agent): Html {
  const names = Object.keys(dynamicVariables ?? {});
  if (names.length === 0) return html`<p class="hint">The agent declares no variables.</p>`;
  const more = names.length - MAX_DEFAULTS;
  return html`<details>
    <summary>${names.length === 1 ? 'The variable' : `The ${names.length} variables`} of the agent</summary>
    <ul class="plain mono">
      ${names
        .slice(0, MAX_DEFAULTS)
        .map((name) => html`<li>${name}=${short(JSON.stringify(dynamicVariables?.[name]))}</li>`)}
    </ul>
    ${more > 0 ? html`<p><a href="${agentPath(agentUuid)}">${more} more</a></p>` : ''}
  </details>`;
}

function short(text = ''): string {
  return text.length > MAX_VALUE_CHARS ? `${text.slice(0, MAX_VALUE_CHARS)}…` : text;
}
