/** Runs the voice platforms of examples/ against a real server. Each of them prints the same lines. */
import { randomUUID } from 'node:crypto';
import { expect } from 'chai';
import { makeAgent, postTo } from '../support/calls.ts';
import { startReceiver, type Receiver, type Reply } from '../support/receiver.ts';
import type { Partially } from '../support/rpc.ts';
import * as pb from '../../src/gen/index.callhooks.v1.ts';
import { startBuiltServer, type BuiltServer } from './built-server.ts';
import { startFlakyServer, type FlakyServer } from './flaky-server.ts';
import { describeWith } from './tools.ts';
import { VOICE_PLATFORMS } from './voice-platforms.ts';

const PHONE = '+14155550123';
const ASSIGN = [
  { attributeName: 'name', dynamicVariable: 'customer_name' },
  { attributeName: 'visits', dynamicVariable: 'visits' },
];

/** What the endpoint answers, how its webhook is set up, and what the platform prints. */
const CALLS: readonly {
  readonly title: string;
  readonly answer: Reply;
  readonly config?: Partially<pb.WebhookConfig>;
  readonly prints: readonly string[];
}[] = [
  {
    title: 'greets with what the endpoint knows, and says 3 rather than 3.0',
    answer: { body: { name: 'Ada', visits: 3 } },
    prints: [
      'start: PROCEED',
      'known: customer_name=Ada',
      'known: plan=',
      'known: vip=true',
      'known: visits=3',
      'say: Hello Ada!',
      'end: ACCEPTED',
      'PRE_CALL: SUCCEEDED',
      'POST_CALL: SUCCEEDED',
    ],
  },
  {
    title: 'greets with the defaults of the agent when the endpoint fails',
    answer: { status: 500 },
    prints: [
      'start: PROCEED, degraded',
      'known: customer_name=there',
      'known: plan=',
      'known: vip=true',
      'known: visits=0.5',
      'say: Hello there!',
      'end: ACCEPTED',
      'PRE_CALL: FAILED, HTTP_STATUS',
      'POST_CALL: SUCCEEDED',
    ],
  },
  {
    title: 'takes no call when the failure policy blocks it',
    answer: { status: 500 },
    config: { failurePolicy: pb.FailurePolicy.FAILURE_POLICY_BLOCK },
    prints: [
      'start: BLOCK',
      "say: Sorry, we can't take your call now. Please try again later.",
      'PRE_CALL: FAILED, HTTP_STATUS',
    ],
  },
  {
    title: 'takes no call that the endpoint rejects, and keeps the reason from the caller',
    answer: { status: 403, body: { why: 'account closed' } },
    config: { rejection: { httpStatuses: [403], reasonAttributeName: 'why' } },
    prints: [
      'start: BLOCK, rejected: account closed',
      "say: Sorry, we can't take your call.",
      'PRE_CALL: SUCCEEDED',
    ],
  },
];

describe('The voice platforms of examples/', function () {
  this.timeout(300_000);
  let endpoint: Receiver;
  let server: BuiltServer;
  let flaky: FlakyServer;
  before(async () => {
    endpoint = await startReceiver();
    server = await startBuiltServer();
    flaky = await startFlakyServer();
  });
  after(async () => {
    flaky.close();
    await server.stop();
    await endpoint.close();
  });

  for (const [language, platform] of Object.entries(VOICE_PLATFORMS))
    describeWith(platform.tools, `in ${language}`, () => {
      before(async () => {
        const { exitCode, stdout, stderr } = (await platform.build?.()) ?? {
          exitCode: 0,
          stdout: '',
          stderr: '',
        };
        expect(exitCode, `${stdout}${stderr}`).to.equal(0);
      });

      /** Returns the exit code and the lines that the platform prints for a call. */
      const take = async (address: string, ...args: readonly string[]) => {
        const env = { PATH: process.env['PATH'] ?? '', CALLHOOKS_ADDRESS: address };
        const { exitCode, stdout, stderr } = await platform.run(args, env);
        return { exitCode, lines: stdout.trimEnd().split('\n'), stderr };
      };

      for (const { title, answer, config, prints } of CALLS)
        it(title, async () => {
          endpoint.respond(({ url }) => (url === '/crm' ? answer : { status: 204 }));
          const { agentUuid } = await makeAgent(server.rpc, {
            variables: { customer_name: 'there', visits: 0.5, vip: true, plan: null },
            pre: postTo(`${endpoint.url}/crm`, {}, { assignments: ASSIGN, ...config }),
            post: postTo(`${endpoint.url}/calls`, { duration: '{{call_duration}}' }),
          });
          const { exitCode, lines, stderr } = await take(server.address, agentUuid, PHONE);
          expect(exitCode, stderr).to.equal(0);
          expect(lines).to.deep.equal(prints);
          if (prints.includes('end: ACCEPTED'))
            expect(endpoint.requests.at(-1)?.body).to.equal('{"duration":42}');
        });

      it('tells the reason when the agent does not exist, and exits with 1', async () => {
        const { exitCode, lines } = await take(server.address, randomUUID(), PHONE);
        expect(exitCode).to.equal(1);
        expect(lines).to.deep.equal(['start: AGENT_NOT_FOUND', "say: Sorry, we can't take your call now."]);
      });

      it('tells each broken rule when the request is malformed, and exits with 1', async () => {
        const { exitCode, lines } = await take(server.address, 'me', '1'.repeat(257));
        expect(exitCode).to.equal(1);
        expect(lines[0]).to.equal('start: VALIDATION_FAILED');
        expect(lines[1]).to.match(/^ {2}agent_uuid must be a UUID/);
        expect(lines[2]).to.match(/^ {2}caller_phone must /);
      });

      it('repeats a start after the delay that the server asks for', async () => {
        const conversation = randomUUID();
        const { lines, stderr } = await take(
          flaky.address,
          randomUUID(),
          'RESOURCE_EXHAUSTED*1+900',
          conversation,
        );
        expect(lines.slice(0, 2), stderr).to.deep.equal(['start: PROCEED', 'say: Hello!']);
        const [first = 0, second = 0] = flaky.attemptsOf(conversation);
        expect(second - first).to.be.at.least(890);
      });

      it('talks without the context when all attempts to start fail, and reports the call', async () => {
        const conversation = randomUUID();
        const { lines, stderr } = await take(flaky.address, randomUUID(), 'UNAVAILABLE*4', conversation);
        expect(lines[0], stderr).to.match(/^start: unavailable$/i);
        expect(lines[1]).to.equal('say: Hello!');
        expect(lines[2]).to.match(/^end: /);
        expect(flaky.attemptsOf(conversation)).to.have.length(5);
      });
    });
});
