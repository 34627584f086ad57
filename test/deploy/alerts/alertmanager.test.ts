import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { expect } from 'chai';
import { runProgram } from '../../clients/programs.ts';
import { describeWith, TOOLS } from '../tools.ts';
import { alertNames } from './rule-file.ts';

const EXAMPLE = fileURLToPath(
  new URL('../../../deploy/prometheus/alertmanager.example.yml', import.meta.url),
);

// The server of Debian's package looks for a file below /usr/share, so it does not run unpacked. Its amtool does.
describeWith(['amtool'], 'The example for the Alertmanager', () => {
  it('has no error that amtool finds', async () => {
    const { exitCode, stdout, stderr } = await runProgram(TOOLS.amtool, ['check-config', EXAMPLE]);
    expect(exitCode, stdout + stderr).to.equal(0);
    expect(stdout).to.contain('6 inhibit rules').and.contain('2 receivers');
  });

  for (const [severity, receiver] of [
    ['page', 'on-call'],
    ['ticket', 'tickets'],
  ] as const) {
    it(`sends alerts of severity ${severity} to ${receiver}`, async () => {
      const args = ['config', 'routes', 'test', `--config.file=${EXAMPLE}`, `severity=${severity}`];
      const { exitCode, stdout, stderr } = await runProgram(TOOLS.amtool, args);
      expect(exitCode, stderr).to.equal(0);
      expect(stdout.trim()).to.equal(receiver);
    });
  }

  it('names only alerts that exist', () => {
    const names = readFileSync(EXAMPLE, 'utf8').match(/\bCallhooks\w+/g) ?? [];
    const families = ['Callhooks', 'CallhooksBacklog'];
    for (const name of names) expect([...alertNames(), ...families]).to.include(name);
  });
});
