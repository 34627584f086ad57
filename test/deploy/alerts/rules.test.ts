import { fileURLToPath } from 'node:url';
import { expect } from 'chai';
import { runProgram } from '../../clients/programs.ts';
import { describeWith, TOOLS } from '../tools.ts';
import { alertNames, RULE_FILE } from './rule-file.ts';
import { runAlertTest } from './promtool-test.ts';
import { SERVICE_CASES } from './service-cases.ts';
import { WEBHOOK_CASES } from './webhook-cases.ts';

const EXAMPLE = fileURLToPath(new URL('../../../deploy/prometheus/prometheus.example.yml', import.meta.url));
const CASES = [...SERVICE_CASES, ...WEBHOOK_CASES];

describeWith(['promtool'], 'The alert rules', () => {
  it('have no error that promtool finds, and neither has the example that loads them', async () => {
    const { exitCode, stdout, stderr } = await runProgram(TOOLS.promtool, ['check', 'config', EXAMPLE]);
    expect(exitCode, stdout + stderr).to.equal(0);
    expect(stdout).to.contain(`${RULE_FILE}\n  SUCCESS: ${alertNames().length} rules found`);
  });

  it('have cases for each alert, and no others', () => {
    expect([...new Set(CASES.map(({ alert }) => alert))].toSorted()).to.deep.equal(alertNames().toSorted());
  });

  for (const { alert, at, fires, silent, beside = [] } of CASES) {
    it(`${alert} fires when ${fires[0]}`, async () => {
      const { exitCode, stdout, stderr } = await runAlertTest(fires[1], at, [alert, ...beside]);
      expect(exitCode, stdout + stderr).to.equal(0);
    });
    it(`${alert} is silent when ${silent[0]}`, async () => {
      const { exitCode, stdout, stderr } = await runAlertTest(silent[1], at, []);
      expect(exitCode, stdout + stderr).to.equal(0);
    });
  }
});
