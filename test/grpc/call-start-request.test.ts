import { createHmac } from 'node:crypto';
import { expect } from 'chai';
import { VERSION } from '../../src/version.ts';
import { makeAgent, newCall, postTo } from '../support/calls.ts';
import { describeEachEngine } from '../support/engines.ts';
import { useAppWithReceiver } from './app-with-receiver.ts';

const TRACE = '0af7651916cd43dd8448eb211c80319c';
const REPLY = { body: { name: 'Ada', tier: { level: 3 } } };

describeEachEngine('OnCallStart', (engine) => {
  const test = useAppWithReceiver(engine, REPLY);

  it('sends one request as the template says, with the headers that identify it', async () => {
    const agent = await makeAgent(test.rpc, {
      variables: { plan: 'none', tags: null },
      pre: {
        apiSchema: {
          url: `${test.receiver.url}/calls/{{plan}}?phone={{caller_phone}}`,
          method: 'put',
          requestHeaders: { 'X-Plan': 'is {{plan}}' },
          requestBody: {
            agent: '{{agent_uuid}}',
            conversation: '{{conversation_uuid}}',
            tags: '{{tags}}',
            from: '{{metadata.direction}}',
            text: 'plan {{plan}}',
          },
        },
      },
    });
    const call = newCall(agent);
    const { execution } = await test.rpc.calls.onCallStart({
      ...call,
      callerPhone: '+1 415',
      dynamicVariables: { plan: 'ä/ö', tags: ['😀', 2 ** 53 + 2] },
      metadata: { direction: 'inbound' },
    });
    const { method, url, headers, body } = test.lastRequest();
    expect({ method, url }).to.deep.equal({
      method: 'PUT',
      url: '/calls/%C3%A4%2F%C3%B6?phone=%2B1%20415',
    });
    expect(body).to.equal(
      JSON.stringify({
        agent: call.agentUuid,
        conversation: call.conversationUuid,
        tags: ['😀', 9007199254740994],
        from: 'inbound',
        text: 'plan ä/ö',
      }),
    );
    const uuid = execution?.executionUuid ?? '';
    const { host, connection, 'content-length': length, ...others } = headers;
    expect(others).to.deep.equal({
      accept: 'application/json, */*;q=0.5',
      'accept-encoding': 'identity',
      baggage: `callhooks.execution=${uuid}`,
      'callhooks-execution': uuid,
      'content-type': 'application/json',
      'idempotency-key': uuid,
      'user-agent': `callhooks/${VERSION}`,
      'x-plan': 'is ä/ö',
    });
    expect(Number(length)).to.equal(Buffer.byteLength(body));
    expect([host, connection]).to.deep.equal([`127.0.0.1:${test.receiver.port}`, 'keep-alive']);
  });

  it('sends the user-agent, accept and idempotency-key that the webhook configures instead of its own', async () => {
    const requestHeaders = {
      'User-Agent': 'crm',
      Accept: 'application/vnd.crm+json',
      'Idempotency-Key': '{{conversation_uuid}}',
    };
    const agent = await makeAgent(test.rpc, {
      pre: { apiSchema: { url: test.receiver.url, method: 'POST', requestHeaders } },
    });
    const call = newCall(agent);
    await test.rpc.calls.onCallStart(call);
    expect(test.lastRequest().headers).to.include({
      'user-agent': 'crm',
      accept: 'application/vnd.crm+json',
      'idempotency-key': call.conversationUuid,
    });
  });

  it('sends the content type that the webhook configures, also without a body', async () => {
    const requestHeaders = { 'Content-Type': 'application/json' };
    const agent = await makeAgent(test.rpc, {
      pre: { apiSchema: { url: test.receiver.url, method: 'GET', requestHeaders } },
    });
    await test.rpc.calls.onCallStart(newCall(agent));
    const { method, headers, body } = test.lastRequest();
    expect([method, headers['content-type'], body]).to.deep.equal(['GET', 'application/json', '']);
  });

  for (const [title, traceparent, expected] of [
    [
      'a span of its own in the trace of the caller',
      `00-${TRACE}-b7ad6b7169203331-01`,
      /^00-TRACE-(?!b7ad6b7169203331)[0-9a-f]{16}-01$/,
    ],
    [
      'a trace that is not sampled as not sampled',
      `00-${TRACE}-b7ad6b7169203331-00`,
      /^00-TRACE-[0-9a-f]{16}-00$/,
    ],
    ['no trace when the caller sent none', undefined, undefined],
    ['no trace when the caller’s is malformed', `00-${TRACE}-xyz-01`, undefined],
    ['no trace when the caller’s is in capitals', `00-${TRACE.toUpperCase()}-b7ad6b7169203331-01`, undefined],
    ['no trace when the caller’s id is all zeros', `00-${'0'.repeat(32)}-b7ad6b7169203331-01`, undefined],
    ['no trace when the caller’s span is all zeros', `00-${TRACE}-${'0'.repeat(16)}-01`, undefined],
  ] as const) {
    it(`sends ${title}`, async () => {
      const agent = await makeAgent(test.rpc, { pre: postTo(test.receiver.url) });
      const headers = {
        baggage: 'user=1,callhooks.execution=not-one',
        tracestate: 'a=b',
        ...(traceparent ? { traceparent } : {}),
      };
      const { execution } = await test.rpc.calls.onCallStart(newCall(agent), { headers });
      const sent = test.lastRequest().headers;
      if (expected === undefined) expect(sent).to.not.have.property('traceparent');
      else expect(String(sent['traceparent']).replace(TRACE, 'TRACE')).to.match(expected);
      expect(sent).to.not.have.property('tracestate');
      expect(sent['baggage']).to.equal(`callhooks.execution=${execution?.executionUuid}`);
    });
  }

  it('renders placeholders without a value as null, and lists them in order of use', async () => {
    const agent = await makeAgent(test.rpc, {
      variables: { known: { a: 1 } },
      pre: postTo(test.receiver.url, {
        first: '{{metadata.b}}',
        second: '{{known.z}} {{caller_phone}}',
        third: '{{metadata.b}}',
        fourth: '{{known.a}}',
      }),
    });
    const { execution } = await test.rpc.calls.onCallStart(newCall(agent));
    expect(execution?.missingVariables).to.deep.equal(['metadata.b', 'known.z', 'caller_phone']);
    expect(test.lastRequest().body).to.equal('{"first":null,"second":" ","third":null,"fourth":1}');
  });

  it('signs the request with every signing secret, as Standard Webhooks says', async () => {
    const keys = [Buffer.alloc(24, 1), Buffer.alloc(64, 2)];
    const agent = await makeAgent(test.rpc, {
      secrets: Object.fromEntries(keys.map((key, i) => [`s${i}`, `whsec_${key.toString('base64')}`])),
      pre: postTo(test.receiver.url, { a: '😀' }, { signingSecretNames: ['s0', 's1'] }),
    });
    const { execution } = await test.rpc.calls.onCallStart(newCall(agent));
    const { headers, bytes } = test.lastRequest();
    const { 'webhook-id': id, 'webhook-timestamp': at, 'webhook-signature': signature } = headers;
    expect(id).to.equal(execution?.executionUuid);
    expect(Math.abs(Number(at) - Date.now() / 1000)).to.be.lessThan(60);
    const expected = keys.map(
      (key) =>
        `v1,${createHmac('sha256', key)
          .update(`${String(id)}.${String(at)}.`)
          .update(bytes)
          .digest('base64')}`,
    );
    expect(String(signature).split(' ')).to.deep.equal(expected);
  });
});
