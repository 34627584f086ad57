import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describeWithTools } from '../support/describe-with-tools.ts';

const CACHE = fileURLToPath(new URL('../../.cache/', import.meta.url));

/** Programs of other projects. `make test-deploy` installs them into .cache/. */
export const TOOLS = {
  prometheus: join(CACHE, 'prometheus/usr/bin/prometheus'),
  promtool: join(CACHE, 'prometheus/usr/bin/promtool'),
} as const;

/** Describes a suite that needs some of the programs: see {@link describeWithTools}. */
export function describeWith(
  tools: readonly (keyof typeof TOOLS)[],
  title: string,
  suite: (this: Mocha.Suite) => void,
): void {
  const missing = tools.filter((tool) => !existsSync(TOOLS[tool]));
  describeWithTools({ missing, target: 'test-deploy' }, title, suite);
}
