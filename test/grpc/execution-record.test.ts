import { expect } from 'chai';
import type * as pb from '../../src/gen/index.callhooks.v1.ts';
import { startTestApp, type TestApp } from '../support/app.ts';
import {
  makeAgent,
  newCall,
  postTo,
  readExecution,
  untilFinished,
  type AgentParts,
} from '../support/calls.ts';
import { describeEachEngine } from '../support/engines.ts';
import { startReceiver, type Receiver, type Reply } from '../support/receiver.ts';
import type { Partially } from '../support/rpc.ts';

const MASK = '••••••';
const KIB = 1024;
const SECRET = 'a "quoted" secret/with+more';

describeEachEngine('The record of an execution', (engine) => {
  let app: TestApp;
  let receiver: Receiver;
  before(async () => {
    receiver = await startReceiver();
    app = await startTestApp(engine, { CALLHOOKS_EGRESS_ALLOW: '127.0.0.0/8' });
  });
  beforeEach(() => receiver.respond({ body: {} }));
  after(async () => {
    await receiver.close();
    await app.close();
  });

  /** Returns the executions of a start and of an end whose webhooks have this configuration. */
  const recordsOf = async (config: Partially<pb.WebhookConfig>, parts: AgentParts = {}) => {
    const agent = await makeAgent(app.rpc, { ...parts, pre: config, post: config });
    const call = { ...newCall(agent), callerPhone: '+1' };
    const start = (await app.rpc.calls.onCallStart(call)).execution?.executionUuid;
    const end = (await app.rpc.calls.onCallEnd(call)).execution?.executionUuid;
    return [await readExecution(app.rpc, start), await untilFinished(app.rpc, end)];
  };

  it('has the request as it was sent, with secret values masked', async () => {
    const records = await recordsOf(
      {
        apiSchema: {
          url: `${receiver.url}/a?plain={{secret.key}}&signature=abcdefgh&phone={{caller_phone}}`,
          method: 'post',
          requestHeaders: {
            'X-Api-Key': 'literal-api-key',
            Authorization: 'Bearer {{secret.key}}',
            'X-Plain': 'key {{secret.key}}',
            'Content-Type': 'application/json; charset=utf-8',
          },
          requestBody: { key: '{{secret.key}}', text: 'x{{secret.key}}y', phone: '{{caller_phone}}' },
        },
      },
      { secrets: { key: SECRET } },
    );
    const sent = receiver.requests.at(-1);
    expect(sent?.headers).to.include({ 'x-api-key': 'literal-api-key', authorization: `Bearer ${SECRET}` });
    for (const { request } of records) {
      expect(request?.method).to.equal('POST');
      expect(request?.url).to.equal(`${receiver.url}/a?plain=${MASK}&signature=${MASK}&phone=%2B1`);
      expect(request?.body).to.equal(JSON.stringify({ key: MASK, text: `x${MASK}y`, phone: '+1' }));
      // The size is that of the body as it was sent.
      expect(request?.bodySize).to.equal(BigInt(sent?.bytes.length ?? 0));
      const headers = Object.fromEntries((request?.headers ?? []).map(({ name, value }) => [name, value]));
      expect(headers).to.include({ 'x-api-key': MASK, authorization: MASK, 'x-plain': `key ${MASK}` });
      expect(headers).to.include({ 'content-type': 'application/json; charset=utf-8' });
    }
  });

  for (const [title, write] of [
    ['raw', (secret: string) => secret],
    ['as JSON', (secret: string) => JSON.stringify(secret)],
    ['percent-encoded', encodeURIComponent],
  ] as const) {
    it(`masks a secret that the endpoint returns ${title}, in head and body`, async () => {
      receiver.respond({
        headers: { 'x-echo': `<${write(SECRET)}>`, 'set-cookie': 'a=b', 'x-session-token': 'whatever' },
        body: `before ${write(SECRET)} after, literal-api-key`,
      });
      const records = await recordsOf(
        {
          apiSchema: {
            url: `${receiver.url}?k={{secret.key}}`,
            method: 'POST',
            requestHeaders: { 'X-Api-Key': 'literal-api-key' },
          },
        },
        { secrets: { key: SECRET } },
      );
      for (const { response } of records) {
        expect(response?.body.replace(/^before "?/, '').replace(/"? after/, ' after')).to.equal(
          `${MASK} after, ${MASK}`,
        );
        const names = response?.headers.map(({ name }) => name) ?? [];
        expect(names).to.include('x-echo').and.not.include('set-cookie').and.not.include('x-session-token');
        const echo = response?.headers.find(({ name }) => name === 'x-echo')?.value ?? '';
        expect(echo).to.include(MASK).and.not.include('secret');
      }
    });
  }

  const bodies: readonly [title: string, reply: Reply, expected: Partial<pb.ResponseRecord>][] = [
    [
      'the status, and an empty body,',
      { status: 204 },
      { status: 204, body: '', bodySize: 0n, truncated: false, bodyBinary: false },
    ],
    [
      'a text of 4 KiB, all of it',
      { body: 'x'.repeat(4 * KIB) },
      { body: 'x'.repeat(4 * KIB), bodySize: 4096n, truncated: false },
    ],
    [
      'a longer text, cut at 4 KiB',
      { body: 'x'.repeat(4 * KIB + 1) },
      { body: 'x'.repeat(4 * KIB), truncated: true },
    ],
    [
      'a longer text, cut between two characters',
      { body: `xx${'😀'.repeat(2 * KIB)}` },
      { body: `xx${'😀'.repeat(KIB - 1)}`, truncated: true, bodyBinary: false },
    ],
    [
      'the size of a body that is no text, and no bytes of it',
      { body: new Uint8Array([0xff, 0xd8, 0xff]) },
      { body: '', bodyBinary: true, bodySize: 3n, truncated: false },
    ],
    ['the text of an error', { status: 500, body: 'nötig' }, { status: 500, body: 'nötig', bodySize: 6n }],
  ];
  for (const [title, reply, expected] of bodies) {
    it(`has ${title} of a response`, async () => {
      receiver.respond(reply);
      for (const { response } of await recordsOf(postTo(receiver.url)))
        expect(response).to.deep.include(expected);
    });
  }

  it('has the beginning and the size of a long request', async () => {
    const text = `${'x'.repeat(4 * KIB - 1)}😀${'y'.repeat(KIB)}`;
    for (const { request } of await recordsOf(postTo(receiver.url, text)))
      expect(request).to.deep.include({
        body: 'x'.repeat(4 * KIB - 1),
        bodySize: BigInt(Buffer.byteLength(text)),
        truncated: true,
      });
  });

  it('has the assigned variables unmasked, because they are the data of the call', async () => {
    receiver.respond({ body: { id: 12345678901, list: [{ z: 1, a: '😀' }] } });
    const agent = await makeAgent(app.rpc, {
      variables: { id: 0, list: null, other: 'default' },
      pre: postTo(receiver.url, undefined, {
        assignments: [
          { attributeName: 'id', dynamicVariable: 'id' },
          { attributeName: 'list', dynamicVariable: 'list' },
          { attributeName: 'no', dynamicVariable: 'other', defaultValue: 'rule' },
        ],
      }),
    });
    const { execution } = await app.rpc.calls.onCallStart(newCall(agent));
    const { assignedVariables } = await readExecution(app.rpc, execution?.executionUuid);
    expect(assignedVariables).to.deep.equal({ id: 12345678901, list: [{ z: 1, a: '😀' }], other: 'rule' });
  });
});

describeEachEngine('The record of an execution without bodies', (engine) => {
  it('has the sizes of both bodies with CALLHOOKS_RECORD_BODY_BYTES=0, and no bytes of them', async () => {
    const receiver = await startReceiver({ body: 'a body' });
    const env = { CALLHOOKS_EGRESS_ALLOW: '127.0.0.0/8', CALLHOOKS_RECORD_BODY_BYTES: '0' };
    const app = await startTestApp(engine, env);
    try {
      const agent = await makeAgent(app.rpc, { pre: postTo(receiver.url, 'sent') });
      const { execution } = await app.rpc.calls.onCallStart(newCall(agent));
      const { request, response } = await readExecution(app.rpc, execution?.executionUuid);
      expect(receiver.requests[0]?.body).to.equal('sent');
      expect(request).to.deep.include({ body: '', bodySize: 4n, truncated: true });
      expect(response).to.deep.include({ status: 200, body: '', truncated: true });
    } finally {
      await app.close();
      await receiver.close();
    }
  });
});
