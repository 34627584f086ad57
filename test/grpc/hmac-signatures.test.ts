import { createHmac } from 'node:crypto';
import { expect } from 'chai';
import * as pb from '../../src/gen/index.callhooks.v1.ts';
import { makeAgent, newCall, postTo, readExecution, untilFinished } from '../support/calls.ts';
import { describeEachEngine } from '../support/engines.ts';
import type { ReceivedRequest } from '../support/receiver.ts';
import { errorOf, type Partially } from '../support/rpc.ts';
import { useAppWithReceiver } from './app-with-receiver.ts';

const KEY = 'a key with ü, and blanks';
const STANDARD = `whsec_${Buffer.alloc(24, 1).toString('base64')}`;
const BODY = { name: '{{caller_phone}}', text: 'Grüße 👍', list: [1, null] };
const HEADER = 'X-Hub-Signature-256';

function hmacOf(payload: string | Buffer, hash = 'sha256', encoding: 'hex' | 'base64' = 'hex'): string {
  return createHmac(hash, KEY).update(payload).digest(encoding);
}

describeEachEngine('hmac_signature', (engine) => {
  const context = useAppWithReceiver(engine, { body: '{}' });
  const make = (change: Partially<pb.HmacSignature> = {}, apiSchema: Partially<pb.ApiSchema> = {}) => {
    const config = postTo(`${context.receiver.url}/a`, BODY, {
      hmacSignature: { secretName: 'KEY', header: HEADER, ...change },
      signingSecretNames: ['STANDARD'],
    });
    const signed = { ...config, apiSchema: { ...config.apiSchema, ...apiSchema } };
    return makeAgent(context.rpc, {
      variables: { v: 'x' },
      secrets: { KEY, STANDARD },
      pre: signed,
      post: signed,
    });
  };
  const start = async (change?: Partially<pb.HmacSignature>, apiSchema?: Partially<pb.ApiSchema>) => {
    const call = { ...newCall(await make(change, apiSchema)), callerPhone: '+4930123' };
    const { execution } = await context.rpc.calls.onCallStart(call);
    return { executionUuid: execution?.executionUuid ?? '', request: context.lastRequest() };
  };
  const signature = ({ headers }: ReceivedRequest) => String(headers[HEADER.toLowerCase()]);

  it('signs the bytes of the body with HMAC-SHA256 in hex digits where nothing else is set', async () => {
    const { request } = await start();
    expect(request.bytes.toString()).to.contain('Grüße 👍');
    expect(signature(request)).to.equal(hmacOf(request.bytes));
    expect(request.headers['webhook-signature']).to.match(/^v1,/);
  });

  it('signs a post-call in the same way', async () => {
    const { execution } = await context.rpc.calls.onCallEnd(newCall(await make()));
    await untilFinished(context.rpc, execution?.executionUuid);
    const request = context.lastRequest();
    expect(signature(request)).to.equal(hmacOf(request.bytes));
  });

  const bodies: [string, Partially<pb.ApiSchema>, string][] = [
    ['a string body', { requestBody: 'Grüße {{v}}' }, 'Grüße x'],
    ['a form', { requestHeaders: { 'Content-Type': 'application/x-www-form-urlencoded' } }, ''],
    ['a GET without a body', { method: 'GET', requestBody: undefined }, ''],
    ['a POST without a body', { requestBody: undefined }, ''],
  ];
  for (const [title, apiSchema, text] of bodies)
    it(`signs exactly the bytes of ${title}`, async () => {
      const form = title === 'a form' ? { requestBody: { a: '{{v}} &' } } : {};
      const { request } = await start({}, { ...apiSchema, ...form });
      expect(request.bytes.toString()).to.equal(title === 'a form' ? 'a=x%20%26' : text);
      expect(signature(request)).to.equal(hmacOf(request.bytes));
    });

  const algorithms: [pb.HashAlgorithm, string][] = [
    [pb.HashAlgorithm.HASH_ALGORITHM_SHA1, 'sha1'],
    [pb.HashAlgorithm.HASH_ALGORITHM_SHA512, 'sha512'],
  ];
  for (const [hashAlgorithm, name] of algorithms)
    it(`signs with ${name} in base64`, async () => {
      const { request } = await start({ hashAlgorithm, encoding: pb.Encoding.ENCODING_BASE64 });
      expect(signature(request)).to.equal(hmacOf(request.bytes, name, 'base64'));
    });

  it('fills timestamp, execution and body in payload and header, with the timestamp of Standard Webhooks', async () => {
    const { request, executionUuid } = await start({
      signedPayload: 'v0:{timestamp}:{execution_uuid}:{body}',
      headerValue: 'id={execution_uuid}, t={timestamp}, v0={signature}',
    });
    const timestamp = String(request.headers['webhook-timestamp']);
    const payload = `v0:${timestamp}:${executionUuid}:${request.bytes.toString()}`;
    expect(signature(request)).to.equal(`id=${executionUuid}, t=${timestamp}, v0=${hmacOf(payload)}`);
    expect(Math.abs(Date.now() / 1000 - Number(timestamp))).to.be.lessThan(60);
  });

  it('is read with its defaults, and changed alone by its update mask', async () => {
    const { pre } = await make();
    const filled = {
      secretName: 'KEY',
      header: HEADER,
      hashAlgorithm: pb.HashAlgorithm.HASH_ALGORITHM_SHA256,
      encoding: pb.Encoding.ENCODING_HEX,
      signedPayload: '{body}',
      headerValue: '{signature}',
    };
    expect(pre?.webhookConfig?.hmacSignature).to.deep.equal(filled);
    const changed = { ...filled, headerValue: 'sha256={signature}' };
    const update = async (hmacSignature?: Partially<pb.HmacSignature>) => {
      const { webhook } = await context.rpc.webhooks.updateWebhook({
        webhook: { webhookUuid: pre?.webhookUuid ?? '', webhookConfig: { hmacSignature } },
        updateMask: ['webhook_config.hmac_signature'],
      });
      return webhook?.webhookConfig?.hmacSignature;
    };
    expect(await update(changed)).to.deep.equal(changed);
    expect(await update()).to.equal(undefined);
  });

  it('is masked in the record, and where the endpoint returns it', async () => {
    context.receiver.respond((request) => ({
      headers: { 'x-echo': `got ${signature(request)}` },
      body: `got ${signature(request).slice('sha256='.length)}`,
    }));
    const { executionUuid } = await start({ headerValue: 'sha256={signature}', header: HEADER });
    const { request, response } = await readExecution(context.rpc, executionUuid);
    const valueOf = (headers: readonly pb.HttpHeader[] = [], wanted: string) =>
      headers.find(({ name }) => name === wanted)?.value;
    expect(valueOf(request?.headers, HEADER.toLowerCase())).to.equal('••••••');
    expect(valueOf(response?.headers, 'x-echo')).to.equal('got ••••••');
    expect(response?.body).to.equal('got ••••••');
  });

  it('signs a test of a given configuration, and shows the header masked in the preview', async () => {
    const { pre } = await make();
    const webhookConfig = postTo(`${context.receiver.url}/a`, BODY, {
      hmacSignature: { secretName: 'KEY', header: 'X-Other', headerValue: 'v1={signature}' },
    });
    const request = { webhookUuid: pre?.webhookUuid ?? '', webhookConfig };
    const preview = await context.rpc.webhooks.testWebhook(request);
    expect(preview.request?.headers.find(({ name }) => name === 'x-other')?.value).to.equal('••••••');
    const sent = await context.rpc.webhooks.testWebhook({ ...request, send: true });
    expect(sent.failure).to.equal(undefined);
    const { headers, bytes } = context.lastRequest();
    expect(headers['x-other']).to.equal(`v1=${hmacOf(bytes)}`);
  });

  it('fails as RENDER, unsent, when its header would have a line break', async () => {
    const agent = await make({ headerValue: '{body}{signature}' }, { requestBody: 'a\nb' });
    const { execution } = await context.rpc.calls.onCallStart(newCall(agent));
    expect(execution?.failure).to.include({
      code: pb.FailureCode.FAILURE_CODE_RENDER,
      sent: pb.Sent.SENT_NO,
    });
    expect(execution?.failure?.message).to.contain('"x-hub-signature-256" of hmac_signature');
    expect(context.newRequests()).to.deep.equal([]);
  });

  it('refuses to remove its secret, and takes a new value at the next call', async () => {
    const agent = await make();
    const { agentUuid } = agent;
    const error = await errorOf(
      context.rpc.agents.updateAgent({ agent: { agentUuid }, removeSecrets: ['KEY'] }),
    );
    expect(error.reason).to.equal('SECRET_IN_USE');
    expect(error.message).to.contain('"KEY": webhook_config.hmac_signature.secret_name uses it');
    await context.rpc.agents.updateAgent({ agent: { agentUuid }, secrets: { KEY: 'another' } });
    await context.rpc.calls.onCallStart(newCall(agent));
    const request = context.lastRequest();
    expect(signature(request)).to.equal(createHmac('sha256', 'another').update(request.bytes).digest('hex'));
  });
});
