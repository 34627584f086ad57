import { readFileSync } from 'node:fs';
import { expect } from 'chai';
import type * as pb from '../../src/gen/index.callhooks.v1.ts';
import { startTestApp, type TestApp } from '../support/app.ts';
import { makeAgent, newCall, postTo } from '../support/calls.ts';
import { describeEachEngine } from '../support/engines.ts';
import { codeOf, importCode } from '../support/page-code.ts';
import { startReceiver, type ReceivedRequest, type Receiver } from '../support/receiver.ts';

interface Verifiers {
  verifyStandard(body: Buffer, headers: ReceivedRequest['headers'], secret: string): unknown;
  verifyHmac(body: Buffer, header: string | undefined, key: string): void;
}

const PAGE = readFileSync(new URL('../../docs/endpoint-guide.md', import.meta.url), 'utf8');
const SECRET = `whsec_${Buffer.alloc(24, 7).toString('base64')}`;
const OTHER = `whsec_${Buffer.alloc(24, 8).toString('base64')}`;
const BODY = { text: 'Grüße 👍', list: [1, null] };
const HMAC: Partial<pb.HmacSignature> = {
  secretName: 'SIGNING_KEY',
  header: 'X-Signature',
  signedPayload: '{timestamp}.{body}',
  headerValue: 't={timestamp},v1={signature}',
};

/** Returns the rows of the table of headers: the names of each with when they are sent. */
function headerRows(): { names: string[]; when: string }[] {
  const table = PAGE.split('\n| header | value | when |\n')[1]?.split('\n\n')[0] ?? '';
  return table
    .split('\n')
    .slice(1)
    .map((row) => row.split(' | '))
    .map(([names = '', , when = '']) => ({
      names: Array.from(names.matchAll(/`([a-z-]+)`/g), ([, name = '']) => name),
      when: when.replace(/ \|$/, ''),
    }));
}

describeEachEngine('docs/endpoint-guide.md', (engine) => {
  let app: TestApp;
  let receiver: Receiver;
  let request: ReceivedRequest;
  let verifiers: Verifiers;
  before(async () => {
    app = await startTestApp(engine, { CALLHOOKS_EGRESS_ALLOW: '127.0.0.0/8' });
    receiver = await startReceiver();
    const agent = await makeAgent(app.rpc, {
      secrets: { SIGNING_KEY: SECRET },
      pre: postTo(receiver.url, BODY, { signingSecretNames: ['SIGNING_KEY'], hmacSignature: HMAC as never }),
    });
    await app.rpc.calls.onCallStart(newCall(agent));
    [request] = (await receiver.waitFor(1)) as [ReceivedRequest];
    verifiers = (await importCode(codeOf(PAGE, 'verify typescript'))) as Verifiers;
  });
  after(async () => {
    await app.close();
    await receiver.close();
  });

  it('names each header that is sent', () => {
    const named = headerRows().flatMap(({ names }) => names);
    expect([...named, 'x-signature']).to.include.members(Object.keys(request.headers));
  });

  it('says "always" and "with a body" of headers that are sent', () => {
    const rows = headerRows().filter(({ when }) => /^(?:always|with a body)/.test(when));
    expect(rows).to.have.length.above(8);
    for (const { names } of rows) expect(request.headers).to.include.all.keys(names);
  });

  it('verifies Standard Webhooks in TypeScript, and refuses another body and another secret', () => {
    expect(verifiers.verifyStandard(request.bytes, request.headers, SECRET)).to.deep.equal(BODY);
    expect(() => verifiers.verifyStandard(Buffer.from('{}'), request.headers, SECRET)).to.throw();
    expect(() => verifiers.verifyStandard(request.bytes, request.headers, OTHER)).to.throw();
  });

  it('verifies the HMAC in TypeScript, and refuses another body, another key and an old header', () => {
    const header = String(request.headers['x-signature']);
    verifiers.verifyHmac(request.bytes, header, SECRET);
    expect(() => verifiers.verifyHmac(Buffer.from('{}'), header, SECRET)).to.throw('does not fit');
    expect(() => verifiers.verifyHmac(request.bytes, header, OTHER)).to.throw('does not fit');
    const old = header.replace(/t=\d+/, 't=1700000000');
    expect(() => verifiers.verifyHmac(request.bytes, old, SECRET)).to.throw('no recent signature');
    expect(() => verifiers.verifyHmac(request.bytes, undefined, SECRET)).to.throw('no recent signature');
  });
});
