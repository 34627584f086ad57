import { expect } from 'chai';
import * as pb from '../../src/gen/index.callhooks.v1.ts';
import { makeAgent, newCall, postTo } from '../support/calls.ts';
import { describeEachEngine } from '../support/engines.ts';
import { outcomeOf } from '../support/execution-words.ts';
import { readMetrics } from '../support/metrics.ts';
import { errorOf } from '../support/rpc.ts';
import { until } from '../support/until.ts';
import { useSlowEndpoints } from './slow-endpoints.ts';

// Less than CALLHOOKS_MAX_RESPONSE_BYTES; four of them fit into CALLHOOKS_MAX_BUFFERED_BYTES, five do not.
const RESPONSE_BYTES = 3_900_000;

describeEachEngine('The limit of buffered bytes', (engine) => {
  const slow = useSlowEndpoints(engine, {
    CALLHOOKS_MAX_BUFFERED_BYTES: '16MiB',
    CALLHOOKS_MAX_RESPONSE_BYTES: '4MiB',
  });
  const readBufferedBytes = async (): Promise<number> =>
    (await readMetrics(slow.app().opsAddress)).get('callhooks_buffered_bytes') ?? 0;

  it('refuses a start before its claim, and takes its repeat once bytes are free', async () => {
    const { rpc } = slow.app();
    // Each call reserves 3 MB: its message has 1 MB, and the rendered body contains that twice.
    const metadata = { m: 'm'.repeat(1_000_000) };
    const requestBody = ['{{metadata.m}}', '{{metadata.m}}'];
    const agent = await makeAgent(rpc, { pre: postTo(slow.endpoint(0).url, requestBody) });
    const running = Array.from({ length: 5 }, () => rpc.calls.onCallStart({ ...newCall(agent), metadata }));
    await slow.endpoint(0).waitFor(5);
    const sixth = { ...newCall(agent), metadata };
    const error = await errorOf(rpc.calls.onCallStart(sixth));
    expect([error.code, error.reason]).to.deep.equal(['RESOURCE_EXHAUSTED', 'LIMIT_REACHED']);
    expect(error.message).to.include('bytes');
    // A small call still fits.
    const { decision } = await rpc.calls.onCallStart(newCall(await makeAgent(rpc, {})));
    expect(decision).to.equal(pb.CallDecision.CALL_DECISION_PROCEED);
    slow.release();
    await Promise.all(running);
    expect((await rpc.calls.onCallStart(sixth)).replayed).to.equal(false);
  });

  it('ends a start as OVERLOADED when its response grows beyond it, and frees its bytes', async () => {
    const { rpc } = slow.app();
    const agent = await slow.agentFor(0, 'pre', {
      assignments: [{ attributeName: 'v', dynamicVariable: 'v', required: true }],
    });
    const endings: (() => void)[] = [];
    const fourAreRead = Promise.withResolvers<void>();
    slow.endpoint(0).respond(async (_, response) => {
      endings.push(() => response.end('"}'));
      // Four responses fit. Six that grow at the same pace could all meet the limit at once.
      if (endings.length > 4) await fourAreRead.promise;
      response.write(`{"v":1,"rest":"${'x'.repeat(RESPONSE_BYTES)}`);
    });
    const running = Array.from({ length: 6 }, () => rpc.calls.onCallStart(newCall(agent)));
    await until('four responses to be read', async () => (await readBufferedBytes()) > 4 * RESPONSE_BYTES);
    fourAreRead.resolve();
    const first = await Promise.race(running);
    expect(outcomeOf(first.execution as pb.Execution)).to.equal('FAILED OVERLOADED YES');
    await until('all six responses to have begun', () => endings.length === 6);
    for (const end of endings) end();
    const outcomes = (await Promise.all(running)).map(({ execution }) =>
      outcomeOf(execution as pb.Execution),
    );
    expect(new Set(outcomes)).to.deep.equal(new Set(['FAILED OVERLOADED YES', 'SUCCEEDED']));
    slow.endpoint(0).respond({ body: JSON.stringify({ v: 2, rest: 'x'.repeat(RESPONSE_BYTES) }) });
    const { dynamicVariables } = await rpc.calls.onCallStart(newCall(agent));
    expect(dynamicVariables).to.deep.equal({ v: 2 });
  });
});
