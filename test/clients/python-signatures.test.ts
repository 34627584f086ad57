import { join } from 'node:path';
import { expect } from 'chai';
import { makeAgent, newCall, postTo } from '../support/calls.ts';
import { startReceiver } from '../support/receiver.ts';
import { startBuiltServer } from './built-server.ts';
import { runProgram } from './programs.ts';
import { describeWith, TOOLS } from './tools.ts';

const PROGRAM = join(import.meta.dirname, 'python/verify.py');
const secretOf = (bytes: number, fill: number): string =>
  `whsec_${Buffer.alloc(bytes, fill).toString('base64')}`;

describeWith(['python'], 'signatures, checked by the official library for Python', function () {
  this.timeout(60_000);

  it('verify with each secret of several, and with no other secret or body', async () => {
    const secrets = { current: secretOf(24, 1), next: secretOf(64, 2) };
    const receiver = await startReceiver();
    const server = await startBuiltServer();
    const body = { text: 'Grüße 👍' };
    const agent = await makeAgent(server.rpc, {
      secrets,
      pre: postTo(receiver.url, body, { signingSecretNames: Object.keys(secrets) }),
    });
    await server.rpc.calls.onCallStart(newCall(agent));
    await server.stop();
    await receiver.close();
    const [request] = receiver.requests;
    const message = { body: request?.body, headers: request?.headers };
    const messages = [
      { ...message, secret: secrets.current },
      { ...message, secret: secrets.next },
      { ...message, secret: secretOf(24, 9) },
      { ...message, secret: secrets.current, body: '{}' },
    ];
    const { exitCode, stdout, stderr } = await runProgram(TOOLS.python, [PROGRAM], {
      input: JSON.stringify(messages),
    });
    expect(exitCode, stderr).to.equal(0);
    const error = 'WebhookVerificationError';
    expect(JSON.parse(stdout)).to.deep.equal([body, body, error, error]);
  });
});
