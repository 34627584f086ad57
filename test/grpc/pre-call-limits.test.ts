import { expect } from 'chai';
import * as pb from '../../src/gen/index.callhooks.v1.ts';
import { newCall, readExecution, untilFinished } from '../support/calls.ts';
import { describeEachEngine } from '../support/engines.ts';
import { outcomeOf } from '../support/execution-words.ts';
import { errorOf } from '../support/rpc.ts';
import { useSlowEndpoints } from './slow-endpoints.ts';

describeEachEngine('The limits of pre-calls in flight', (engine) => {
  const slow = useSlowEndpoints(engine, {
    CALLHOOKS_MAX_PRE_CALLS: '3',
    CALLHOOKS_MAX_PRE_CALLS_PER_ORIGIN: '2',
    CALLHOOKS_SEND_TRACEPARENT: 'false',
  });

  it('end a start beyond the limit of its origin as OVERLOADED, and refuse one beyond the limit in all', async () => {
    const { rpc } = slow.app();
    const [here, there] = [await slow.agentFor(0, 'pre'), await slow.agentFor(1, 'pre')];
    const running = [newCall(here), newCall(here)].map((call) => rpc.calls.onCallStart(call));
    await slow.endpoint(0).waitFor(2);
    const overloaded = newCall(here);
    const third = await rpc.calls.onCallStart(overloaded);
    expect(outcomeOf(third.execution as pb.Execution)).to.equal('FAILED OVERLOADED NO');
    expect(third).to.include({ decision: pb.CallDecision.CALL_DECISION_PROCEED, degraded: true });
    const { request } = await readExecution(rpc, third.execution?.executionUuid);
    expect(request?.url).to.equal(slow.endpoint(0).url + '/');
    // The other origin still has room.
    running.push(rpc.calls.onCallStart(newCall(there)));
    await slow.endpoint(1).waitFor(1);
    const refused = newCall(there);
    const error = await errorOf(rpc.calls.onCallStart(refused));
    expect([error.code, error.reason]).to.deep.equal(['RESOURCE_EXHAUSTED', 'LIMIT_REACHED']);
    expect(error.retryAfterMs).to.be.greaterThan(0);
    const { conversationUuid } = refused;
    expect((await rpc.executions.listExecutions({ conversationUuid })).executions).to.deep.equal([]);
    // TestWebhook takes a request slot too when it sends.
    const test = { webhookUuid: here.pre?.webhookUuid ?? '', send: true };
    expect((await errorOf(rpc.webhooks.testWebhook(test))).reason).to.equal('LIMIT_REACHED');
    slow.release();
    for (const reply of await Promise.all(running)) expect(reply.degraded).to.equal(false);
    // The slots are free again. The refused call was not recorded, so it runs now; the OVERLOADED one is not tried again.
    expect((await rpc.calls.onCallStart(refused)).replayed).to.equal(false);
    expect(await rpc.calls.onCallStart(overloaded)).to.deep.equal({ ...third, replayed: true });
    expect([slow.endpoint(0).requests.length, slow.endpoint(1).requests.length]).to.deep.equal([2, 2]);
  });

  it('count a repeat that waits for its first call, though it takes no request slot', async () => {
    const { rpc } = slow.app();
    const [here, there] = [await slow.agentFor(0, 'pre'), await slow.agentFor(1, 'pre')];
    const call = newCall(here);
    const first = rpc.calls.onCallStart(call);
    await slow.endpoint(0).waitFor(1);
    // All go over one connection, so they arrive in this order.
    const repeats = [rpc.calls.onCallStart(call), rpc.calls.onCallStart(call)];
    const fourth = newCall(there);
    expect((await errorOf(rpc.calls.onCallStart(fourth))).reason).to.equal('LIMIT_REACHED');
    slow.release();
    expect((await first).replayed).to.equal(false);
    expect((await Promise.all(repeats)).map(({ replayed }) => replayed)).to.deep.equal([true, true]);
    expect((await rpc.calls.onCallStart(fourth)).replayed).to.equal(false);
  });

  it('let OnCallEnd through while they are reached', async () => {
    const { rpc } = slow.app();
    const [here, there] = [await slow.agentFor(0, 'pre'), await slow.agentFor(1, 'pre')];
    const calls = [newCall(here), newCall(here), newCall(there)];
    const running = calls.map((call) => rpc.calls.onCallStart(call));
    await slow.endpoint(0).waitFor(2);
    await slow.endpoint(1).waitFor(1);
    const { execution } = await rpc.calls.onCallEnd(newCall(await slow.agentFor(0, 'post')));
    await slow.endpoint(0).waitFor(3);
    slow.release();
    await Promise.all(running);
    expect(outcomeOf(await untilFinished(rpc, execution?.executionUuid))).to.equal('SUCCEEDED');
  });

  it('send no traceparent where CALLHOOKS_SEND_TRACEPARENT is false', async () => {
    slow.release();
    const headers = { traceparent: '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01' };
    await slow.app().rpc.calls.onCallStart(newCall(await slow.agentFor(0, 'pre')), { headers });
    expect(slow.endpoint(0).requests[0]?.headers).to.not.have.property('traceparent');
  });
});
