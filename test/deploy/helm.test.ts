import { readdirSync, readFileSync } from 'node:fs';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { basename, dirname, join } from 'node:path';
import { expect } from 'chai';
import { runProgram } from '../clients/programs.ts';
import { CHART, defaultValues, helmTemplate, render, REQUIRED, type Values } from './helm-chart.ts';
import { PACKAGE } from './installed-package.ts';
import { SHUTDOWN_MS } from './shutdown-time.ts';
import { describeWith, TOOLS } from './tools.ts';

const ROOT = join(import.meta.dirname, '../..');
const CONFIG_PAGE = readFileSync(join(ROOT, 'docs/config.md'), 'utf8');
// kubeconform knows no schemas of these: they belong to the Prometheus operator.
const FOREIGN_KINDS = 'PodMonitor,PrometheusRule';

const MONITORED = [
  'podMonitor.enabled=true',
  'prometheusRule.enabled=true',
  'grafanaDashboards.enabled=true',
];
const EMBEDDED = [
  ...REQUIRED,
  'replicaCount=1',
  'embeddedDatabase.enabled=true',
  'embeddedDatabase.existingClaim=data',
];

const SETS: readonly [string, Values][] = [
  ['the least that it asks for', REQUIRED],
  [
    'everything turned on',
    [
      ...REQUIRED,
      ...MONITORED,
      'autoscaling.enabled=true',
      'tls.clientCaSecret=ca',
      'database.caSecret=ca',
      'settings.CALLHOOKS_LOG_LEVEL=debug',
      'image.digest=sha256:' + 'a'.repeat(64),
      'imagePullSecrets[0].name=registry',
      'tolerations[0].operator=Exists',
      'nodeSelector.disk=ssd',
      'priorityClassName=high',
      'podLabels.team=voice',
      'networkPolicy.databasePeers[0].ipBlock.cidr=10.0.0.5/32',
      'serviceAccount.name=own',
      'extraEnv[0].name=TZ',
    ],
  ],
  [
    'plaintext behind a mesh, without policy and budget',
    [
      'secrets.existingSecret=s',
      'insecure=true',
      'networkPolicy.enabled=false',
      'podDisruptionBudget.enabled=false',
      'serviceAccount.create=false',
      'service.type=LoadBalancer',
      'service.headless=false',
      'migration.enabled=false',
    ],
  ],
  ['the embedded database', EMBEDDED],
];

const REFUSED: readonly [string, Values, string][] = [
  ['no Secret', ['tls.existingSecret=t'], 'secrets.existingSecret: name a Secret with the keys database-url'],
  ['neither TLS nor insecure', ['secrets.existingSecret=s'], 'tls.existingSecret: name a Secret'],
  [
    'several replicas without a database',
    [...EMBEDDED, 'replicaCount=2'],
    'the embedded database has one process',
  ],
  [
    'an embedded database that is lost with its pod',
    [...EMBEDDED, 'embeddedDatabase.existingClaim='],
    'existingClaim',
  ],
  [
    'fewer replicas at most than at least',
    [...REQUIRED, 'autoscaling.enabled=true', 'autoscaling.maxReplicas=1'],
    'maxReplicas is less',
  ],
  [
    'client certificates in plaintext',
    ['secrets.existingSecret=s', 'insecure=true', 'tls.clientCaSecret=c'],
    'client certificates need TLS',
  ],
  [
    'a secret as a setting',
    [...REQUIRED, 'settings.CALLHOOKS_AUTH_TOKENS=a:admin:b'],
    'CALLHOOKS_AUTH_TOKENS',
  ],
  [
    'a password of the database as a setting',
    [...REQUIRED, 'settings.DATABASE_URL=mysql://a:b@c/d'],
    'DATABASE_URL',
  ],
  ['a value that does not exist', [...REQUIRED, 'replicas=3'], "'replicas' not allowed"],
  ['no replica', [...REQUIRED, 'replicaCount=0'], 'minimum'],
  ['no limit of memory', [...REQUIRED, 'resources.limits=null'], 'limits'],
];

describeWith(['helm', 'kubeconform', 'kubernetes-1.29', 'kubernetes-1.37'], 'The Helm chart', function () {
  this.timeout(30_000);

  it('has nothing that helm lint would have otherwise', async () => {
    const sets = REQUIRED.flatMap((value) => ['--set', value]);
    const { exitCode, stdout } = await runProgram(TOOLS.helm, ['lint', '--strict', CHART, ...sets]);
    expect(exitCode, stdout).to.equal(0);
  });

  for (const [title, values] of SETS)
    for (const release of ['1.29', '1.37'] as const)
      it(`makes resources that Kubernetes ${release} takes: ${title}`, async () => {
        const { exitCode, stdout: input, stderr } = await helmTemplate(values);
        expect(exitCode, stderr).to.equal(0);
        const schemas = join(
          dirname(TOOLS[`kubernetes-${release}`]),
          '{{.ResourceKind}}{{.KindSuffix}}.json',
        );
        const args = ['-strict', '-summary', '-schema-location', schemas, '-skip', FOREIGN_KINDS, '-'];
        const { exitCode: code, stdout } = await runProgram(TOOLS.kubeconform, args, { input });
        expect(code, stdout).to.equal(0);
        expect(stdout).to.match(/Valid: [2-9], Invalid: 0, Errors: 0/);
      });

  for (const [title, values, problem] of REFUSED)
    it(`refuses ${title}`, async () => {
      const { exitCode, stderr } = await helmTemplate(values);
      expect(exitCode).to.equal(1);
      expect(stderr).to.include(problem);
    });

  it('is of the version of callhooks', () => {
    const chart = readFileSync(join(CHART, 'Chart.yaml'), 'utf8');
    expect(chart).to.match(new RegExp(`^version: ${PACKAGE.version}$`, 'm'));
    expect(chart).to.match(new RegExp(`^appVersion: .?${PACKAGE.version}.?$`, 'm'));
  });

  it('replaces pods one by one, and gives each longer to stop than a shutdown takes', async () => {
    const deployment = (await render(REQUIRED)).get('Deployment/callhooks') ?? '';
    expect(deployment).to.match(/maxUnavailable: 0\n/);
    const [, seconds] = /terminationGracePeriodSeconds: (\d+)/.exec(deployment) ?? [];
    const [, wait] = /command: \[sleep, "(\d+)"\]/.exec(deployment) ?? [];
    expect(Number(seconds) * 1000).to.be.above(SHUTDOWN_MS + Number(wait) * 1000);
    const [, grace] = /CALLHOOKS_SHUTDOWN_GRACE\n +value: (\d+)s/.exec(deployment) ?? [];
    expect(Number(grace)).to.be.below(Number(seconds));
  });

  it('probes the ports that the pod serves, and restarts it only when the process does not answer', async () => {
    const deployment = (await render(REQUIRED)).get('Deployment/callhooks') ?? '';
    const [, port] = /CALLHOOKS_HEALTH_LISTEN\n +value: 0\.0\.0\.0:(\d+)/.exec(deployment) ?? [];
    const asked = [...deployment.matchAll(/(\w+)Probe:\n +grpc:\n +port: (\d+)/g)];
    expect(asked.map(([, probe, at]) => `${probe} ${at}`)).to.deep.equal([
      `startup ${port}`,
      `readiness ${port}`,
    ]);
    const [, path] = /livenessProbe:\n +httpGet:\n +path: (\S+)\n +port: ops/.exec(deployment) ?? [];
    expect(CONFIG_PAGE).to.include(`| \`${path}\` | 200 for as long as the process runs`);
  });

  it('names settings that exist, hands secrets over as files, and refuses what it sets itself as a setting', async () => {
    const all =
      (await render([...REQUIRED, 'tls.clientCaSecret=c', 'database.caSecret=c'])).get(
        'Deployment/callhooks',
      ) ?? '';
    const insecure =
      (await render(['secrets.existingSecret=s', 'insecure=true'])).get('Deployment/callhooks') ?? '';
    const names = new Set(
      [...(all + insecure).matchAll(/- name: ((?:CALLHOOKS|DATABASE)_\w+)\n/g)].map(([, name = '']) => name),
    );
    expect(names).to.include('DATABASE_URL_FILE').and.to.include('CALLHOOKS_INSECURE');
    const schema = readFileSync(join(CHART, 'values.schema.json'), 'utf8');
    for (const name of names) {
      expect(CONFIG_PAGE).to.match(new RegExp(`\\| \`(?:${name}\`|${name.replace(/_FILE$/, '')}\`, or)`));
      if (name.startsWith('CALLHOOKS_')) expect(schema).to.include(`"${name}"`);
    }
  });

  it('runs every pod as Kubernetes restricts it', async () => {
    const resources = await render(REQUIRED);
    for (const name of ['Deployment/callhooks', 'Job/callhooks-migrate'])
      for (const line of [
        'runAsNonRoot: true',
        'runAsUser: 10001',
        'type: RuntimeDefault',
        'allowPrivilegeEscalation: false',
        'readOnlyRootFilesystem: true',
        'drop: [ALL]',
        'automountServiceAccountToken: false',
      ])
        expect(resources.get(name), name).to.include(line);
  });

  it('migrates before an installation and before an upgrade, and never with the embedded database', async () => {
    expect((await render(REQUIRED)).get('Job/callhooks-migrate')).to.include(
      'helm.sh/hook: pre-install,pre-upgrade',
    );
    expect([...(await render(EMBEDDED)).keys()].join()).not.to.include('Job/');
  });

  it('has copies of the alerts and dashboards, and makes rules of them that promtool takes', async () => {
    const sources = ['prometheus', 'grafana'].flatMap((folder) => {
      const names = readdirSync(join(ROOT, 'deploy'), { recursive: true, encoding: 'utf8' });
      return names.filter((name) => new RegExp(`^${folder}/[^/]+\\.(?:rules\\.yml|json)$`).test(name));
    });
    expect(readdirSync(join(CHART, 'files')).sort()).to.deep.equal(
      sources.map((path) => basename(path)).sort(),
    );
    for (const path of sources)
      expect(readFileSync(join(CHART, 'files', basename(path)), 'utf8')).to.equal(
        readFileSync(join(ROOT, 'deploy', path), 'utf8'),
      );

    const rule = (await render([...REQUIRED, ...MONITORED])).get('PrometheusRule/callhooks') ?? '';
    const folder = await mkdtemp(join(tmpdir(), 'callhooks-chart-'));
    const file = join(folder, 'rules.yml');
    await writeFile(file, (rule.split(/^spec:$/m)[1] ?? '').replaceAll(/^ {2}/gm, ''));
    const { exitCode, stdout, stderr } = await runProgram(TOOLS.promtool, ['check', 'rules', file]);
    await rm(folder, { recursive: true });
    expect(exitCode, stdout + stderr).to.equal(0);
    expect(stdout).to.match(/SUCCESS: \d+ rules found/);
  });

  it('explains each value with its default in its README', () => {
    const page = readFileSync(join(CHART, 'README.md'), 'utf8');
    const rows = [...page.matchAll(/^\| `([\w.]+)` \| (.*?) \| .+ \|$/gm)].map(
      ([, name = '', shown = '']) => [name, shown],
    );
    const defaults = [...defaultValues()].map(([name, value]) => [name, value]);
    expect(rows.map(([name]) => name).sort()).to.deep.equal(defaults.map(([name]) => name).sort());
    // A list of several lines is told in words.
    const told = new Map(rows.map(([name = '', shown = '']) => [name, shown]));
    for (const [name = '', value] of defaults)
      if (value !== '') expect(told.get(name), name).to.equal(`\`${value}\``);
  });
});
