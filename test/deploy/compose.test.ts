import { readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { expect } from 'chai';
import { runProgram } from '../clients/programs.ts';
import { SHUTDOWN_MS } from './shutdown-time.ts';
import { describeWith, TOOLS } from './tools.ts';

const FILE = join(import.meta.dirname, '../../deploy/compose.yaml');
const CONFIG_PAGE = readFileSync(join(import.meta.dirname, '../../docs/config.md'), 'utf8');

interface Service {
  readonly image: string;
  readonly command: readonly string[] | null;
  readonly environment: Readonly<Record<string, string>>;
  readonly secrets?: readonly { readonly source: string }[];
  readonly networks: Readonly<Record<string, unknown>>;
  readonly ports?: readonly { readonly published: string; readonly target: number }[];
  readonly depends_on?: Readonly<Record<string, { readonly condition: string }>>;
  readonly stop_grace_period: string;
  readonly read_only?: boolean;
  readonly cap_drop?: readonly string[];
}

interface Project {
  readonly services: Readonly<Record<'callhooks-1' | 'callhooks-2' | 'migrate' | 'database', Service>>;
  readonly networks: Readonly<Record<string, { readonly internal?: boolean }>>;
  readonly secrets: Readonly<Record<string, { readonly file: string }>>;
}

describeWith(['compose-go'], 'deploy/compose.yaml', () => {
  let project: Project;

  before(async () => {
    const { exitCode, stdout, stderr } = await runProgram(TOOLS['compose-go'], ['-format', 'json', FILE], {
      cwd: dirname(FILE),
    });
    expect(exitCode, stderr).to.equal(0);
    project = JSON.parse(stdout) as Project;
  });

  it('is a project that the loader of Docker Compose takes, with two replicas that differ in their ports alone', () => {
    const { 'callhooks-1': first, 'callhooks-2': second, ...others } = project.services;
    expect(Object.keys(others).sort()).to.deep.equal(['database', 'migrate']);
    const ports = (service: Service) =>
      service.ports?.map(({ published, target }) => `${published}:${target}`);
    expect(ports(first)).to.deep.equal(['50051:50051', '9464:9464']);
    expect(ports(second)).to.deep.equal(['50052:50051', '9465:9464']);
    expect({ ...second, ports: 0, hostname: 0 }).to.deep.equal({ ...first, ports: 0, hostname: 0 });
  });

  it('migrates once the database is healthy, and starts the replicas when that has succeeded', () => {
    expect(project.services.migrate.command).to.deep.equal(['migrate']);
    const conditions = (service: Service) =>
      Object.entries(service.depends_on ?? {}).map(([name, { condition }]) => `${name} ${condition}`);
    expect(conditions(project.services.migrate)).to.deep.equal(['database service_healthy']);
    expect(conditions(project.services['callhooks-1'])).to.have.members([
      'database service_healthy',
      'migrate service_completed_successfully',
    ]);
  });

  it('hands each secret over as a file, and names settings that exist', () => {
    const { environment, secrets = [] } = project.services['callhooks-1'];
    for (const [name, value] of Object.entries(environment)) {
      if (name === 'NODE_OPTIONS') continue;
      const base = name.replace(/_FILE$/, '');
      expect(CONFIG_PAGE).to.match(new RegExp(`\\| \`(?:${name}\`|${base}\`, or \`_FILE\`)`));
      expect(value).to.match(/^\/(?:run\/secrets|etc\/callhooks\/tls)\//);
    }
    const mounted = Object.values(environment).filter((value) => value.startsWith('/run/secrets/'));
    expect(secrets.map(({ source }) => `/run/secrets/${source}`)).to.have.members(mounted);
    expect(readFileSync(FILE, 'utf8')).not.to.match(/password: |PASSWORD: /);
  });

  it('keeps the database on a network that nothing outside reaches', () => {
    const { database } = project.services;
    expect(Object.keys(database.networks)).to.deep.equal(['database']);
    expect(project.networks['database']?.internal).to.equal(true);
    expect(database.ports).to.equal(undefined);
  });

  it('gives each replica longer to stop than a shutdown takes, and nothing to write to', () => {
    const { stop_grace_period, read_only, cap_drop } = project.services['callhooks-1'];
    const [, minutes = 0, seconds = 0] = /^(?:(\d+)m)?(?:(\d+)s)?$/.exec(stop_grace_period) ?? [];
    expect((Number(minutes) * 60 + Number(seconds)) * 1000).to.be.above(SHUTDOWN_MS);
    expect([read_only, cap_drop]).to.deep.equal([true, ['ALL']]);
  });
});
