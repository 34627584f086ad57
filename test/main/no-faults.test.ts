import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect } from 'chai';
import type { FaultPoint } from '../../src/engine/fault-points.ts';
import { formatFaults } from '../faults/support/faults.ts';
import { makeAgent, newCall, postTo, untilFinished } from '../support/calls.ts';
import { outcomeOf } from '../support/execution-words.ts';
import { startReceiver, type Receiver } from '../support/receiver.ts';
import { connect, type Rpc } from '../support/rpc.ts';
import { startProcess, type ServerProcess } from '../support/server-process.ts';

const FAULT_POINTS: Readonly<Record<FaultPoint, true>> = {
  'pre_call.unclaimed': true,
  'pre_call.claimed': true,
  'pre_call.answered': true,
  'pre_call.recorded': true,
  'post_call.unaccepted': true,
  'post_call.accepted': true,
  'post_call.unclaimed': true,
  'post_call.claimed': true,
  'post_call.rendering': true,
  'post_call.answered': true,
  'post_call.recorded': true,
  'post_call.expired': true,
  interrupted: true,
};
const FAULT = formatFaults(
  Object.keys(FAULT_POINTS).map((point) => ({ point: point as FaultPoint, action: 'kill' })),
);

// The engine reports each fault point to a watcher that is plugged in. The published build plugs none in.
describe('The environment variable FAULT', function () {
  this.timeout(60_000);
  let dataDir: string;
  let receiver: Receiver;
  const open: { server?: ServerProcess; rpc?: Rpc } = {};

  beforeEach(async () => {
    dataDir = mkdtempSync(join(tmpdir(), 'callhooks-main-'));
    receiver = await startReceiver({ body: {} });
  });
  afterEach(async () => {
    open.rpc?.close();
    open.server?.kill('SIGKILL');
    await open.server?.ended();
    await receiver.close();
    rmSync(dataDir, { recursive: true });
  });

  it('has no effect on the published server', async () => {
    const server = startProcess(['serve'], {
      CALLHOOKS_LISTEN: '127.0.0.1:0',
      CALLHOOKS_DATA_DIR: dataDir,
      CALLHOOKS_EGRESS_ALLOW: '127.0.0.1',
      FAULT,
    });
    open.server = server;
    const rpc = connect(Number((await server.serving()).split(':').at(-1)));
    open.rpc = rpc;
    const call = newCall(await makeAgent(rpc, { pre: postTo(receiver.url), post: postTo(receiver.url) }));
    const start = await rpc.calls.onCallStart(call);
    expect(start.execution && outcomeOf(start.execution)).to.equal('SUCCEEDED');
    const { execution } = await rpc.calls.onCallEnd(call);
    expect(outcomeOf(await untilFinished(rpc, execution?.executionUuid))).to.equal('SUCCEEDED');
    server.kill('SIGTERM');
    expect((await server.ended()).exitCode).to.equal(0);
  });
});
