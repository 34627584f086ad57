import { randomUUID } from 'node:crypto';
import * as pb from '../../../src/gen/index.callhooks.v1.ts';
import { untilFinished } from '../../support/calls.ts';
import type { Reply } from '../../support/receiver.ts';
import type { Rpc } from '../../support/rpc.ts';
import type { SceneCall, Stage } from './calls-of-every-kind.ts';

/**
 * Returns a text that becomes an element, an attribute or a script wherever a page forgets to escape it. The name of the
 * place stands before the element, so that a page that shows it can be told.
 */
export function planted(place: string): string {
  const leave = `"' data-planted="></script></title></textarea>`;
  return `${place}<planted-el></planted-el>${leave}<planted-el><script>planted=1</script>`;
}

/** Is how an element of {@link planted} looks when it is text, as it is or percent-encoded. */
export const PLANTED_TEXT = /([a-z]+)(?:<|%3C)planted-el/g;

/** Finds an element or an attribute that a planted text has become. */
export const PLANTED_ELEMENT = 'planted-el, [data-planted]';

/** Lists the places that the endpoint and the agent have planted texts in, by the page that shows them. */
const PLANTED_CALLS = ['planted', 'planted rejection', 'planted failure', 'planted report'] as const;

// A name with a dot or a bracket in it is written in brackets, so it can be any text.
const KEY = planted('attribute');
const ATTRIBUTE = `[${JSON.stringify(KEY)}]`;
const MISSING = `[${JSON.stringify(planted('missing'))}]`;
// A field name has no quotes and no angle brackets (RFC 9110, 5.6.2), but it may have these.
const HEADER = "x-&lt;b&gt;'planted'".replaceAll(';', '');

const REPLIES: Readonly<Record<(typeof PLANTED_CALLS)[number], Reply>> = {
  planted: {
    headers: { [HEADER]: planted('answerheader'), 'content-type': 'application/json' },
    body: { [KEY]: planted('answer'), [planted('otherkey')]: { [planted('innerkey')]: [planted('item')] } },
  },
  'planted rejection': { status: 403, body: { reason: planted('reason') } },
  'planted failure': { body: { [KEY]: planted('answer') } },
  'planted report': { status: 500, headers: { 'content-type': 'text/html' }, body: planted('html') },
};

/** Makes calls whose every text is planted, with agents whose every text is planted. Returns them by name. */
export async function playPlanted(stage: Stage): Promise<ReadonlyMap<string, SceneCall>> {
  const calls = new Map<string, SceneCall>();
  for (const name of PLANTED_CALLS) {
    stage.endpoint.respond(REPLIES[name]);
    const agentUuid = await makePlantedAgent(stage, name);
    const play = () => playCall(stage.server.rpc, agentUuid, name === 'planted report');
    calls.set(name, await play());
    // The overview names the webhooks that fail most.
    if (name === 'planted failure') for (let i = 0; i < 3; i += 1) await play();
  }
  return calls;
}

async function makePlantedAgent({ server, endpoint }: Stage, name: string): Promise<string> {
  const { WEBHOOK_TYPE_PRE_CALL: preCall, WEBHOOK_TYPE_POST_CALL: postCall } = pb.WebhookType;
  const isReport = name === 'planted report';
  const webhookConfig = {
    apiSchema: {
      url: `${endpoint.url}/lookup?text=${encodeURIComponent(planted('url'))}&value={{text}}`,
      method: 'POST',
      requestHeaders: { [HEADER]: planted('header'), 'x-value': '{{text}}' },
      requestBody: { [planted('bodykey')]: planted('body'), value: '{{text}}', phone: '{{caller_phone}}' },
    },
    responseTimeoutSecs: 2,
    ...(isReport
      ? {}
      : {
          assignments: [
            { attributeName: ATTRIBUTE, dynamicVariable: 'answer' },
            { attributeName: MISSING, dynamicVariable: 'missed', required: name === 'planted failure' },
            { attributeName: MISSING, dynamicVariable: 'filled', defaultValue: planted('filled') },
          ],
          rejection: { httpStatuses: [403], reasonAttributeName: 'reason' },
        }),
  };
  const { agent } = await server.rpc.agents.createAgent({
    agent: {
      displayName: planted('displayname'),
      dynamicVariables: {
        text: planted('default'),
        answer: '',
        missed: { [planted('variablekey')]: planted('variable') },
        filled: null,
      },
      webhooks: [{ webhookType: isReport ? postCall : preCall, webhookConfig }],
    },
  });
  return agent?.agentUuid ?? '';
}

async function playCall(rpc: Rpc, agentUuid: string, isReport: boolean): Promise<SceneCall> {
  const call = { agentUuid, conversationUuid: randomUUID() };
  const details = {
    ...call,
    callerPhone: planted('phone'),
    dynamicVariables: { text: planted('requestvariable') },
    metadata: { [planted('metadatakey')]: planted('metadata') },
  };
  const { execution } = isReport ? await rpc.calls.onCallEnd(details) : await rpc.calls.onCallStart(details);
  const executionUuid = execution?.executionUuid ?? '';
  await untilFinished(rpc, executionUuid);
  return { ...call, executionUuid, webhookUuid: execution?.webhookUuid ?? '' };
}
