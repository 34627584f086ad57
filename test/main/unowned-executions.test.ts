import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect } from 'chai';
import { makeAgent, newCall, postTo } from '../support/calls.ts';
import { startReceiver } from '../support/receiver.ts';
import { connect } from '../support/rpc.ts';
import { startProcess } from '../support/server-process.ts';

describe('A server that starts after another was killed', function () {
  this.timeout(60_000);

  it('writes a line for each execution that it marks interrupted', async () => {
    const dataDir = mkdtempSync(join(tmpdir(), 'callhooks-unowned-'));
    const env = {
      CALLHOOKS_LISTEN: '127.0.0.1:0',
      CALLHOOKS_DATA_DIR: dataDir,
      CALLHOOKS_EGRESS_ALLOW: '127.0.0.0/8',
    };
    const endpoint = await startReceiver({ delayMs: 60_000 });
    const first = startProcess(['serve'], env);
    const rpc = connect(Number((await first.serving()).split(':').at(-1)));
    const agent = await makeAgent(rpc, { pre: postTo(`${endpoint.url}/`) });
    const call = newCall(agent);
    const lost = rpc.calls.onCallStart(call).catch(() => 'lost');
    await endpoint.waitFor(1);
    first.kill('SIGKILL');
    await Promise.all([first.ended(), lost]);
    rpc.close();

    const second = startProcess(['serve'], env);
    const line = await second.logged(({ msg }) => msg === 'execution');
    const { level, time, instance, msg, execution_uuid: executionUuid, ...fields } = line;
    expect([level, typeof time, typeof instance, msg]).to.deep.equal([
      'info',
      'string',
      'string',
      'execution',
    ]);
    expect(executionUuid).to.equal(endpoint.requests[0]?.headers['callhooks-execution']);
    expect(fields).to.deep.equal({
      conversation_uuid: call.conversationUuid,
      agent_uuid: agent.agentUuid,
      webhook_uuid: agent.pre?.webhookUuid,
      webhook_type: 'pre_call',
      outcome: 'interrupted',
      failure_code: 'INTERRUPTED',
      sent: 'maybe',
      recorded: true,
    });
    second.kill('SIGTERM');
    await second.ended();
    await endpoint.close();
    rmSync(dataDir, { recursive: true });
  });
});
