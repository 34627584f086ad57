import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect } from 'chai';
import { startHttpbin, type Httpbin } from '../clients/httpbin.ts';
import { describeWith } from '../clients/tools.ts';
import { makeAgent, newCall, untilFinished, type AgentParts, type CallAgent } from '../support/calls.ts';
import { startRawServer, type RawServer } from '../support/raw-server.ts';
import { ECHOES, rawEcho } from './support/echo.ts';
import { startWatchedServer, type WatchedServer } from './support/watched-server.ts';

// Every secret holds this text. Most escapes leave it as it is; at a cut not even all of it may show. Base64 has no
// underscore, so that it stands in no encrypted value by chance.
const MARK = 'M_RK';
const SECRETS = {
  PLAIN: 'M_RKplain8f3a21',
  SPECIAL: `M_RKspecial ü"\\<&>'+%2F/ß`,
  LONG: `M_RKlong${'q7'.repeat(1_000)}`,
  QUERY: 'M_RKquery55d1',
  BODY: 'M_RKbody77aa\twith a tab',
  PATH: 'M_RKhook7f/B0/M_RKlast x%y',
  UNUSED: 'M_RKunused90210',
  PASSWORD: 'M_RKpassword2: ü"',
  TOKEN: 'M_RKtoken-8f3a21',
  HMAC: 'M_RKhmac-key',
  SIGN: `whsec_${Buffer.from('M_RKsigning-key-0123456789abcdef').toString('base64')}`,
};
const PAIR = Buffer.from('user:M_RKpassword1').toString('base64');
const BASIC_PAIR = Buffer.from(`user:${SECRETS.PASSWORD}`).toString('base64');
const HEADERS = {
  Authorization: `Basic ${PAIR}`,
  AccessToken: 'Bearer M_RKaccess31',
  'X-AuthToken': 'M_RKauth32',
  Cookie: 'sid=M_RKcookie33; theme=M_RKtheme34',
  'X-Plain': '{{secret.PLAIN}}',
  'X-Special': '{{secret.SPECIAL}}',
};
/** The texts that may stand nowhere: marks, their escapes by code, and what is not readable of a secret as it is. */
const FORBIDDEN = [
  MARK,
  String.raw`\u004d_\u0052\u004b`,
  '%4d%5f%52%4b',
  '&#77;_&#82;',
  PAIR,
  BASIC_PAIR,
  SECRETS.SIGN.slice(6),
];

function config(url: string, more: object = {}) {
  return {
    apiSchema: {
      url: `${url}?api_key={{secret.QUERY}}&sig={{secret.PLAIN}}&q=1`,
      method: 'POST',
      requestHeaders: HEADERS,
      requestBody: { body: '{{secret.BODY}}', text: 'a {{secret.SPECIAL}}', long: '{{secret.LONG}}' },
    },
    signingSecretNames: ['SIGN'],
    ...more,
  };
}

// Both webhooks prove who calls in every way that needs no TLS.
const BASIC = { $case: 'basic', value: { username: 'user', password: '{{secret.PASSWORD}}' } } as const;
const BEARER = { $case: 'bearer', value: { token: '{{secret.TOKEN}}' } } as const;
const HMAC_SIGNATURE = { secretName: 'HMAC', header: 'X-Hub-Signature', headerValue: 'sha256={signature}' };

function withAuth(url: string, method: typeof BASIC | typeof BEARER) {
  const { apiSchema, ...more } = config(url, { hmacSignature: HMAC_SIGNATURE });
  const { Authorization: _, ...requestHeaders } = HEADERS;
  return { ...more, apiSchema: { ...apiSchema, requestHeaders, auth: { method } } };
}

describe('Secrets that an endpoint sends back', () => {
  let server: WatchedServer;
  let raw: RawServer;
  before(async () => {
    server = await startWatchedServer({ CALLHOOKS_LOG_LEVEL: 'debug' });
    const parts = ['M_RKpassword1', 'M_RKcookie33', ...SECRETS.PATH.split('/')];
    const secrets = [...Object.values(SECRETS), ...Object.values(HEADERS), ...parts];
    raw = await startRawServer((socket, connection) => socket.end(rawEcho(secrets, connection)));
  });
  after(async () => {
    await raw.close();
    await server.close();
  });

  it('stand in no reply, record, log line or metric, and nowhere in the database', async function () {
    this.timeout(120_000);
    const shown: unknown[] = [];
    for (let echo = 0; echo < ECHOES; echo += 1) {
      const webhook = config(`${raw.url}/hooks/{{secret.PATH}}`);
      shown.push(...(await runAll(server, { pre: webhook, post: webhook })));
    }
    expectNone(shown);
    expectNone([server.log(), await metricsOf(server), filesOf(join(server.dataDir, 'data'))]);
  });

  it('stand nowhere when they are credentials of auth, of this webhook or of the other one', async function () {
    this.timeout(120_000);
    const credentials = [SECRETS.PASSWORD, SECRETS.TOKEN, `Basic ${BASIC_PAIR}`, `Bearer ${SECRETS.TOKEN}`];
    const echoes = await startRawServer((socket, connection) => socket.end(rawEcho(credentials, connection)));
    try {
      for (let echo = 0; echo < ECHOES; echo += 1) {
        const pre = withAuth(`${echoes.url}/a`, BASIC);
        const post = withAuth(`${echoes.url}/b`, BEARER);
        expectNone(await runAll(server, { pre, post }));
      }
      expectNone([server.log(), await metricsOf(server), filesOf(join(server.dataDir, 'data'))]);
    } finally {
      await echoes.close();
    }
  });

  it('stand in no record or failure when the response is no JSON and has to be', async function () {
    this.timeout(60_000);
    const assignments = [{ attributeName: 'a', dynamicVariable: 'v', required: true }];
    const pre = config(`${raw.url}/{{secret.PATH}}`, { assignments });
    expectNone(await runAll(server, { pre, variables: { v: null } }));
    expectNone([server.log(), filesOf(join(server.dataDir, 'data'))]);
  });

  // The variable itself is the call's data: it is answered, and lies in the database until retention.
  it('stand in no record of the post-call when the pre-call put one into a variable', async () => {
    const carrier = await startRawServer((socket) => {
      const body = JSON.stringify({ carried: `${SECRETS.UNUSED} ${HEADERS['X-AuthToken']}` });
      socket.end(`HTTP/1.1 200 OK\r\ncontent-length: ${body.length}\r\n\r\n${body}`);
    });
    try {
      const apiSchema = {
        url: `${carrier.url}/`,
        method: 'POST',
        requestHeaders: { 'X-AuthToken': 'M_RKauth32' },
      };
      const assignments = [{ attributeName: 'carried', dynamicVariable: 'carried' }];
      const post = { url: `${carrier.url}/?q={{carried}}`, method: 'POST', requestBody: ['{{carried}}'] };
      const agent = await makeAgent(server.rpc, {
        secrets: SECRETS,
        variables: { carried: '' },
        pre: { apiSchema, assignments },
        post: { apiSchema: { ...post, requestHeaders: { 'X-Carried': '{{carried}}' } } },
      });
      const call = newCall(agent);
      const start = await server.rpc.calls.onCallStart(call);
      expect(start.dynamicVariables).to.deep.equal({ carried: 'M_RKunused90210 M_RKauth32' });
      const { execution } = await server.rpc.calls.onCallEnd(call);
      const { request, response } = await untilFinished(server.rpc, execution?.executionUuid);
      expect(carrier.connections.at(-1)?.received()).to.contain(MARK);
      expect(request?.body).to.equal('["•••••• ••••••"]');
      expectNone([request, response]);
      expectNone([server.log(), await metricsOf(server)]);
    } finally {
      await carrier.close();
    }
  });
});

describeWith(['go-httpbin'], 'Secrets that go-httpbin sends back', () => {
  let server: WatchedServer;
  let httpbin: Httpbin;
  before(async () => {
    server = await startWatchedServer({ CALLHOOKS_LOG_LEVEL: 'debug' });
    httpbin = await startHttpbin();
  });
  after(async () => {
    await httpbin.stop();
    await server.close();
  });

  it('stand nowhere after /anything, /headers, /bearer and /basic-auth', async function () {
    this.timeout(60_000);
    const shown: unknown[] = [];
    for (const path of ['/anything', '/headers', '/bearer', '/basic-auth/user/other', '/response-headers']) {
      const webhook = config(httpbin.url + path);
      const method = path === '/anything' ? 'POST' : 'GET';
      const { requestBody, ...schema } = webhook.apiSchema;
      const headers = path === '/bearer' ? { Authorization: 'Bearer {{secret.PLAIN}}' } : HEADERS;
      const apiSchema = { ...schema, method, requestHeaders: headers };
      const pre = { ...webhook, apiSchema: method === 'GET' ? apiSchema : { ...apiSchema, requestBody } };
      shown.push(...(await runAll(server, { pre, post: pre })));
    }
    expect(textOf(shown)).to.contain('••••••');
    expectNone(shown);
    expectNone([server.log(), await metricsOf(server), filesOf(join(server.dataDir, 'data'))]);
  });
});

/** Runs both webhooks of a new agent and tests them, and returns everything that the RPCs answered. */
async function runAll({ rpc }: WatchedServer, parts: AgentParts): Promise<unknown[]> {
  const agent = await makeAgent(rpc, { ...parts, secrets: SECRETS });
  const call = newCall(agent);
  const start = await rpc.calls.onCallStart(call);
  const end = await rpc.calls.onCallEnd(call);
  const ids = [start.execution, end.execution].flatMap((execution) => execution?.executionUuid ?? []);
  const finished = await Promise.all(ids.map((id) => untilFinished(rpc, id)));
  expect(finished.every(({ request }) => request !== undefined)).to.equal(true);
  return [start, end, finished, await readAll(rpc, agent), await testAll(rpc, agent)];
}

async function readAll(rpc: WatchedServer['rpc'], { agentUuid }: CallAgent): Promise<unknown[]> {
  return [
    await rpc.agents.getAgent({ agentUuid }),
    await rpc.agents.listAgents({}),
    await rpc.webhooks.listWebhooks({ agentUuid }),
    await rpc.executions.listExecutions({ agentUuid }),
  ];
}

async function testAll(rpc: WatchedServer['rpc'], { pre, post }: CallAgent): Promise<unknown[]> {
  const shown: unknown[] = [];
  for (const webhook of [pre, post]) {
    if (webhook === undefined) continue;
    for (const send of [false, true])
      shown.push(await rpc.webhooks.testWebhook({ webhookUuid: webhook.webhookUuid, send }));
  }
  return shown;
}

async function metricsOf({ opsAddress }: WatchedServer): Promise<string> {
  return (await fetch(`http://${opsAddress}/metrics`)).text();
}

/** Returns the bytes of all files of a folder as Latin-1: the database, its WAL, its lock. */
function filesOf(folder: string): string {
  const files = readdirSync(folder).filter((name) => !name.endsWith('.key') && !name.endsWith('-shm'));
  expect(files).to.include('callhooks.db-wal');
  return files.map((name) => readFileSync(join(folder, name), 'latin1')).join('\n');
}

function expectNone(shown: readonly unknown[]): void {
  for (const part of shown) {
    // The base64 of a signature holds every text of four letters by chance, in one of some thousand runs.
    const text = textOf(part).replaceAll(/\bv1,[A-Za-z0-9+/]{43}=/g, '');
    for (const forbidden of FORBIDDEN) {
      const at = text.toLowerCase().indexOf(forbidden.toLowerCase());
      expect(at === -1 ? '' : text.slice(Math.max(0, at - 200), at + 80)).to.equal('');
    }
  }
}

function textOf(shown: unknown): string {
  if (typeof shown === 'string') return shown;
  return JSON.stringify(shown, (_, value: unknown) => (typeof value === 'bigint' ? String(value) : value));
}
