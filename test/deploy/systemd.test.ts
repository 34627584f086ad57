import { readFileSync } from 'node:fs';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect } from 'chai';
import { runProgram } from '../clients/programs.ts';
import { SHUTDOWN_MS } from './shutdown-time.ts';
import { describeWith, TOOLS } from './tools.ts';

const FILE = join(import.meta.dirname, '../../deploy/systemd/callhooks.service');
const UNIT = readFileSync(FILE, 'utf8');
const CONFIG_PAGE = readFileSync(join(import.meta.dirname, '../../docs/config.md'), 'utf8');
const PROGRAM = '/opt/callhooks/bin/callhooks';
/** Of 100; 100 is a service that may do everything. systemd calls up to 20 "OK". */
const MAX_EXPOSURE = 18;

function valuesOf(key: string): readonly string[] {
  return [...UNIT.matchAll(new RegExp(`^${key}=(.*)$`, 'gm'))].map(([, value = '']) => value);
}

describeWith(['systemd-analyze'], 'deploy/systemd/callhooks.service', () => {
  it('has nothing that systemd would not understand', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'callhooks-unit-'));
    const file = join(folder, 'callhooks.service');
    // systemd wants the program to exist; on this machine another one stands in for it.
    await writeFile(file, UNIT.replace(PROGRAM, process.execPath).replace(/^Documentation=.*$/m, ''));
    const { exitCode, stderr } = await runProgram(TOOLS['systemd-analyze'], ['verify', '--man=no', file]);
    await rm(folder, { recursive: true });
    expect([exitCode, stderr]).to.deep.equal([0, '']);
  });

  it(`is rated ${MAX_EXPOSURE / 10} or less by systemd-analyze security`, async () => {
    const args = ['security', '--offline=yes', '--no-pager', `--threshold=${MAX_EXPOSURE}`, FILE];
    const { exitCode, stdout } = await runProgram(TOOLS['systemd-analyze'], args);
    expect(exitCode, stdout.split('\n').slice(-3).join('\n')).to.equal(0);
    // V8 compiles at run time, and would not start.
    expect(valuesOf('MemoryDenyWriteExecute')).to.deep.equal([]);
  });

  it('waits longer for the end than a shutdown takes', () => {
    expect(Number(valuesOf('TimeoutStopSec')[0]) * 1000).to.be.above(SHUTDOWN_MS);
  });

  it('hands each secret over by a file that root alone reads, and names settings that exist', () => {
    const credentials = valuesOf('LoadCredential').map((value) => value.split(':')[0]);
    const settings = valuesOf('Environment').map((value) => value.split('='));
    expect(credentials.map((name) => `%d/${name}`)).to.deep.equal(
      settings.flatMap(([, value = '']) => (value.startsWith('%d/') ? [value] : [])),
    );
    for (const [name = ''] of settings.filter(([each]) => each !== 'NODE_ENV'))
      expect(CONFIG_PAGE).to.match(new RegExp(`\\| \`${name.replace(/_FILE$/, '')}\``));
  });
});
