import { randomUUID } from 'node:crypto';
import { expect } from 'chai';
import type * as pb from '../../src/gen/index.callhooks.v1.ts';
import {
  BAD_END_DETAILS,
  END_DETAILS_AT_LIMITS,
  variablesOf,
  VARIABLES_BYTES,
} from '../support/call-details.ts';
import { makeAgent, newCall, postTo, untilFinished } from '../support/calls.ts';
import { describeEachEngine } from '../support/engines.ts';
import { outcomeOf } from '../support/execution-words.ts';
import { errorOf, type Partially } from '../support/rpc.ts';
import { useAppWithReceiver } from './app-with-receiver.ts';

describeEachEngine('OnCallEnd', (engine) => {
  const test = useAppWithReceiver(engine, { body: {} });
  const agentWithPost = (body?: unknown, more?: Partially<pb.WebhookConfig>) =>
    makeAgent(test.rpc, {
      variables: { x: 'default' },
      post: postTo(`${test.receiver.url}/post`, body, more),
    });

  describe('refuses', () => {
    const ids = { agentUuid: randomUUID(), conversationUuid: randomUUID() };
    for (const [title, details, fields] of BAD_END_DETAILS) {
      it(title, async () => {
        const error = await errorOf(test.rpc.calls.onCallEnd({ ...ids, ...details }));
        expect(error.reason).to.equal('VALIDATION_FAILED');
        expect(error.fields).to.deep.equal(fields);
      });
    }

    it('bad UUIDs, naming every other violation too', async () => {
      const details = { callSummary: 'x'.repeat(70_000), callDuration: { seconds: -1n, nanos: 0 } };
      const call = { agentUuid: 'x', conversationUuid: '', ...details };
      const { fields } = await errorOf(test.rpc.calls.onCallEnd(call));
      expect(fields).to.deep.equal(['agent_uuid', 'conversation_uuid', 'call_duration', 'call_summary']);
    });

    it('an agent that does not exist as AGENT_NOT_FOUND, naming it', async () => {
      const { code, reason, resource } = await errorOf(test.rpc.calls.onCallEnd(ids));
      expect({ code, reason, resource }).to.deep.equal({
        code: 'NOT_FOUND',
        reason: 'AGENT_NOT_FOUND',
        resource: { type: 'agent', name: ids.agentUuid },
      });
    });

    it('a conversation of another agent as CONVERSATION_AGENT_MISMATCH, naming it', async () => {
      const call = newCall(await agentWithPost());
      const { execution } = await test.rpc.calls.onCallEnd(call);
      await untilFinished(test.rpc, execution?.executionUuid);
      const { agentUuid } = await agentWithPost();
      const { reason, preconditions } = await errorOf(test.rpc.calls.onCallEnd({ ...call, agentUuid }));
      expect(reason).to.equal('CONVERSATION_AGENT_MISMATCH');
      expect(preconditions[0]?.subject).to.equal(`conversations/${call.conversationUuid}`);
    });

    it('a call from a webhook that is being sent as WEBHOOK_CHAINING', async () => {
      const agent = await agentWithPost();
      let inner: Awaited<ReturnType<typeof errorOf>> | undefined;
      test.receiver.respond(async ({ headers }) => {
        inner = await errorOf(
          test.rpc.calls.onCallEnd(newCall(agent), {
            headers: { baggage: `a=b, ${String(headers['baggage'])};c=d` },
          }),
        );
        return {};
      });
      const { execution } = await test.rpc.calls.onCallEnd(newCall(agent));
      await untilFinished(test.rpc, execution?.executionUuid);
      expect(inner?.reason).to.equal('WEBHOOK_CHAINING');
    });
  });

  describe('takes', () => {
    for (const [title, details] of END_DETAILS_AT_LIMITS) {
      it(title, async () => {
        const agent = await agentWithPost({ phone: '{{caller_phone}}' });
        const call = { ...newCall(agent), ...details };
        const { execution } = await test.rpc.calls.onCallEnd(call);
        const ended = await untilFinished(test.rpc, execution?.executionUuid);
        expect(outcomeOf(ended)).to.equal('SUCCEEDED');
      });
    }

    it('variables of 256 KiB although the agent’s defaults are as large', async () => {
      const variables = variablesOf(VARIABLES_BYTES);
      const agent = await makeAgent(test.rpc, { variables, post: postTo(test.receiver.url) });
      const own = Object.fromEntries(
        Object.entries(variables).map(([name, value]) => [`w${name.slice(1)}`, value]),
      );
      const { execution } = await test.rpc.calls.onCallEnd({ ...newCall(agent), dynamicVariables: own });
      expect(outcomeOf(await untilFinished(test.rpc, execution?.executionUuid))).to.equal('SUCCEEDED');
    });
  });

  describe('answers without an execution, and records nothing,', () => {
    for (const [title, parts] of [
      ['for an agent without a post-call webhook', { pre: true }],
      ['for an agent without any webhook', {}],
      ['for an agent whose post-call webhook is disabled', { post: true, disabled: true }],
    ] as const) {
      it(title, async () => {
        const agent = await makeAgent(test.rpc, {
          pre: 'pre' in parts ? postTo(test.receiver.url) : undefined,
          post: 'post' in parts ? postTo(test.receiver.url) : undefined,
          disabled: 'disabled' in parts,
        });
        const call = newCall(agent);
        for (let i = 0; i < 2; i += 1)
          expect(await test.rpc.calls.onCallEnd(call)).to.deep.equal({
            execution: undefined,
            replayed: false,
          });
        const { conversationUuid } = call;
        expect((await test.rpc.executions.listExecutions({ conversationUuid })).executions).to.deep.equal([]);
        expect(test.newRequests()).to.deep.equal([]);
      });
    }
  });
});
