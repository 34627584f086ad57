import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect } from 'chai';
import { PLANTED_SETTINGS, plantedEndpoint, plantedIn, playPlantedCalls } from '../support/planted-calls.ts';
import { startReceiver } from '../support/receiver.ts';
import { connect } from '../support/rpc.ts';
import { startProcess } from '../support/server-process.ts';

describe('plantedIn', () => {
  it('finds planted values in a text, and nothing in others', () => {
    expect(plantedIn('a=ZQPLANTEDbody&phone=%2B15550107733')).to.deep.equal(['ZQPLANTEDbody', '5550107733']);
    expect(plantedIn('{"msg":"rpc"}')).to.deep.equal([]);
  });
});

describe('What a server writes at log level trace', function () {
  this.timeout(120_000);

  it('has no phone number, path, query, variable, body, header, token or secret in it', async () => {
    const dataDir = mkdtempSync(join(tmpdir(), 'callhooks-secrecy-'));
    const endpoint = await startReceiver(plantedEndpoint);
    const server = startProcess(['serve'], {
      CALLHOOKS_LISTEN: '127.0.0.1:0',
      CALLHOOKS_DATA_DIR: dataDir,
      ...PLANTED_SETTINGS,
    });
    const port = Number((await server.serving()).split(':').at(-1));
    const { opsAddress } = await server.logged(({ msg }) => msg === 'serving');
    const rpc = connect(port);
    const codes = await playPlantedCalls(rpc, endpoint, port);
    const metrics = await (await fetch(`http://${String(opsAddress)}/metrics`)).text();
    await fetch(`http://${String(opsAddress)}/zqplantedopspath?zqplantedopsquery`);
    rpc.close();
    server.kill('SIGTERM');
    const { exitCode, stdout, stderr } = await server.ended();
    await endpoint.close();
    rmSync(dataDir, { recursive: true });

    expect(exitCode).to.equal(0);
    expect(codes).to.deep.equal({
      ok: '',
      status: 'HTTP_STATUS',
      nojson: 'INVALID_RESPONSE',
      missing: 'ASSIGNMENT_MISSING',
      redirect: '',
      elsewhere: 'EGRESS_DENIED',
      reset: 'PROTOCOL',
      reject: '',
      tokenrefused: 'AUTH',
      tokengiven: '',
    });
    const messages = new Set(stdout.split('\n').flatMap((line) => /"msg":"([^"]+)"/.exec(line)?.[1] ?? []));
    expect([...messages]).to.include.members(['rpc', 'execution', 'audit', 'access refused']);
    expect(metrics).to.contain('callhooks_executions_total');
    expect(plantedIn(`${stdout}${stderr}${metrics}`)).to.deep.equal([]);
  });
});
