import { spawn, spawnSync } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { text } from 'node:stream/consumers';
import { fileURLToPath } from 'node:url';
import { expect } from 'chai';
import type { Partially } from '../support/rpc.ts';
import * as pb from '../../src/gen/index.callhooks.v1.ts';
import { startTestApp, type TestApp } from '../support/app.ts';
import { makeAgent, newCall, postTo, untilFinished, type AgentParts } from '../support/calls.ts';
import { describeWithTools } from '../support/describe-with-tools.ts';
import { sqliteEngine } from '../support/engines.ts';
import { startReceiver, type Receiver } from '../support/receiver.ts';
import { startProcess } from '../support/server-process.ts';

const { FAILURE_POLICY_BLOCK } = pb.FailurePolicy;

const MAIN = fileURLToPath(new URL('../../src/main.ts', import.meta.url));
const SCRIPT = spawnSync('script', ['--version']).status === 0;

const sqlite = sqliteEngine();
if (sqlite !== undefined)
  describe('callhooks explain', () => {
    let app: TestApp;
    let crm: Receiver;
    before(async () => {
      crm = await startReceiver();
      app = await startTestApp(sqlite, {
        CALLHOOKS_EGRESS_ALLOW: '127.0.0.0/8',
        CALLHOOKS_RECORD_BODY_BYTES: '200',
      });
    });
    after(async () => {
      await crm.close();
      await app.close();
    });

    const run = (...args: string[]) =>
      startProcess(['explain', ...args], { CALLHOOKS_ADDRESS: `127.0.0.1:${app.port}` }).ended();

    const assignments = [
      { attributeName: 'customer.full_name', dynamicVariable: 'customer_name' },
      { attributeName: 'customer.plan', dynamicVariable: 'plan' },
      { attributeName: 'customer.tier', dynamicVariable: 'tier', defaultValue: 'basic' },
    ];

    const crmAgent = (more: Partially<pb.WebhookConfig> = {}, parts: AgentParts = {}) =>
      makeAgent(app.rpc, {
        variables: { customer_name: 'there', plan: 'unknown', tier: '', language: 'en', mood: 'calm' },
        pre: postTo(
          `${crm.url}/lookup`,
          { phone: '{{caller_phone}}', way: '{{metadata.way}}' },
          { assignments, ...more },
        ),
        ...parts,
      });

    /** Starts a call of an agent and returns the page about it. */
    async function explainStart(
      agent: { agentUuid: string },
      start: Partially<pb.OnCallStartRequest> = {},
      deadlineMs = 30_000,
    ): Promise<string> {
      const call = newCall(agent);
      await app.rpc.calls.onCallStart({ ...call, callerPhone: '+1', ...start }, { deadlineMs });
      const { exitCode, stdout, stderr } = await run('--conversation', call.conversationUuid);
      expect([exitCode, stderr]).to.deep.equal([0, '']);
      return stdout;
    }

    it('says where each variable has its value from, which rule missed, and what stood there instead', async () => {
      crm.respond({ body: { customer: { fullName: 'Ada', plan: 'gold' } } });
      const page = await explainStart(await crmAgent(), { dynamicVariables: { language: 'de' } });
      for (const line of [
        /^== Pre-call [0-9a-f-]{36}: SUCCEEDED$/m,
        /^ {2}The endpoint answered, but 1 assignment took no value\.$/m,
        /^ {2}PROCEED: the webhook succeeded and rejected nothing\.$/m,
        /^ {2}customer_name += "there" +from the default of the agent \(its assignment from customer\.full_name took no value\)$/m,
        /^ {2}plan += "gold" +from the response: customer\.plan$/m,
        /^ {2}tier += "basic" +from the default_value of its assignment$/m,
        /^ {2}language += "de" +from OnCallStart \(no assignment sets it\)$/m,
        /^ {2}mood += "calm" +from the default of the agent \(no assignment sets it\)$/m,
        /^ {2}customer\.full_name → customer_name: it is not in the response$/m,
        /^ {4}customer is an object with the keys fullName, plan; there is customer\.fullName$/m,
        /^ {2}\{\{metadata\.way\}\}$/m,
        /^ {2}POST http:\/\/127\.0\.0\.1:\d+\/lookup$/m,
        /^ {2}HTTP status 200$/m,
        /It is the same today\.$/m,
        /^ {2}It was allowed 10\.0 s: response_timeout_secs of the webhook\.$/m,
        /^ {2}total +[\d.]+ ms +in all$/m,
        /^There is no post-call on record/m,
      ])
        expect(page).to.match(line);
    });

    it('says that the failure policy decided, and that nothing was assigned', async () => {
      crm.respond({ status: 503, body: 'busy' });
      const page = await explainStart(await crmAgent({ failurePolicy: FAILURE_POLICY_BLOCK }));
      expect(page).to.match(
        /: FAILED\n\nWhy\n {2}HTTP_STATUS: .*503.*\n {2}The endpoint has seen the request/,
      );
      expect(page).to.contain(
        'BLOCK: the webhook failed, and its failure_policy was BLOCK when the call started.',
      );
      expect(page).to.contain('(the webhook failed, so nothing was assigned)');
      expect(page).to.contain('\n  busy\n');
    });

    it('says that the call proceeds degraded', async () => {
      crm.respond({ status: 500 });
      expect(await explainStart(await crmAgent())).to.contain('PROCEED, degraded: the webhook failed');
    });

    it('says that the endpoint rejected the call, and its reason', async () => {
      crm.respond({ status: 403, body: { why: 'a spam number' } });
      const rejection = { httpStatuses: [403], reasonAttributeName: 'why' };
      const page = await explainStart(await crmAgent({ rejection }));
      expect(page.replaceAll('\n  ', ' ')).to.contain(
        'BLOCK: the endpoint rejected the call, because the status 403 is in rejection.http_statuses of the webhook. ' +
          'Its reason: a spam number',
      );
      expect(page).to.contain('(the call was rejected, so nothing was assigned)');
    });

    it('says that the deadline of OnCallStart limited the time', async () => {
      crm.respond({ body: {} });
      const page = await explainStart(await crmAgent({ responseTimeoutSecs: 7 }), {}, 3_000);
      expect(page.replaceAll('\n  ', ' ')).to.match(
        /It was allowed [\d.]+ s: the deadline of OnCallStart left no more; .* would have had 7 s\./,
      );
    });

    it('finds the keys of a response whose record was cut, and says where it was cut', async () => {
      crm.respond({ body: { customer: { name: 'Ada', note: 'x'.repeat(400) } } });
      const page = await explainStart(await crmAgent());
      expect(page)
        .to.contain('customer is an object with the key name')
        .and.to.match(/\(cut: the record has \d+ bytes of/);
    });

    it('prints nothing that a terminal acts on, whatever the endpoint and the caller say', async () => {
      const evil = '\u001b]0;owned\u0007\u001b[2J\r\u202e\u009b31m';
      crm.respond({
        headers: { 'x-evil': Buffer.from('\u009b2J').toString('latin1') },
        body: { customer: { [evil]: evil, plan: evil } },
      });
      const page = await explainStart(await crmAgent(), {
        dynamicVariables: { mood: evil },
        callerPhone: evil,
      });
      expect(page).to.contain(String.raw`\u001b]0;owned\u0007`);
      expect(page.replaceAll('\n', '')).to.not.match(/[\p{Cc}\p{Bidi_Control}]/u);
    });

    describe('of an execution whose webhook is another one today', () => {
      const changes: [string, (agent: Awaited<ReturnType<typeof crmAgent>>) => Promise<unknown>, RegExp][] = [
        [
          'was disabled',
          ({ pre }) =>
            app.rpc.webhooks.updateWebhook({
              webhook: { webhookUuid: pre?.webhookUuid ?? '', disabled: true },
              updateMask: ['disabled'],
            }),
          /It was changed later \(20\S+Z\): its revision\s+today is \S+, and it is disabled\./,
        ],
        [
          'was deleted',
          ({ pre }) => app.rpc.webhooks.deleteWebhook({ webhookUuid: pre?.webhookUuid ?? '' }),
          /The webhook was deleted later\./,
        ],
        [
          'was deleted with its agent',
          ({ agentUuid }) => app.rpc.agents.deleteAgent({ agentUuid }),
          /The agent was deleted\s+later\./,
        ],
      ];
      for (const [title, change, says] of changes) {
        it(`says that it ${title}`, async () => {
          crm.respond({ body: { customer: { plan: 'gold' } } });
          const agent = await crmAgent();
          const call = newCall(agent);
          const { execution } = await app.rpc.calls.onCallStart(call);
          await change(agent);
          const { stdout } = await run('--execution', execution?.executionUuid ?? '');
          expect(stdout.replaceAll('\n  ', ' ')).to.match(says);
          // Which rule set it is not known any more.
          expect(stdout).to.match(/plan += "gold" +from the response$/m);
        });
      }
    });

    it('shows the start and the end of a call in their order', async () => {
      crm.respond({ body: {} });
      const agent = await crmAgent({}, { post: postTo(`${crm.url}/calls`, { note: '{{mood}}' }) });
      const call = newCall(agent);
      await app.rpc.calls.onCallStart(call);
      const { execution } = await app.rpc.calls.onCallEnd(call);
      await untilFinished(app.rpc, execution?.executionUuid);
      const { stdout } = await run('--conversation', call.conversationUuid);
      expect(stdout)
        .to.match(/== Pre-call [^]*== Post-call /)
        .and.to.contain('"note": "calm"');
      expect(stdout).not.to.contain('There is no');
      const json = JSON.parse((await run('--conversation', call.conversationUuid, '--json')).stdout);
      expect(json.executions.map((each: any) => each.execution.webhook_type)).to.deep.equal([
        'WEBHOOK_TYPE_PRE_CALL',
        'WEBHOOK_TYPE_POST_CALL',
      ]);
      expect(json.executions[0]).to.deep.nested.include({
        'variable_sources.mood': 'VARIABLE_SOURCE_DEFAULT',
        'webhook_today.state': 'same',
      });
    });

    it('exits with 1 for a conversation without executions', async () => {
      const { exitCode, stdout, stderr } = await run('--conversation', randomUUID());
      expect([exitCode, stdout]).to.deep.equal([1, '']);
      expect(stderr).to.contain('there is no execution for this conversation');
    });

    it('exits with 1 for an execution that does not exist', async () => {
      const { exitCode, stderr } = await run('--execution', randomUUID());
      expect([exitCode, stderr.includes('EXECUTION_NOT_FOUND')]).to.deep.equal([1, true]);
    });

    const wrong: [string[], string][] = [
      [[], 'give one of --conversation, --execution and --follow'],
      [['--follow', '--execution', randomUUID()], 'give one of'],
      [['--execution', randomUUID(), '--state', 'failed'], '--state needs --follow'],
      [['--follow', '--state', 'faild'], '--state has no value faild: did you mean FAILED?'],
      [['--follow', '--failure-code', 'UNSPECIFIED'], '--failure-code has no value'],
      [['--follow', '--since', 'yesterday'], '--since must be a time'],
      [['--follow', '--since', '25h'], '--since must be at most 24 hours ago'],
      [['--follow', '--interval', '1'], 'no option --interval'],
    ];
    for (const [args, problem] of wrong) {
      it(
        `exits with 64 for ${args.join(' ') || 'no options'}`.replaceAll(/[0-9a-f-]{36}/g, 'UUID'),
        async () => {
          const { exitCode, stderr } = await run(...args);
          expect([exitCode, stderr.includes(problem)], stderr).to.deep.equal([64, true]);
        },
      );
    }

    describeWithTools(
      { missing: SCRIPT ? [] : ['script (bsdutils)'], target: 'test' },
      'on a terminal',
      () => {
        /** Runs a command on a pseudo terminal. Returns what the terminal gets. */
        async function onTerminal(env: Record<string, string>): Promise<string> {
          const call = newCall(await crmAgent());
          await app.rpc.calls.onCallStart(call);
          const command = `'${process.execPath}' '${MAIN}' explain --conversation ${call.conversationUuid}`;
          const child = spawn('script', ['-qec', command, '/dev/null'], {
            env: {
              PATH: process.env['PATH'],
              TERM: 'xterm',
              CALLHOOKS_ADDRESS: `127.0.0.1:${app.port}`,
              ...env,
            },
            stdio: ['ignore', 'pipe', 'inherit'],
          });
          return text(child.stdout);
        }

        it('prints colours', async () => {
          crm.respond({ status: 503 });
          expect(await onTerminal({})).to.contain('\u001b[31mFAILED\u001b[39m');
        });

        it('prints no colours with NO_COLOR', async () => {
          crm.respond({ status: 503 });
          const page = await onTerminal({ NO_COLOR: '1' });
          expect(page).to.contain(': FAILED').and.not.to.contain('\u001b');
        });
      },
    );
  });
