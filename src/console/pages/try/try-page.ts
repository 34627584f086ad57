import type { Context } from 'hono';
import { html } from 'hono/html';
import { mayCall } from '../../../access/roles.ts';
import { CallhooksError } from '../../../errors.ts';
import { WebhookAdminService, type TestWebhookRequest } from '../../../gen/index.callhooks.v1.ts';
import { csrfField } from '../../access/csrf-field.ts';
import { nextTurn } from '../../layout/next-turn.ts';
import { answerOfRefusal } from '../../layout/refusal.ts';
import { shell, type Html } from '../../layout/shell.ts';
import type { ConsoleEnv } from '../../viewer.ts';
import { notAllowed } from './not-allowed.ts';
import { problemsOf, problemSummary, refusalNotice } from './problems.ts';
import { AGENT_ETAG, SEND_KEY, sendFormView } from './send-form.ts';
import { createSendOnce, isSendKey, type SendOnce } from './send-once.ts';
import { byControl, readTryForm, tryFormOf, type Problem, type TryForm } from './try-form.ts';
import { configText, tryFormView } from './try-form-view.ts';
import { readTryRequest } from './try-request.ts';
import { forgottenNotice, resultView } from './try-result.ts';
import { readTriedWebhook, type TriedWebhook } from './tried-webhook.ts';
import { webhookList } from './webhook-list.ts';

type C = Context<ConsoleEnv>;

/** The page that tries a webhook. */
export interface TryPage {
  /** Answers with the form. `webhook`, or `agent` and `type`, of the query name a stored webhook. */
  show(c: C): Promise<Response>;
  /** Renders what a form describes, or sends it once. */
  submit(c: C): Promise<Response>;
}

/** Makes the page. */
export function createTryPage(): TryPage {
  const sendOnce = createSendOnce();
  return {
    show: async (c) => (mayTry(c) ? show(c) : c.html(page(c, notAllowed(c.var.viewer)))),
    submit: async (c) => (mayTry(c) ? submit(c, sendOnce) : c.html(page(c, notAllowed(c.var.viewer)), 403)),
  };
}

function mayTry(c: C): boolean {
  return mayCall(c.var.viewer.role, WebhookAdminService.testWebhook.path);
}

function page(c: C, body: Html): Html {
  return shell(c.var.viewer, { title: 'Try a webhook', section: '/console/try', body });
}

async function show(c: C): Promise<Response> {
  const { webhook = '', agent = '', type = '', edit } = c.req.query();
  const named = tryFormOf({ webhook_uuid: webhook, agent_uuid: agent, webhook_type: type });
  const tried = await readTriedWebhook(c.var.api, named);
  const config = edit === '1' ? tried.webhook?.webhookConfig : undefined;
  const form = { ...named, webhook_config: config === undefined ? '' : configText(config) };
  const problems = tried.refusal === undefined ? [] : problemsOf(tried.refusal, form);
  const list = webhook === '' && agent === '' ? await webhookList(c.var.api) : '';
  const status = tried.refusal === undefined ? 200 : answerOfRefusal(tried.refusal).status;
  const title = list === '' ? 'Webhook and call' : 'Or name one';
  const formView = tryFormView({ title, form, problems, tried, csrf: csrfField(c) });
  return c.html(page(c, html`${problemSummary(problems)} ${list} ${formView}`), status);
}

/** What a posted form asks for. */
interface Asked {
  readonly form: TryForm;
  readonly tried: TriedWebhook;
  readonly request: TestWebhookRequest;
  /** What is wrong with the texts of the form themselves. */
  readonly problems: readonly Problem[];
}

async function submit(c: C, sendOnce: SendOnce): Promise<Response> {
  const form = readTryForm(c.var.form);
  const tried = await readTriedWebhook(c.var.api, form);
  const { request, problems } = readTryRequest(form);
  const asked = { form, tried, problems, request: { ...request, webhookUuid: webhookUuidOf(form, tried) } };
  await nextTurn();
  try {
    const key = c.var.form.get(SEND_KEY) ?? '';
    const result =
      isSendKey(key) && problems.length === 0 ? await send(c, asked, sendOnce, key) : await render(c, asked);
    return await answer(c, asked, problems, result);
  } catch (error) {
    if (!(error instanceof CallhooksError)) throw error;
    await nextTurn();
    return refuse(c, asked, error);
  }
}

async function send(c: C, { request, tried }: Asked, sendOnce: SendOnce, key: string): Promise<Html> {
  const { api, viewer, form } = c.var;
  const { reply, sentAt, isRepeat } = await sendOnce.run(`${viewer.name ?? ''} ${key}`, async () => {
    if (form.get(AGENT_ETAG) !== tried.agent?.etag) throw changedSince();
    return api.call(WebhookAdminService.testWebhook, { ...request, send: true });
  });
  return reply === undefined
    ? forgottenNotice(sentAt)
    : resultView({ reply, sentAt, isRepeat, sendForm: undefined });
}

function changedSince(): CallhooksError {
  const message =
    'the agent was changed after the request had been rendered, so render it again; nothing was sent';
  return new CallhooksError('ETAG_MISMATCH', message);
}

// A form with problems is rendered, too, so that all that is wrong with it shows at once.
async function render(c: C, { form, tried, request, problems }: Asked): Promise<Html | ''> {
  const reply = await c.var.api.call(WebhookAdminService.testWebhook, request);
  if (problems.length > 0) return '';
  const sendForm = sendFormView({ form, tried, reply, csrf: csrfField(c) });
  return resultView({ reply, sentAt: undefined, isRepeat: false, sendForm });
}

function refuse(c: C, asked: Asked, refusal: CallhooksError): Response | Promise<Response> {
  const known = new Set(asked.problems.map(({ control }) => control));
  const more = problemsOf(refusal, asked.form).filter(({ control }) => !known.has(control));
  const problems = [...asked.problems, ...more].toSorted(byControl);
  if (problems.length > 0) return answer(c, asked, problems, '', answerOfRefusal(refusal).status);
  const { status, retryAfterSecs } = answerOfRefusal(refusal);
  if (retryAfterSecs !== undefined) c.header('retry-after', String(retryAfterSecs));
  return answer(c, asked, [], refusalNotice(refusal), status);
}

function answer(
  c: C,
  { form, tried }: Asked,
  problems: readonly Problem[],
  result: Html | '',
  status: ReturnType<typeof answerOfRefusal>['status'] | 200 = problems.length > 0 ? 400 : 200,
): Response | Promise<Response> {
  const title = result === '' ? 'Webhook and call' : 'Change it, and render it again';
  const formView = tryFormView({ title, form, problems, tried, csrf: csrfField(c) });
  return c.html(page(c, html`${problemSummary(problems)} ${result} ${formView}`), status);
}

// An agent and a type name the webhook that is stored there, unless a configuration takes its place.
function webhookUuidOf(form: TryForm, { webhook }: TriedWebhook): string {
  if (form.webhook_uuid !== '' || form.webhook_config.trim() !== '') return form.webhook_uuid;
  return webhook?.webhookUuid ?? '';
}
