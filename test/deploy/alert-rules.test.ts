import { fileURLToPath } from 'node:url';
import { expect } from 'chai';
import { runProgram } from '../clients/programs.ts';
import { describeWith, TOOLS } from './tools.ts';

const RULES = fileURLToPath(new URL('../../deploy/prometheus/callhooks.rules.yml', import.meta.url));

describeWith(['promtool'], 'The alert rules', () => {
  it('have no error that promtool finds', async () => {
    const { exitCode, stdout, stderr } = await runProgram(TOOLS.promtool, ['check', 'rules', RULES]);
    expect(exitCode, stdout + stderr).to.equal(0);
    expect(stdout).to.match(/SUCCESS: \d+ rules found/);
  });
});
