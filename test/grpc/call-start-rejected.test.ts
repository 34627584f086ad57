import { gzipSync } from 'node:zlib';
import { expect } from 'chai';
import * as pb from '../../src/gen/index.callhooks.v1.ts';
import { makeAgent, newCall, postTo, readExecution } from '../support/calls.ts';
import { describeEachEngine } from '../support/engines.ts';
import { outcomeOf } from '../support/execution-words.ts';
import type { Reply, Respond } from '../support/receiver.ts';
import type { Partially } from '../support/rpc.ts';
import { useAppWithReceiver } from './app-with-receiver.ts';

const { CALL_DECISION_PROCEED: proceed, CALL_DECISION_BLOCK: block } = pb.CallDecision;
const { FAILURE_POLICY_PROCEED: onProceed, FAILURE_POLICY_BLOCK: onBlock } = pb.FailurePolicy;
const { VARIABLE_SOURCE_DEFAULT: byDefault } = pb.VariableSource;
const BY_STATUS = { httpStatuses: [403, 451], reasonAttributeName: 'error.message' };
const BY_VALUE = { attributeName: 'action', equals: ['reject', { block: true }], reasonAttributeName: 'why' };
const BY_BOTH = { ...BY_STATUS, ...BY_VALUE };
const REJECTED = { decision: block, degraded: false, rejected: true };

/** Describes a response that rejects the call, and the reason that is told. */
interface Rejecting {
  readonly title: string;
  readonly rejection: Partially<pb.RejectionRule>;
  readonly reply: Reply | Respond;
  readonly reason: string;
}

describeEachEngine('OnCallStart, when the endpoint decides about the call:', (engine) => {
  const test = useAppWithReceiver(engine, {});

  const agentWith = (config: Partially<pb.WebhookConfig>, secrets: Record<string, string> = {}) =>
    makeAgent(test.rpc, {
      secrets,
      variables: { name: 'nobody' },
      pre: postTo(test.receiver.url, undefined, {
        assignments: [{ attributeName: 'name', dynamicVariable: 'name', required: true }],
        ...config,
      }),
    });

  const forbidden = (body: string | object): Reply => ({ status: 403, body });
  const cut: Respond = (_, response) => {
    response.writeHead(403, { 'content-length': 100 });
    response.write('{"error":{"message":"spam"}', () => response.destroy());
  };
  const stall: Respond = (_, response) => {
    response.writeHead(403).write('{"error":{"message":"spam"}');
  };
  const rows: readonly Rejecting[] = [
    {
      title: 'a status, with the reason in its body',
      rejection: BY_STATUS,
      reply: forbidden({ error: { message: 'blocked number' } }),
      reason: 'blocked number',
    },
    {
      title: 'a status without a path of a reason',
      rejection: { httpStatuses: [403] },
      reply: forbidden({ error: { message: 'blocked number' } }),
      reason: '',
    },
    {
      title: 'a status with a compressed body',
      rejection: BY_STATUS,
      reply: {
        status: 403,
        headers: { 'content-encoding': 'gzip' },
        body: gzipSync(JSON.stringify({ padding: 'x'.repeat(9_000), error: { message: 'blocked number' } })),
      },
      reason: 'blocked number',
    },
    { title: 'a status without a body', rejection: BY_STATUS, reply: { status: 451 }, reason: '' },
    {
      title: 'a status with a body that is no JSON',
      rejection: BY_STATUS,
      reply: forbidden('<html>'),
      reason: '',
    },
    {
      title: 'a status with a body of more than 256 KiB',
      rejection: BY_STATUS,
      reply: forbidden({ error: { message: 'x'.repeat(256 * 1024) } }),
      reason: '',
    },
    {
      title: 'a status with a body that stalls until the time limit',
      rejection: BY_STATUS,
      reply: stall,
      reason: '',
    },
    { title: 'a status with a body that breaks off', rejection: BY_STATUS, reply: cut, reason: '' },
    {
      title: 'a value, with its reason',
      rejection: BY_VALUE,
      reply: { body: { name: 'Ada', action: 'reject', why: 'no credit' } },
      reason: 'no credit',
    },
    {
      title: 'a value that is an object, with a reason that is a number',
      rejection: BY_VALUE,
      reply: { status: 201, body: { action: { block: true }, why: 7 } },
      reason: '7',
    },
    {
      title: 'a value, with a reason that is an object',
      rejection: BY_VALUE,
      reply: { body: { action: 'reject', why: {} } },
      reason: '',
    },
    {
      title: 'a value of a rule that has statuses too, without a reason',
      rejection: BY_BOTH,
      reply: { body: { action: 'reject', error: { message: 'not looked at' } } },
      reason: '',
    },
    {
      title: 'a value, with a long reason of several lines',
      rejection: BY_VALUE,
      reply: { body: { action: 'reject', why: `a\r\nb ${'é'.repeat(300)}` } },
      reason: `a b ${'é'.repeat(126)}`,
    },
  ];
  for (const { title, rejection, reply, reason } of rows)
    it(`blocks by ${title}, whatever the policy, and every repeat and read says the same`, async () => {
      test.receiver.respond(reply);
      for (const failurePolicy of [onProceed, onBlock]) {
        const responseTimeoutSecs = reply === stall ? 0.4 : 10;
        const call = newCall(await agentWith({ rejection, failurePolicy, responseTimeoutSecs }));
        const first = await test.rpc.calls.onCallStart(call);
        const { execution } = first;
        expect(first).to.deep.include({ ...REJECTED, rejectReason: reason, replayed: false });
        expect(first.dynamicVariables).to.deep.equal({ name: 'nobody' });
        expect(first.variableSources).to.deep.equal({ name: byDefault });
        expect(execution).to.deep.include({ ...REJECTED, rejectReason: reason, missedAssignments: [] });
        expect(outcomeOf(execution as pb.Execution)).to.equal('SUCCEEDED');
        expect(await test.rpc.calls.onCallStart(call)).to.deep.equal({ ...first, replayed: true });
        const record = await readExecution(test.rpc, execution?.executionUuid);
        expect(record).to.deep.include({ ...REJECTED, rejectReason: reason, assignedVariables: {} });
        expect(record.response?.status).to.be.greaterThan(0);
        expect((await test.rpc.executions.listExecutions(call)).executions).to.deep.equal([execution]);
      }
    });

  const PROCEEDS = { decision: proceed, degraded: false, rejected: false, rejectReason: '' };
  const DEGRADED = { ...PROCEEDS, degraded: true };
  const others: [string, Partially<pb.RejectionRule>, Reply, object, string][] = [
    ['another value', BY_BOTH, { body: { name: 'Ada', action: 'accept' } }, PROCEEDS, 'SUCCEEDED'],
    ['no value', BY_BOTH, { body: { name: 'Ada', why: 'spam' } }, PROCEEDS, 'SUCCEEDED'],
    [
      'another status',
      BY_BOTH,
      { status: 404, body: { action: 'reject' } },
      DEGRADED,
      'FAILED HTTP_STATUS YES',
    ],
    ['an outage', BY_BOTH, { status: 503, body: { action: 'reject' } }, DEGRADED, 'FAILED HTTP_STATUS YES'],
    ['a body that is no JSON', BY_VALUE, { body: 'reject' }, DEGRADED, 'FAILED INVALID_RESPONSE YES'],
  ];
  for (const [title, rejection, reply, expected, outcome] of others)
    it(`does not reject by ${title}`, async () => {
      test.receiver.respond(reply);
      const answer = await test.rpc.calls.onCallStart(newCall(await agentWith({ rejection })));
      expect(answer).to.include(expected);
      expect(outcomeOf(answer.execution as pb.Execution)).to.equal(outcome);
      expect(answer.dynamicVariables).to.deep.equal({ name: outcome === 'SUCCEEDED' ? 'Ada' : 'nobody' });
    });

  it('needs JSON for a value without any assignment, and takes an empty response as no value', async () => {
    const agent = await agentWith({ rejection: BY_VALUE, assignments: [] });
    test.receiver.respond({ body: 'reject' });
    const bad = await test.rpc.calls.onCallStart(newCall(agent));
    expect(outcomeOf(bad.execution as pb.Execution)).to.equal('FAILED INVALID_RESPONSE YES');
    test.receiver.respond({ status: 204 });
    expect(await test.rpc.calls.onCallStart(newCall(agent))).to.include(PROCEEDS);
    test.receiver.respond({ body: { action: 'reject' } });
    expect(await test.rpc.calls.onCallStart(newCall(agent))).to.include(REJECTED);
  });

  it('masks secrets of the agent in the reason', async () => {
    test.receiver.respond({ body: { action: 'reject', why: 'the token crm-token-1 is blocked' } });
    const agent = await agentWith({ rejection: BY_VALUE }, { CRM: 'crm-token-1' });
    const { rejectReason, execution } = await test.rpc.calls.onCallStart(newCall(agent));
    expect(rejectReason).to.equal('the token •••••• is blocked');
    expect(execution?.rejectReason).to.equal(rejectReason);
  });

  it('leaves the variables of the start to the report of a rejected call', async () => {
    test.receiver.respond({ body: { name: 'Ada', action: 'reject' } });
    const agent = await makeAgent(test.rpc, {
      variables: { name: 'nobody' },
      pre: postTo(test.receiver.url, 'pre', {
        assignments: [{ attributeName: 'name', dynamicVariable: 'name' }],
        rejection: BY_VALUE,
      }),
      post: postTo(test.receiver.url, 'of {{name}}'),
    });
    const call = newCall(agent);
    await test.rpc.calls.onCallStart(call);
    expect((await test.nextRequest()).body).to.equal('pre');
    test.lastRequest();
    await test.rpc.calls.onCallEnd(call);
    expect((await test.nextRequest()).body).to.equal('of nobody');
  });

  it('shows the decision and the reason in a sent test, and neither in one that is not sent', async () => {
    test.receiver.respond(forbidden({ error: { message: 'blocked number' } }));
    const { pre } = await agentWith({ rejection: BY_STATUS });
    const webhookUuid = pre?.webhookUuid ?? '';
    const sent = await test.rpc.webhooks.testWebhook({ webhookUuid, send: true });
    expect(sent).to.deep.include({ ...REJECTED, rejectReason: 'blocked number', failure: undefined });
    expect(sent.assignedVariables).to.deep.equal({});
    const unsent = await test.rpc.webhooks.testWebhook({ webhookUuid });
    expect(unsent).to.include({ rejected: false, rejectReason: '' });
  });

  it('stores the rule as it was given, changes it alone, and removes it', async () => {
    const rule = {
      httpStatuses: [410],
      attributeName: 'a',
      equals: [null, { b: [1.5, 'x'] }],
      reasonAttributeName: '',
    };
    const { pre } = await agentWith({ rejection: BY_STATUS });
    const update = async (rejection: Partially<pb.RejectionRule> | undefined) => {
      const webhook = { webhookUuid: pre?.webhookUuid ?? '', webhookConfig: { rejection } };
      const updateMask = ['webhook_config.rejection'];
      return (await test.rpc.webhooks.updateWebhook({ webhook, updateMask })).webhook?.webhookConfig;
    };
    expect(await update(rule)).to.deep.equal({ ...pre?.webhookConfig, rejection: rule });
    const { webhook } = await test.rpc.webhooks.getWebhook({ webhookUuid: pre?.webhookUuid ?? '' });
    expect(webhook?.webhookConfig?.rejection).to.deep.equal(rule);
    expect((await update(undefined))?.rejection).to.equal(undefined);
  });
});
