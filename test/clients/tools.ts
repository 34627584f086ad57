import { existsSync } from 'node:fs';
import { delimiter, dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describeWithTools } from '../support/describe-with-tools.ts';

const ROOT = fileURLToPath(new URL('../../', import.meta.url));

/** Programs and libraries of other projects. `make test-clients` installs them, all but tinyproxy into .cache/. */
export const TOOLS = {
  grpcurl: join(ROOT, '.cache/bin/grpcurl'),
  'go-httpbin': join(ROOT, '.cache/bin/go-httpbin'),
  python: join(ROOT, '.cache/python/bin/python'),
  // This file is written when the packages beside it are complete.
  signatures: join(ROOT, '.cache/signatures/installed.json'),
  // make test-clients builds it where there is Go.
  'protoc-gen-go': join(ROOT, '.cache/bin/protoc-gen-go'),
  'protoc-gen-grpc-java': join(ROOT, '.cache/bin/protoc-gen-grpc-java'),
  // These files are written when the environments are complete.
  'newest python': join(ROOT, '.cache/python-client/newest/installed.txt'),
  'oldest python': join(ROOT, '.cache/python-client/oldest/installed.txt'),
  'voice frameworks': join(ROOT, '.cache/voice-frameworks/installed.txt'),
  // This file is written when the parser is complete. Its version is that of test/tools/mermaid-install.sh.
  mermaid: join(ROOT, '.cache/mermaid/.12.3.0'),
  squid: join(ROOT, '.cache/squid/usr/sbin/squid'),
  tinyproxy: '/usr/bin/tinyproxy',
} as const;

// This file is written when the installation is complete.
const PYTHON_COMPLETE = join(ROOT, '.cache/python/installed.txt');

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
  const missing = tools.filter((tool) => !isThere(tool));
  describeWithTools({ missing, target: 'test-clients' }, title, suite);
}

function isThere(tool: keyof typeof TOOLS): boolean {
  return existsSync(TOOLS[tool]) && (tool !== 'python' || existsSync(PYTHON_COMPLETE));
}
