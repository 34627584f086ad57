/** Runs the endpoints of examples/receivers/, which verify signatures, behind webhooks of a real server. */
import { randomBytes } from 'node:crypto';
import { join } from 'node:path';
import { expect } from 'chai';
import { Webhook } from 'standardwebhooks';
import * as pb from '../../src/gen/index.callhooks.v1.ts';
import { makeAgent, newCall, postTo, untilFinished } from '../support/calls.ts';
import { startBuiltServer, type BuiltServer } from './built-server.ts';
import { startProgram, type RunningProgram } from './running-program.ts';
import { describeWith, TOOLS } from './tools.ts';

const RECEIVERS = join(import.meta.dirname, '../../examples/receivers');
const newSecret = (): string => `whsec_${randomBytes(32).toString('base64')}`;

const PROGRAMS = {
  TypeScript: { tools: [], command: [process.execPath, join(RECEIVERS, 'typescript/receiver.ts')] },
  Python: { tools: ['python'], command: [TOOLS.python, join(RECEIVERS, 'python/receiver.py')] },
} as const;

for (const [language, { tools, command }] of Object.entries(PROGRAMS))
  describeWith(tools, `The endpoint in ${language}`, function () {
    this.timeout(60_000);
    const secret = newSecret();
    let receiver: RunningProgram;
    let url: string;
    let server: BuiltServer;
    before(async () => {
      receiver = startProgram(command, { SIGNING_SECRET: secret, PORT: '0' });
      [, url = ''] = await receiver.printed(/listening on (\S+)/);
      server = await startBuiltServer();
    });
    after(async () => {
      await server.stop();
      await receiver.stop();
    });

    const agentWith = (signingSecret: string) => {
      const signed = { signingSecretNames: ['KEY'] };
      const assignments = [{ attributeName: 'name', dynamicVariable: 'customer_name' }];
      return makeAgent(server.rpc, {
        variables: { customer_name: 'there' },
        secrets: { KEY: signingSecret },
        pre: postTo(`${url}/lookup`, { caller_phone: '{{caller_phone}}' }, { ...signed, assignments }),
        post: postTo(`${url}/calls`, { duration: '{{call_duration}}' }, signed),
      });
    };
    const post = (path: string, body: string | Buffer, headers: Record<string, string>) =>
      fetch(`${url}${path}`, { method: 'POST', body, headers });
    const signedHeaders = (body: string, key = secret, at = new Date()) => ({
      'webhook-id': 'one',
      'webhook-timestamp': String(Math.floor(at.getTime() / 1000)),
      'webhook-signature': new Webhook(key).sign('one', at, body),
    });

    it('answers a start and takes a report that callhooks has signed', async () => {
      const call = newCall(await agentWith(secret));
      const start = await server.rpc.calls.onCallStart({ ...call, callerPhone: '+14155550123' });
      expect(start.dynamicVariables).to.deep.equal({ customer_name: 'Ada' });
      const { execution } = await server.rpc.calls.onCallEnd(call);
      const report = await untilFinished(server.rpc, execution?.executionUuid);
      expect(report.response?.status).to.equal(204);
      await receiver.printed(/reports: 1$/m);
    });

    it('answers 401 when callhooks signs with another secret', async () => {
      const call = newCall(await agentWith(newSecret()));
      const { execution, degraded } = await server.rpc.calls.onCallStart(call);
      expect(degraded).to.equal(true);
      expect(execution?.failure?.code).to.equal(pb.FailureCode.FAILURE_CODE_HTTP_STATUS);
      expect((await untilFinished(server.rpc, execution?.executionUuid)).response?.status).to.equal(401);
    });

    it('answers 401 to requests without a signature, with a malformed or an old one, or with another body', async () => {
      const body = '{"caller_phone":"+14155550123"}';
      const old = new Date(Date.now() - 10 * 60_000);
      const statuses = [
        await post('/lookup', body, signedHeaders(body)),
        await post('/lookup', body, {}),
        await post('/lookup', body, { ...signedHeaders(body), 'webhook-signature': 'v1' }),
        await post('/lookup', body, { ...signedHeaders(body), 'webhook-timestamp': 'now' }),
        await post('/lookup', body, signedHeaders(body, secret, old)),
        await post('/lookup', `${body} `, signedHeaders(body)),
        await post('/lookup', Buffer.from([0xff]), signedHeaders(body)),
        await post('/lookup', 'no JSON', signedHeaders('no JSON')),
      ].map(({ status }) => status);
      expect(statuses).to.deep.equal([200, ...Array.from({ length: 7 }, () => 401)]);
    });

    it('counts a report once when somebody repeats its request', async () => {
      const body = '{"duration":1}';
      const headers = signedHeaders(body);
      expect((await post('/calls', body, headers)).status).to.equal(204);
      expect((await post('/calls', body, headers)).status).to.equal(204);
      await receiver.printed(/reports: (\d+)\nreports: \1\n/);
    });
  });
