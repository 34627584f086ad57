import { connect as connectTcp } from 'node:net';
import { once } from 'node:events';
import { randomUUID } from 'node:crypto';
import { formatApiToken, hashToken } from '../../src/access/api-tokens.ts';
import * as pb from '../../src/gen/index.callhooks.v1.ts';
import { untilFinished, type CallAgent } from './calls.ts';
import { failureCodeOf } from './execution-words.ts';
import type { Receiver, Respond } from './receiver.ts';
import type { Partially, Rpc, RpcOptions } from './rpc.ts';

// Each planted value begins with the same letters, which nothing else contains, and ends with the place that it stands in.
const planted = <const T extends string>(place: T) => `zqplanted${place}` as const;
const PHONE = '+15550107733';
const SIGNING_SECRET = `whsec_${Buffer.from('zqplanted-signing-secret-of-a-test').toString('base64')}`;
/** The only token of a server with {@link PLANTED_SETTINGS}. */
export const PLANTED_TOKEN = planted('admintoken');
const TOKEN = PLANTED_TOKEN;

/** The settings of a server whose only token is planted. It logs as much as it can. */
export const PLANTED_SETTINGS = {
  CALLHOOKS_AUTH_TOKENS: formatApiToken({ name: 'owner', role: 'admin', sha256: hashToken(TOKEN) }),
  CALLHOOKS_EGRESS_ALLOW: '127.0.0.0/8',
  CALLHOOKS_LOG_LEVEL: 'trace',
} as const;

/** Returns the planted values in a text, whatever their case. */
export function plantedIn(text: string): readonly string[] {
  const found = text.match(/zqplanted\w*|5550107733/gi) ?? [];
  return [...found, ...(text.includes(SIGNING_SECRET.slice(6)) ? [SIGNING_SECRET] : [])];
}

const KINDS = [
  ...(['ok', 'status', 'nojson', 'missing', 'redirect', 'elsewhere', 'reset', 'reject'] as const),
  ...(['tokenrefused', 'tokengiven'] as const),
] as const;
type Kind = (typeof KINDS)[number];

/** Answers a request by the kind of its webhook, with planted values in everything that an endpoint can send. */
export const plantedEndpoint: Respond = ({ url, headers }, response) => {
  const kind = /\/(\w+)(?:\?|$)/.exec(url)?.[1] ?? '';
  const here = `http://${headers.host}/${planted('redirectpath')}/ok?${planted('redirectquery')}=1`;
  const json = { [planted('attribute')]: planted('answer'), reason: planted('reason') };
  const extra = { 'x-answer': planted('answerheader'), 'set-cookie': planted('cookie') };
  switch (kind) {
    case 'status':
      return { status: 500, body: { error: planted('errorbody') }, headers: extra };
    case 'nojson':
      return { body: planted('text'), headers: { 'content-type': planted('type'), ...extra } };
    case 'missing':
      return { body: { [planted('otherattribute')]: 1 } };
    case 'redirect':
      return { status: 302, headers: { location: here } };
    case 'elsewhere':
      return { status: 302, headers: { location: `http://${planted('host')}.localhost/${planted('path')}` } };
    case 'reset':
      response.destroy();
      return undefined;
    case 'reject':
      return { status: 403, body: json };
    case 'refusedtoken':
      return { status: 401, body: { error: planted('error'), error_description: planted('description') } };
    case 'giventoken':
      return { body: { access_token: planted('accesstoken'), token_type: 'Bearer', expires_in: 60 } };
    default:
      return { body: json, headers: extra };
  }
};

const config = (url: string, kind: Kind, isPreCall: boolean): Partially<pb.WebhookConfig> => ({
  apiSchema: {
    url: `${url}/${planted('urlpath')}/${kind}?${planted('urlquery')}={{customer}}`,
    method: 'POST',
    requestHeaders: {
      'X-Api-Key': planted('headervalue'),
      'X-Note': planted('openheader'),
      'X-Secret': '{{secret.CRM}}',
      'X-Phone': '{{caller_phone}}',
    },
    requestBody: { text: `${planted('body')} {{customer}}`, phone: '{{caller_phone}}' },
    maxRedirects: 1,
    ...(kind.startsWith('token')
      ? { auth: { method: { $case: 'oauth2' as const, value: oauth2(url, kind) } } }
      : {}),
  },
  signingSecretNames: ['SIGN'],
  ...(isPreCall
    ? {
        assignments: [{ attributeName: planted('attribute'), dynamicVariable: 'customer', required: true }],
        rejection: { httpStatuses: [403], reasonAttributeName: 'reason' },
      }
    : {}),
});

const oauth2 = (url: string, kind: Kind) => ({
  tokenUrl: `${url}/${planted('tokenpath')}/${kind === 'tokengiven' ? 'giventoken' : 'refusedtoken'}`,
  clientId: planted('clientid'),
  clientSecret: '{{secret.CRM}}',
  scopes: [planted('scope')],
  audience: planted('audience'),
});

/**
 * Plays calls that succeed, fail and are refused, with planted values in every place of a request and of an answer. The
 * server runs with {@link PLANTED_SETTINGS}, and `endpoint` answers by {@link plantedEndpoint}. Returns the failure code of
 * each kind of webhook, empty where it succeeded.
 */
export async function playPlantedCalls(
  rpc: Rpc,
  endpoint: Receiver,
  port: number,
): Promise<Readonly<Record<Kind, string>>> {
  const codes = {} as Record<Kind, string>;
  for (const kind of KINDS) {
    const agent = await createAgent(rpc, endpoint.url, kind);
    codes[kind] = await playCall(rpc, agent);
    await rpc.webhooks.testWebhook(
      { webhookUuid: agent.pre?.webhookUuid ?? '', send: true, ...details() },
      options(),
    );
  }
  await playRefusals(rpc);
  await playStrangers(rpc, port);
  return codes;
}

const options = (headers: Readonly<Record<string, string>> = {}): RpcOptions => ({
  headers: {
    authorization: `Bearer ${TOKEN}`,
    traceparent: `00-${planted('traceparent')}-01`,
    tracestate: `${planted('tracestate')}=1`,
    baggage: `user=${planted('baggage')},callhooks.execution=${planted('execution')}`,
    'callhooks-execution': planted('callingexecution'),
    'x-other': planted('otherheader'),
    ...headers,
  },
});

const details = () => ({
  callerPhone: PHONE,
  dynamicVariables: { customer: planted('variable') },
  metadata: { note: planted('metadata') },
});

async function createAgent(rpc: Rpc, url: string, kind: Kind): Promise<CallAgent> {
  const { WEBHOOK_TYPE_PRE_CALL: preCall, WEBHOOK_TYPE_POST_CALL: postCall } = pb.WebhookType;
  const { agent } = await rpc.agents.createAgent(
    {
      agent: {
        displayName: planted('displayname'),
        dynamicVariables: { customer: planted('default') },
        webhooks: [
          { webhookType: preCall, webhookConfig: config(url, kind, true) },
          { webhookType: postCall, webhookConfig: config(url, kind, false) },
        ],
      },
      secrets: { CRM: planted('secret'), SIGN: SIGNING_SECRET },
    },
    options(),
  );
  const of = (type: pb.WebhookType) => agent?.webhooks.find(({ webhookType }) => webhookType === type);
  return { agentUuid: agent?.agentUuid ?? '', pre: of(preCall), post: of(postCall) };
}

// Both requests are repeated with other call details, which is logged.
async function playCall(rpc: Rpc, { agentUuid }: CallAgent): Promise<string> {
  const call = { agentUuid, conversationUuid: randomUUID(), ...details() };
  const report = { ...call, callSummary: planted('summary') };
  const traced = options({ traceparent: `00-${'1'.repeat(32)}-${'2'.repeat(16)}-01` });
  const { execution } = await rpc.calls.onCallStart(call, traced);
  const { execution: reported } = await rpc.calls.onCallEnd(report, traced);
  await rpc.calls.onCallStart({ ...call, callerPhone: `${PHONE}1` }, options());
  await rpc.calls.onCallEnd({ ...report, callSummary: planted('othersummary') }, options());
  const withToken: Rpc = {
    ...rpc,
    executions: {
      ...rpc.executions,
      getExecution: (request) => rpc.executions.getExecution(request, options()),
    },
  };
  await untilFinished(withToken, reported?.executionUuid);
  return execution === undefined ? '(none)' : failureCodeOf(execution);
}

/** Makes requests that are refused after their message was read. */
async function playRefusals(rpc: Rpc): Promise<void> {
  const webhook = (url: string) => ({
    agent: {
      displayName: planted('displayname'),
      webhooks: [
        {
          webhookType: pb.WebhookType.WEBHOOK_TYPE_PRE_CALL,
          webhookConfig: { apiSchema: { url, method: 'POST', requestBody: { a: planted('refusedbody') } } },
        },
      ],
    },
    secrets: { CRM: planted('refusedsecret') },
  });
  const uuid = planted('uuid');
  const refused = [
    rpc.agents.createAgent(webhook(`http://10.0.0.1/${planted('deniedpath')}`), options()),
    rpc.agents.createAgent(webhook(`http://user:${planted('password')}@crm.example/`), options()),
    rpc.agents.createAgent(webhook(`https://crm.example/{{${planted('name')}}}`), options()),
    rpc.agents.getAgent({ agentUuid: uuid }, options()),
    rpc.webhooks.getWebhook({ webhookUuid: uuid }, options()),
    rpc.webhooks.testWebhook({ webhookUuid: uuid, ...details() }, options()),
    rpc.calls.onCallStart({ agentUuid: uuid, conversationUuid: uuid, ...details() }, options()),
    rpc.calls.onCallEnd({ agentUuid: uuid, conversationUuid: uuid, ...details() }, options()),
    rpc.calls.onCallStart(
      { agentUuid: randomUUID(), conversationUuid: randomUUID(), ...details() },
      options(),
    ),
    rpc.executions.getExecution({ executionUuid: uuid }, options()),
    rpc.executions.listExecutions({ pageToken: planted('pagetoken') }, options()),
    rpc.raw('/callhooks.v1.CallLifecycle/OnCallStart', Buffer.from(planted('bytes')), options()),
  ];
  const results = await Promise.allSettled(refused);
  const answered = results.findIndex(({ status }) => status === 'fulfilled');
  if (answered >= 0) throw new Error(`request ${answered} was not refused`);
}

/** Makes requests that are refused by their headers, and others that are no gRPC at all. */
async function playStrangers(rpc: Rpc, port: number): Promise<void> {
  const none = Buffer.alloc(0);
  const path = '/callhooks.v1.CallLifecycle/OnCallStart';
  // The log shows the first refusal of each second.
  const stranger = options({ authorization: planted('notoken') });
  await rpc.raw(`/${planted('strangerpath')}/${PHONE}`, none, stranger).catch(() => undefined);
  await Promise.allSettled([
    rpc.raw(path, none, options({ authorization: `Bearer ${planted('unknowntoken')}` })),
    rpc.raw(path, none, options({ authorization: planted('notoken') })),
    rpc.raw(`/callhooks.v1.CallLifecycle/${planted('method')}`, none, options()),
    rpc.raw(`/${planted('service')}/${PHONE}`, none, options()),
    rpc.raw('/grpc.reflection.v1.ServerReflection/ServerReflectionInfo', none, options()),
  ]);
  const socket = connectTcp(port, '127.0.0.1')
    .on('error', () => undefined)
    .resume();
  const closed = once(socket, 'close');
  socket.end(`GET /${planted('httppath')} HTTP/1.1\r\nhost: ${planted('httphost')}\r\n\r\n`);
  await closed;
}
