import { expect } from 'chai';
import * as pb from '../../src/gen/index.callhooks.v1.ts';
import { makeAgent, newCall, postTo, readExecution } from '../support/calls.ts';
import { describeEachEngine } from '../support/engines.ts';
import { failureCodeOf } from '../support/execution-words.ts';
import { errorOf, type Partially } from '../support/rpc.ts';
import { useAppWithReceiver } from './app-with-receiver.ts';

const {
  MISS_REASON_NOT_FOUND: notFound,
  MISS_REASON_IS_NULL: isNull,
  MISS_REASON_IS_EMPTY: isEmpty,
} = pb.MissReason;
const {
  VARIABLE_SOURCE_DEFAULT: byDefault,
  VARIABLE_SOURCE_ASSIGNMENT: byAssignment,
  VARIABLE_SOURCE_ASSIGNMENT_DEFAULT: byAssignmentDefault,
} = pb.VariableSource;

describeEachEngine('Assignments', (engine) => {
  const test = useAppWithReceiver(engine, { body: {} });

  function agentWith(variables: Record<string, unknown>, assignments: Partially<pb.Assignment>[]) {
    return makeAgent(test.rpc, { variables, pre: postTo(test.receiver.url, undefined, { assignments }) });
  }

  it('show what they were saved with', async () => {
    const assignments = [
      { attributeName: 'results[0]["a.b"]', dynamicVariable: 'x', assignNull: true },
      { attributeName: '$', dynamicVariable: '*', required: true, skipEmpty: true },
    ];
    const { pre } = await agentWith({ x: 1 }, assignments);
    const full = assignments.map((rule) => pb.Assignment.fromPartial({ source: 'response', ...rule }));
    expect(pre?.webhookConfig?.assignments).to.deep.equal(full);
    const { webhook } = await test.rpc.webhooks.updateWebhook({
      webhook: { webhookUuid: pre?.webhookUuid ?? '', webhookConfig: { assignments: full.slice(1) } },
      updateMask: ['webhook_config.assignments'],
    });
    expect(webhook?.webhookConfig?.assignments).to.deep.equal(full.slice(1));
  });

  it('record why a value is missing, and leave the variable as it was', async () => {
    test.receiver.respond({ body: { none: null, empty: '', vars: { d: null, e: 1, other: 2 } } });
    const agent = await agentWith({ a: 'a', b: 'b', c: 'c', d: 'd', e: 'e' }, [
      { attributeName: 'none', dynamicVariable: 'a' },
      { attributeName: 'empty', dynamicVariable: 'b', skipEmpty: true },
      { attributeName: 'none', dynamicVariable: 'c', defaultValue: 'there' },
      { attributeName: 'vars', dynamicVariable: '*' },
    ]);
    const call = newCall(agent);
    const reply = await test.rpc.calls.onCallStart(call);
    expect(reply.dynamicVariables).to.deep.equal({ a: 'a', b: 'b', c: 'there', d: 'd', e: 1 });
    expect(reply.variableSources).to.deep.equal({
      ...{ a: byDefault, b: byDefault, c: byAssignmentDefault, d: byDefault, e: byAssignment },
    });
    const missed = [
      { attributeName: 'none', dynamicVariable: 'a', reason: isNull },
      { attributeName: 'empty', dynamicVariable: 'b', reason: isEmpty },
      { attributeName: 'vars', dynamicVariable: 'd', reason: isNull },
    ];
    expect(reply.execution?.missedAssignments).to.deep.equal(missed);
    const stored = await readExecution(test.rpc, reply.execution?.executionUuid);
    expect(stored.missedAssignments).to.deep.equal(missed);
    expect(stored.assignedVariables).to.deep.equal({ c: 'there', e: 1 });
    expect(await test.rpc.calls.onCallStart(call)).to.deep.equal({ ...reply, replayed: true });
  });

  it('fail the execution when a required * finds no object', async () => {
    test.receiver.respond({ body: { vars: [] } });
    const agent = await agentWith({ a: 1 }, [
      { attributeName: 'vars', dynamicVariable: '*', required: true },
    ]);
    const { execution, dynamicVariables } = await test.rpc.calls.onCallStart(newCall(agent));
    expect(failureCodeOf(execution as pb.Execution)).to.equal('ASSIGNMENT_MISSING');
    expect(execution?.failure?.message).to.equal(
      'the required attribute "vars" is not an object in the response',
    );
    expect(execution?.missedAssignments).to.deep.equal([
      { attributeName: 'vars', dynamicVariable: '*', reason: notFound },
    ]);
    expect(dynamicVariables).to.deep.equal({ a: 1 });
  });

  it('of * follow the declared variables, and keep none of them in use', async () => {
    test.receiver.respond({ body: { a: 'new', b: 'new' } });
    const agent = await agentWith({ a: 'old' }, [{ attributeName: '$', dynamicVariable: '*' }]);
    const start = async () => (await test.rpc.calls.onCallStart(newCall(agent))).dynamicVariables;
    const declare = (dynamicVariables: Record<string, unknown>) =>
      test.rpc.agents.updateAgent({
        agent: { agentUuid: agent.agentUuid, dynamicVariables },
        updateMask: ['dynamic_variables'],
      });
    expect(await start()).to.deep.equal({ a: 'new' });
    await declare({ a: 'old', b: 'old' });
    expect(await start()).to.deep.equal({ a: 'new', b: 'new' });
    await declare({ b: 'old' });
    expect(await start()).to.deep.equal({ b: 'new' });
  });

  it('show the nearest spelling of a name that is no path, and save nothing', async () => {
    const { pre } = await agentWith({ a: 1 }, []);
    const assignments = ['items[*].name', '/customer/name', 'customer..name'].map((attributeName) => ({
      ...{ attributeName, dynamicVariable: 'a' },
    }));
    const { violations } = await errorOf(
      test.rpc.webhooks.updateWebhook({
        webhook: { webhookUuid: pre?.webhookUuid ?? '', webhookConfig: { assignments } },
        updateMask: ['webhook_config.assignments'],
      }),
    );
    const described = violations.map(({ field, description }) => [field, description.split(': write ')[1]]);
    expect(described).to.deep.equal(
      ['items[0].name', 'customer.name', 'customer.name'].map((nearest, i) => [
        `webhook.webhook_config.assignments[${i}].attribute_name`,
        nearest,
      ]),
    );
    const { webhook } = await test.rpc.webhooks.getWebhook({ webhookUuid: pre?.webhookUuid ?? '' });
    expect(webhook).to.deep.equal(pre);
  });
});
