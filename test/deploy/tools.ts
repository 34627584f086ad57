import { existsSync } from 'node:fs';
import { delimiter, dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describeWithTools } from '../support/describe-with-tools.ts';

const CACHE = fileURLToPath(new URL('../../.cache/', import.meta.url));

/** Programs of other projects. `make test-deploy` installs them into .cache/. */
export const TOOLS = {
  amtool: join(CACHE, 'prometheus-alertmanager/usr/bin/amtool'),
  'compose-go': join(CACHE, 'bin/compose-go'),
  'dashboard-schema': join(CACHE, 'bin/dashboard-schema'),
  grpcurl: join(CACHE, 'bin/grpcurl'),
  hadolint: join(CACHE, 'hadolint/hadolint'),
  helm: join(CACHE, 'bin/helm'),
  kubeconform: join(CACHE, 'bin/kubeconform'),
  'kubernetes-1.29': join(CACHE, 'kubernetes-1.29/_definitions.json'),
  'kubernetes-1.37': join(CACHE, 'kubernetes-1.37/_definitions.json'),
  otelcol: join(CACHE, 'bin/otelcol'),
  mariadb: '/usr/sbin/mariadbd',
  prometheus: join(CACHE, 'prometheus/usr/bin/prometheus'),
  promtool: join(CACHE, 'prometheus/usr/bin/promtool'),
  'systemd-analyze': '/usr/bin/systemd-analyze',
} as const;

/** Returns the search path of this process with these programs first. */
export function pathWithTools(): string {
  return [dirname(TOOLS.grpcurl), process.env['PATH']].join(delimiter);
}

/** Describes a suite that needs some of the programs: see {@link describeWithTools}. */
export function describeWith(
  tools: readonly (keyof typeof TOOLS)[],
  title: string,
  suite: (this: Mocha.Suite) => void,
): void {
  const missing = tools.filter((tool) => !existsSync(TOOLS[tool]));
  describeWithTools({ missing, target: 'test-deploy' }, title, suite);
}
