import { randomUUID } from 'node:crypto';
import { expect } from 'chai';
import type * as pb from '../../src/gen/index.callhooks.v1.ts';
import { STATE, toBytes } from '../../src/store/sql/column-values.ts';
import { connectDirectly } from '../store/test-database.ts';
import {
  BAD_DETAILS,
  DETAILS_AT_LIMITS,
  textOf,
  variablesOf,
  VARIABLES_BYTES,
} from '../support/call-details.ts';
import { makeAgent, newCall, postTo } from '../support/calls.ts';
import { describeEachEngine } from '../support/engines.ts';
import { outcomeOf } from '../support/execution-words.ts';
import { errorOf } from '../support/rpc.ts';
import { useAppWithReceiver } from './app-with-receiver.ts';

const REPLY = { body: { name: 'Ada', tier: { level: 3 } } };

describeEachEngine('OnCallStart', (engine) => {
  const test = useAppWithReceiver(engine, REPLY);

  describe('refuses', () => {
    const ids = { agentUuid: randomUUID(), conversationUuid: randomUUID() };
    for (const [title, details, fields] of BAD_DETAILS) {
      it(title, async () => {
        const error = await errorOf(test.rpc.calls.onCallStart({ ...ids, ...details }));
        expect(error.reason).to.equal('VALIDATION_FAILED');
        expect(error.fields).to.deep.equal(fields);
        expect(error.info['violations']).to.equal(String(fields.length));
      });
    }

    for (const [title, uuid] of [
      ['that are missing', ''],
      ['of zeros only', '00000000-0000-0000-0000-000000000000'],
      ['in braces', `{${randomUUID()}}`],
      ['without dashes', randomUUID().replaceAll('-', '')],
      ['that are too short', randomUUID().slice(1)],
      ['with a line break', `${randomUUID()}\n`],
    ] as const) {
      it(`UUIDs ${title}, naming every other violation too`, async () => {
        const { fields } = await errorOf(
          test.rpc.calls.onCallStart({
            agentUuid: uuid,
            conversationUuid: uuid,
            callerPhone: 'x'.repeat(300),
          }),
        );
        expect(fields).to.deep.equal(['agent_uuid', 'conversation_uuid', 'caller_phone']);
      });
    }

    it('variables that are too large together with the defaults of the agent, each of which is small enough', async () => {
      const all = Object.entries(variablesOf(VARIABLES_BYTES));
      const [defaults, own] = [all.slice(0, 8), all.slice(8)].map((some) => Object.fromEntries(some));
      const agent = await makeAgent(test.rpc, { variables: defaults ?? {}, pre: postTo(test.receiver.url) });
      const atLimit = await test.rpc.calls.onCallStart({ ...newCall(agent), dynamicVariables: own ?? {} });
      expect(Object.keys(atLimit.dynamicVariables ?? {})).to.have.length(all.length);
      const { reason, fields } = await errorOf(
        test.rpc.calls.onCallStart({ ...newCall(agent), dynamicVariables: { ...own, v: 0 } }),
      );
      expect({ reason, fields }).to.deep.equal({
        reason: 'VALIDATION_FAILED',
        fields: ['dynamic_variables'],
      });
      // A variable that replaces a default counts once.
      await test.rpc.calls.onCallStart({
        ...newCall(agent),
        dynamicVariables: { ...own, v100: textOf(16_384) },
      });
    });

    it('an agent that does not exist as AGENT_NOT_FOUND, naming it', async () => {
      const { code, reason, resource } = await errorOf(test.rpc.calls.onCallStart(ids));
      expect({ code, reason, resource }).to.deep.equal({
        code: 'NOT_FOUND',
        reason: 'AGENT_NOT_FOUND',
        resource: { type: 'agent', name: ids.agentUuid },
      });
    });

    it('a conversation of another agent as CONVERSATION_AGENT_MISMATCH, naming it', async () => {
      const [one, other] = [
        await makeAgent(test.rpc, { pre: postTo(test.receiver.url) }),
        await makeAgent(test.rpc, {}),
      ];
      const call = newCall(one);
      await test.rpc.calls.onCallStart(call);
      const error = await errorOf(test.rpc.calls.onCallStart({ ...call, agentUuid: other.agentUuid }));
      expect([error.code, error.reason]).to.deep.equal([
        'FAILED_PRECONDITION',
        'CONVERSATION_AGENT_MISMATCH',
      ]);
      expect(error.preconditions.map(({ subject }) => subject)).to.deep.equal([
        `conversations/${call.conversationUuid}`,
      ]);
    });

    it('a call from a webhook that is being sent as WEBHOOK_CHAINING, before it checks anything else', async () => {
      const agent = await makeAgent(test.rpc, { pre: postTo(test.receiver.url) });
      let inner: Awaited<ReturnType<typeof errorOf>> | undefined;
      test.receiver.respond(async ({ headers }) => {
        const own = { 'callhooks-execution': String(headers['callhooks-execution']) };
        inner = await errorOf(test.rpc.calls.onCallStart(ids, { headers: own }));
        return {};
      });
      const { execution } = await test.rpc.calls.onCallStart(newCall(agent));
      expect([inner?.code, inner?.reason]).to.deep.equal(['FAILED_PRECONDITION', 'WEBHOOK_CHAINING']);
      expect(inner?.preconditions[0]?.subject).to.equal(`executions/${execution?.executionUuid}`);
    });

    it('a repeat as EXECUTION_RUNNING when its deadline comes before the first call is finished, with when to repeat it', async () => {
      const agent = await makeAgent(test.rpc, { pre: postTo(test.receiver.url) });
      const call = newCall(agent);
      test.receiver.respond({ delayMs: 600 });
      const first = test.rpc.calls.onCallStart(call);
      await test.nextRequest();
      const { code, reason, retryAfterMs } = await errorOf(
        test.rpc.calls.onCallStart(call, { deadlineMs: 200 }),
      );
      expect({ code, reason, retryAfterMs }).to.deep.equal({
        code: 'ABORTED',
        reason: 'EXECUTION_RUNNING',
        retryAfterMs: 1_000,
      });
      const waited = await test.rpc.calls.onCallStart(call);
      expect({ ...waited, replayed: false }).to.deep.equal(await first);
    });

    it('a repeat as EXECUTION_RUNNING while the first call is in a state that only a newer release knows', async () => {
      const agent = await makeAgent(test.rpc, { pre: postTo(test.receiver.url) });
      const call = newCall(agent);
      const { execution } = await test.rpc.calls.onCallStart(call);
      const beside = connectDirectly(test.app.database);
      const setState = (state: number) =>
        beside.use((session) =>
          session.change('UPDATE executions SET state = ? WHERE execution_uuid = ?', [
            state,
            toBytes(execution?.executionUuid ?? ''),
          ]),
        );
      await setState(77);
      const { reason } = await errorOf(test.rpc.calls.onCallStart(call, { deadlineMs: 500 }));
      expect(reason).to.equal('EXECUTION_RUNNING');
      const waiting = test.rpc.calls.onCallStart(call);
      await setState(STATE.succeeded);
      expect((await waiting).execution).to.deep.equal(execution);
      await beside.close();
    });

    it('a deadline that leaves no time as DEADLINE_TOO_SHORT, and claims nothing', async () => {
      const agent = await makeAgent(test.rpc, { pre: postTo(test.receiver.url) });
      const call = newCall(agent);
      const { code, reason } = await errorOf(test.rpc.calls.onCallStart(call, { deadlineMs: 150 }));
      expect([code, reason]).to.deep.equal(['DEADLINE_EXCEEDED', 'DEADLINE_TOO_SHORT']);
      const { conversationUuid } = call;
      expect((await test.rpc.executions.listExecutions({ conversationUuid })).executions).to.deep.equal([]);
      expect((await test.rpc.calls.onCallStart(call)).replayed).to.equal(false);
    });
  });

  describe('takes', () => {
    for (const [title, details] of DETAILS_AT_LIMITS) {
      it(title, async () => {
        const agent = await makeAgent(test.rpc, {
          pre: postTo(test.receiver.url, { phone: '{{caller_phone}}' }),
        });
        const call = { ...newCall(agent), ...details };
        const reply = await test.rpc.calls.onCallStart(call);
        expect(reply.dynamicVariables).to.deep.equal(details.dynamicVariables ?? {});
        expect(outcomeOf(reply.execution as pb.Execution)).to.equal('SUCCEEDED');
        expect(JSON.parse(test.lastRequest().body)).to.deep.equal({ phone: details.callerPhone ?? null });
        expect(await test.rpc.calls.onCallStart(call)).to.deep.equal({ ...reply, replayed: true });
      });
    }
  });
});
