import { readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect } from 'chai';
import { startBuiltServer, type BuiltServer } from '../../clients/built-server.ts';
import { runProgram } from '../../clients/programs.ts';
import { TOKEN_SETTINGS } from '../../support/tokens.ts';
import { until } from '../../support/until.ts';
import { alertNames, RULE_FILE } from '../alerts/rule-file.ts';
import { fillVariables, panelsOf, readDashboard } from '../grafana/dashboard.ts';
import { describeWith, pathWithTools } from '../tools.ts';
import { metricNames, metricOf, namesOnPage } from './metric-names.ts';
import { startPrometheus, type Prometheus } from './prometheus.ts';
import { runbookCommands, runbookQueries } from './runbook-blocks.ts';
import { startTraffic, type Traffic } from './traffic.ts';

const certFile = (name: string): string =>
  fileURLToPath(new URL(`../../support/certs/${name}`, import.meta.url));
const GUARDED = {
  CALLHOOKS_TLS_CERT_FILE: certFile('endpoint.pem'),
  CALLHOOKS_TLS_KEY_FILE: certFile('endpoint.key'),
  ...TOKEN_SETTINGS,
};
const OPS = { CALLHOOKS_OPS_LISTEN: '127.0.0.1:0' };

/** What Prometheus has without callhooks. */
const OF_PROMETHEUS = ['up', 'ALERTS'];
/** Metrics that no panel shows, and why. */
const NOT_SHOWN: Readonly<Record<string, string>> = {
  callhooks_start_time_seconds: 'it is process_start_time_seconds under another name',
  nodejs_heap_size_total_bytes: 'the used part of the heap is shown',
  process_cpu_system_seconds_total: 'the sum of both kinds of CPU time is shown',
  process_cpu_user_seconds_total: 'the sum of both kinds of CPU time is shown',
};
/** Queries of the runbook about events that this test does not cause, so that they return nothing. */
const OF_RARE_EVENTS = ['error_type!=""', 'rpc_response_status_code="INTERNAL"'];

describeWith(['prometheus', 'grpcurl'], 'A real Prometheus that scrapes two built servers', function () {
  this.timeout(60_000);
  let open: BuiltServer;
  let guarded: BuiltServer;
  let prometheus: Prometheus;
  let traffic: Traffic;
  // The same rules, which do not wait before they fire.
  const hastyRules = join(tmpdir(), `callhooks-hasty-${process.pid}.yml`);

  before(async () => {
    open = await startBuiltServer(OPS);
    guarded = await startBuiltServer({ ...OPS, ...GUARDED });
    traffic = await startTraffic(open.rpc, Number(guarded.address.split(':').at(-1)));
    const rules = await readFile(RULE_FILE, 'utf8');
    await writeFile(
      hastyRules,
      rules.replaceAll(/^ *for: .*\n/gm, '').replaceAll('name: callhooks', 'name: hasty'),
    );
    prometheus = await startPrometheus([open.opsAddress, guarded.opsAddress], [RULE_FILE, hastyRules]);
  });
  after(async () => {
    await traffic.stop();
    await prometheus.stop();
    await guarded.stop();
    await open.stop();
    await rm(hastyRules, { force: true });
  });

  const untilData = (query: string) =>
    until(`data for ${query}`, async () => {
      const samples = await prometheus.query(query);
      return samples.some(({ value: [, value] }) => value !== 'NaN') && samples;
    });

  it('knows both servers as replicas of one job, as the variables of the dashboard ask for them', async () => {
    await until('two replicas', async () => (await prometheus.query('up == 1')).length === 2);
    const { list } = readDashboard().templating;
    const asked = list.flatMap(({ definition = '' }) => [
      ...definition.matchAll(/^label_values\((.*), (\w+)\)$/g),
    ]);
    expect(asked.map(([, , label]) => label)).to.deep.equal(['job', 'instance']);
    const values = await Promise.all(
      asked.map(([, match = '', label = '']) => prometheus.labelValues(label, fillVariables(match))),
    );
    expect(values).to.deep.equal([['callhooks'], [open.opsAddress, guarded.opsAddress].toSorted()]);
  });

  for (const { title, targets = [] } of panelsOf(readDashboard())) {
    it(`has data for the panel "${title}"`, async () => {
      for (const { expr } of targets) await untilData(fillVariables(expr));
    });
  }

  it('has evaluated every rule without an error', async () => {
    await until('every rule to be evaluated', async () =>
      (await prometheus.rules()).every(({ health }) => health !== 'unknown'),
    );
    const rules = await prometheus.rules();
    expect(rules.filter(({ health }) => health !== 'ok')).to.deep.equal([]);
    expect(rules.map(({ name }) => name).toSorted()).to.deep.equal(
      [...alertNames(), ...alertNames()].toSorted(),
    );
  });

  for (const query of runbookQueries()) {
    it(`answers the query of the runbook ${query}`, async () => {
      if (OF_RARE_EVENTS.some((part) => query.includes(part))) await prometheus.query(query);
      else await untilData(query);
    });
  }

  it('finds each metric of rules and panels on the page, and shows each metric of the page in a panel', async () => {
    const page = await (await fetch(`http://${open.opsAddress}/metrics`)).text();
    const onPage = namesOnPage(page);
    const namesIn = (queries: readonly string[]): ReadonlySet<string> =>
      new Set(queries.flatMap((query) => [...metricNames(query)]).map((name) => metricOf(name, onPage)));
    const shown = namesIn(
      panelsOf(readDashboard()).flatMap(({ targets = [] }) => targets.map(({ expr }) => expr)),
    );
    const ruled = namesIn((await prometheus.rules()).map(({ query }) => query));
    for (const name of new Set([...shown, ...ruled]))
      expect([...onPage, ...OF_PROMETHEUS], 'used by a rule or a panel').to.include(name);
    const hidden = [...onPage].filter((name) => !shown.has(name));
    expect(hidden.toSorted()).to.deep.equal(Object.keys(NOT_SHOWN).toSorted());
  });

  for (const command of new Set(runbookCommands())) {
    it(`runs the command of the runbook ${command}`, async () => {
      const env = { ...process.env, PATH: pathWithTools() };
      const here = command.replaceAll('127.0.0.1:50051', open.address);
      const { exitCode, stderr } = await runProgram('sh', ['-c', here], { env });
      expect(exitCode, stderr).to.equal(0);
    });
  }

  it('raises an alert when every webhook fails, with texts that have their values', async () => {
    await traffic.failAll();
    const found = await until(
      'the alert about pre-calls to fire',
      async () =>
        (await prometheus.alerts()).find(
          ({ labels, state }) => labels['alertname'] === 'CallhooksPreCallFailures' && state === 'firing',
        ),
      { timeoutMs: 50_000 },
    );
    expect(found.labels).to.include({ severity: 'page', job: 'callhooks' });
    expect(found.annotations['description']).to.match(/^[\d.]+% of the pre-calls failed in 10 minutes\./);
  });

  it('raises an alert when a server is stopped', async () => {
    await traffic.stop();
    await guarded.stop();
    const found = await until('the alert about a replica to fire', async () =>
      (await prometheus.alerts()).find(
        ({ labels, state }) => labels['alertname'] === 'CallhooksReplicaDown' && state === 'firing',
      ),
    );
    expect(found.annotations['summary']).to.equal(
      `A replica of callhooks does not answer: ${guarded.opsAddress}`,
    );
  });

  it('has filled in the texts of every alert', async () => {
    const alerts = await prometheus.alerts();
    expect(alerts).to.have.length.above(2);
    for (const { annotations } of alerts)
      for (const text of Object.values(annotations)) expect(text).not.to.match(/<error|<no value>|NaN/);
  });
});
