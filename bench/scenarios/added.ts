import { AGENT_UUID, CALL, MARKER } from '../rig/agent.ts';
import { timeSyncs } from '../rig/machine.ts';
import { beginCounting, VoidRunError } from '../rig/measured-run.ts';
import { START } from '../rig/agent.ts';
import type { Scenario } from '../rig/rig.ts';

const RATE = 100;
const ENDPOINT_MS = 20;
const SECONDS = 30;
const QUICK_SECONDS = 10;

/**
 * Measures how much longer a call takes through callhooks than straight to the endpoint, at 100 calls a second and with an
 * endpoint that takes 20 ms. Both run at the same time. Two syncs are subtracted, which a durable claim and a durable outcome
 * cost in any design.
 */
export const added: Scenario = {
  name: 'added',
  run: async (rig) => {
    const { subject } = await rig.stand('sqlite');
    const { generator } = rig;
    const phases = [{ rate: RATE, seconds: rig.effort.isQuick ? QUICK_SECONDS : SECONDS }];
    const { conversationUuid, callerPhone } = CALL;
    const body = { agent_uuid: AGENT_UUID, conversation_uuid: conversationUuid, caller_phone: callerPhone };
    const message = Buffer.from(JSON.stringify(body));
    const syncMs = timeSyncs();
    await generator.setDelay(ENDPOINT_MS);
    const sinceMs = await beginCounting(generator);
    const [direct, through] = await Promise.all([
      generator.run({ target: generator.endpoint, path: '', message, marker: MARKER, phases }),
      generator.run({ ...START, target: subject.address, phases }),
    ]);
    await generator.setDelay(0);
    const rows = (await subject.rows.count('start', sinceMs)).succeeded;
    const { requests } = await generator.counts();
    if (rows !== through.ok || requests !== rows + direct.ok || through.foreign + direct.foreign > 0)
      throw new VoidRunError(
        `void: ${rows} rows, ${requests} requests, ${JSON.stringify([through, direct])}`,
      );
    const [p50, p99] = (['p50', 'p99'] as const).map(
      (at) => through.latency[at] - direct.latency[at] - 2 * syncMs[at],
    ) as [number, number];
    rig.log(
      `added p50 ${p50.toFixed(2)} ms, p99 ${p99.toFixed(2)} ms, syncs taken off: ${JSON.stringify(syncMs)}`,
    );
    return {
      figures: [
        { key: 'added-p50', value: p50 },
        { key: 'added-p99', value: p99 },
      ],
      details: { syncMs, direct: direct.latency, through: through.latency },
    };
  },
};
