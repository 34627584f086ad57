import { readFileSync } from 'node:fs';
import { expect } from 'chai';
import { runProgram } from '../../clients/programs.ts';
import { alertNames } from '../alerts/rule-file.ts';
import { describeWith, TOOLS } from '../tools.ts';
import { DASHBOARD_FILE, panelsOf, readDashboard } from './dashboard.ts';

const DASHBOARD = readDashboard();
const PANELS = panelsOf(DASHBOARD);
const UNITS = ['s', 'bytes', 'percentunit', 'reqps', 'ops', 'none'];
const RUNBOOK = readFileSync(new URL('../../../docs/runbook.md', import.meta.url), 'utf8');

describeWith(['dashboard-schema'], 'The dashboard', () => {
  it('is what the schema of Grafana describes', async () => {
    const { exitCode, stdout, stderr } = await runProgram(TOOLS['dashboard-schema'], [DASHBOARD_FILE]);
    expect(exitCode, stdout + stderr).to.equal(0);
    expect(stdout).to.contain(`${DASHBOARD.panels.length} rows and panels`);
  });

  it('has panels of known types with a title, a description, a unit and queries', () => {
    for (const { title, type, description = '', fieldConfig, targets = [] } of PANELS) {
      expect(['stat', 'table', 'timeseries'], title).to.include(type);
      expect(description, title).to.match(/^.{20,}\.$/);
      expect(UNITS, title).to.include(fieldConfig?.defaults.unit);
      expect(targets, title).to.have.length.above(0);
    }
  });

  it('gives no two panels the same id, or the same place', () => {
    expect(new Set(DASHBOARD.panels.map(({ id }) => id)).size).to.equal(DASHBOARD.panels.length);
    const cells = DASHBOARD.panels.flatMap(({ gridPos: { x, y, w, h } }) =>
      Array.from({ length: w * h }, (_, at) => `${x + (at % w)},${y + Math.floor(at / w)}`),
    );
    expect(new Set(cells).size).to.equal(cells.length);
    expect(DASHBOARD.panels.every(({ gridPos: { x, w } }) => x + w <= 24)).to.equal(true);
  });

  it('asks the chosen Prometheus, in each query', () => {
    for (const { title, datasource, targets = [] } of PANELS)
      for (const uid of [datasource?.uid, ...targets.map((target) => target.datasource.uid)])
        expect(uid, title).to.equal('${datasource}');
  });

  it('uses only variables that it has', () => {
    const known = [...DASHBOARD.templating.list.map(({ name }) => name), '__rate_interval'];
    const used = Array.from(JSON.stringify(DASHBOARD).matchAll(/\$\{?(\w+)/g), ([, name]) => name);
    for (const name of new Set(used)) if (name !== '__all') expect(known).to.include(name);
  });

  it('links each alert from a panel, to its section in the runbook', () => {
    const links = PANELS.flatMap((panel) => panel.links ?? []);
    for (const { title, url } of links) {
      const alert = title.replace('Runbook: ', '');
      expect(RUNBOOK).to.contain(`\n## ${alert}\n`);
      expect(url).to.equal(`\${runbook}#${alert.toLowerCase()}`);
    }
    const linked = new Set(links.map(({ title }) => title.replace('Runbook: ', '')));
    expect([...linked].toSorted()).to.deep.equal(alertNames().toSorted());
  });
});
