import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect } from 'chai';
import { makeAgent, newCall, postTo } from '../support/calls.ts';
import { codeOf } from '../support/page-code.ts';
import { startReceiver } from '../support/receiver.ts';
import { startBuiltServer } from './built-server.ts';
import { runProgram } from './programs.ts';
import { describeWith, TOOLS } from './tools.ts';

const PAGE = readFileSync(join(import.meta.dirname, '../../docs/endpoint-guide.md'), 'utf8');
const SECRET = `whsec_${Buffer.alloc(24, 7).toString('base64')}`;
const OTHER = `whsec_${Buffer.alloc(24, 8).toString('base64')}`;
const BODY = { text: 'Grüße 👍', list: [1, null] };

/** Calls both functions of the page with each message, and prints what they returned, or the name of the error. */
const MAIN = `
import json, sys

def outcome(verify, *arguments):
    try:
        return verify(*arguments)
    except Exception as error:
        return type(error).__name__

results = []
for message in json.load(sys.stdin):
    body, headers, secret = message["body"].encode(), message["headers"], message["secret"]
    results.append(outcome(verify_standard, body, headers, secret))
    results.append(outcome(verify_hmac, body, headers["x-signature"], secret))
print(json.dumps(results))
`;

describeWith(['python'], 'docs/endpoint-guide.md, in Python', function () {
  this.timeout(60_000);

  it('verifies both signatures, and refuses another body and another secret', async () => {
    const receiver = await startReceiver();
    const server = await startBuiltServer();
    const hmacSignature = {
      secretName: 'SIGNING_KEY',
      header: 'X-Signature',
      signedPayload: '{timestamp}.{body}',
      headerValue: 't={timestamp},v1={signature}',
    };
    const agent = await makeAgent(server.rpc, {
      secrets: { SIGNING_KEY: SECRET },
      pre: postTo(receiver.url, BODY, { signingSecretNames: ['SIGNING_KEY'], hmacSignature }),
    });
    await server.rpc.calls.onCallStart(newCall(agent));
    await server.stop();
    await receiver.close();
    const [request] = receiver.requests;
    const message = { body: request?.body, headers: request?.headers, secret: SECRET };
    const { exitCode, stdout, stderr } = await runProgram(
      TOOLS.python,
      ['-c', codeOf(PAGE, 'verify python') + MAIN],
      { input: JSON.stringify([message, { ...message, secret: OTHER }, { ...message, body: '{}' }]) },
    );
    expect(exitCode, stderr).to.equal(0);
    const refused = ['WebhookVerificationError', 'ValueError'];
    expect(JSON.parse(stdout)).to.deep.equal([BODY, null, ...refused, ...refused]);
  });
});
