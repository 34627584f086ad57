import { createRequire } from 'node:module';
import { expect } from 'chai';
import type * as pb from '../../src/gen/index.callhooks.v1.ts';
import { makeAgent, newCall, postTo } from '../support/calls.ts';
import { startReceiver, type ReceivedRequest, type Receiver } from '../support/receiver.ts';
import type { Partially } from '../support/rpc.ts';
import { startBuiltServer, type BuiltServer } from './built-server.ts';
import { describeWith, TOOLS } from './tools.ts';

const load = createRequire(TOOLS.signatures);

/** Verifies a body by the value of its signature header. Rejects or returns false for a wrong one. */
type Verify = (body: string, header: string, secret: string) => unknown;

interface Octokit {
  verify(secret: string, body: string, header: string): Promise<boolean>;
}
/** What the clients of Stripe and ElevenLabs have in common. */
interface WebhookClient {
  readonly webhooks: { constructEvent(body: string, header: string, secret: string): unknown };
}

function octokit(): Verify {
  // The package exports nothing to `require`, so this names its file.
  const { verify } = load('./node_modules/@octokit/webhooks-methods/dist-node/index.js') as Octokit;
  return (body, header, secret) => verify(secret, body, header);
}

function stripe(): Verify {
  const Stripe = load('stripe') as new (key: string) => WebhookClient;
  return (body, header, secret) => new Stripe('sk_test_1').webhooks.constructEvent(body, header, secret);
}

function elevenLabs(): Verify {
  const { ElevenLabsClient } = load('@elevenlabs/elevenlabs-js') as {
    readonly ElevenLabsClient: new (options: { apiKey: string }) => WebhookClient;
  };
  return (body, header, secret) =>
    new ElevenLabsClient({ apiKey: 'x' }).webhooks.constructEvent(body, header, secret);
}

const SECRET = 'whsec_key with ü';
const BODY = { object: 'event', text: 'Grüße 👍 \u0000', list: [1, null] };
const TIMED = { signedPayload: '{timestamp}.{body}' };

const ROWS: readonly (readonly [name: string, verifier: () => Verify, Partially<pb.HmacSignature>])[] = [
  ['GitHub', octokit, { header: 'X-Hub-Signature-256', headerValue: 'sha256={signature}' }],
  ['Stripe', stripe, { ...TIMED, header: 'Stripe-Signature', headerValue: 't={timestamp},v1={signature}' }],
  [
    'ElevenLabs',
    elevenLabs,
    { ...TIMED, header: 'ElevenLabs-Signature', headerValue: 't={timestamp},v0={signature}' },
  ],
];

describeWith(['signatures'], 'hmac_signature, checked by the libraries of other senders', function () {
  this.timeout(60_000);
  let server: BuiltServer;
  let receiver: Receiver;
  before(async () => {
    server = await startBuiltServer();
    receiver = await startReceiver();
  });
  after(async () => {
    await receiver.close();
    await server.stop();
  });

  const sign = async (hmacSignature: Partially<pb.HmacSignature>) => {
    const agent = await makeAgent(server.rpc, {
      secrets: { SECRET },
      pre: postTo(receiver.url, BODY, { hmacSignature: { secretName: 'SECRET', ...hmacSignature } }),
    });
    await server.rpc.calls.onCallStart(newCall(agent));
    const { body, headers } = receiver.requests.at(-1) as ReceivedRequest;
    return { body, header: String(headers[hmacSignature.header?.toLowerCase() ?? '']) };
  };

  for (const [name, verifier, signature] of ROWS)
    it(`verifies as ${name} does, and not with another secret, body or header`, async () => {
      const verify = verifier();
      const { body, header } = await sign(signature);
      const isVerified = async (...message: Parameters<Verify>) => {
        try {
          return (await verify(...message)) !== false;
        } catch {
          return false;
        }
      };
      expect(JSON.parse(body)).to.deep.equal(BODY);
      const wrong = header.replace(/.$/, (last) => (last === '0' ? '1' : '0'));
      expect(await isVerified(body, header, SECRET), header).to.equal(true);
      expect(await isVerified(body, header, 'another')).to.equal(false);
      expect(await isVerified(`${body} `, header, SECRET)).to.equal(false);
      expect(await isVerified(body, wrong, SECRET)).to.equal(false);
    });
});
