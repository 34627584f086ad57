import { expect } from 'chai';
import { Webhook } from 'standardwebhooks';
import { startTestApp, type TestApp } from '../support/app.ts';
import { makeAgent, newCall, postTo, untilFinished } from '../support/calls.ts';
import { describeEachEngine } from '../support/engines.ts';
import { startReceiver, type ReceivedRequest, type Receiver } from '../support/receiver.ts';

function signingSecret(bytes: number, fill: number): string {
  return `whsec_${Buffer.alloc(bytes, fill).toString('base64')}`;
}

// The shortest and the longest key that a signing secret may have, and one between.
const SECRETS = { current: signingSecret(24, 1), next: signingSecret(32, 2), last: signingSecret(64, 3) };
const OTHER = signingSecret(24, 9);
const BODY = { name: '{{caller_phone}}', text: 'Grüße 👍', list: [1, null, { deep: '\\u0000 "quoted"' }] };

function verify(secret: string, { bytes, headers }: Pick<ReceivedRequest, 'bytes' | 'headers'>): unknown {
  return new Webhook(secret).verify(bytes, headers as Record<string, string>);
}

describeEachEngine('signatures of requests, checked by the official library for JavaScript', (engine) => {
  let app: TestApp;
  let receiver: Receiver;
  let requests: readonly ReceivedRequest[];
  before(async () => {
    receiver = await startReceiver();
    app = await startTestApp(engine, { CALLHOOKS_EGRESS_ALLOW: '127.0.0.0/8' });
    const signed = { signingSecretNames: Object.keys(SECRETS) };
    const agent = await makeAgent(app.rpc, {
      secrets: { ...SECRETS, unused: OTHER },
      pre: postTo(`${receiver.url}/pre`, BODY, signed),
      post: postTo(`${receiver.url}/post`, BODY, signed),
    });
    const call = { ...newCall(agent), callerPhone: '+49301234567' };
    await app.rpc.calls.onCallStart(call);
    const { execution } = await app.rpc.calls.onCallEnd(call);
    await untilFinished(app.rpc, execution?.executionUuid);
    requests = receiver.requests;
  });
  after(async () => {
    await receiver.close();
    await app.close();
  });

  for (const [at, path] of ['/pre', '/post'].entries()) {
    for (const [name, secret] of Object.entries(SECRETS))
      it(`of ${path} verify with the secret ${name} of several`, () => {
        const request = requests[at] as ReceivedRequest;
        expect(request.url).to.equal(path);
        expect(verify(secret, request)).to.deep.equal({ ...BODY, name: '+49301234567' });
      });

    it(`of ${path} do not verify with a secret that is not named, or when a byte or the id has changed`, () => {
      const request = requests[at] as ReceivedRequest;
      const [secret] = Object.values(SECRETS) as [string];
      const bytes = Buffer.from(request.bytes);
      bytes[0] = 0x20;
      const headers = { ...request.headers, 'webhook-id': 'another' };
      const changed: [string, Pick<ReceivedRequest, 'bytes' | 'headers'>][] = [
        [OTHER, request],
        [secret, { ...request, bytes }],
        [secret, { ...request, headers }],
      ];
      for (const [wrong, message] of changed)
        expect(() => verify(wrong, message)).to.throw(/No matching signature/);
    });
  }
});
