import { spawnSync } from 'node:child_process';
import {
  chmodSync,
  copyFileSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect } from 'chai';

const ROOT = join(import.meta.dirname, '..', '..', '..');
const SCRIPT = join(ROOT, 'tools', 'node', 'with-node.sh');

/** Makes a folder that stands for a machine: it has these commands on its PATH, and a checkout without packages. */
function machine(commands: Readonly<Record<string, string>>) {
  const root = mkdtempSync(join(tmpdir(), 'callhooks-machine-'));
  for (const folder of ['bin', 'tools/node']) mkdirSync(join(root, folder), { recursive: true });
  copyFileSync(SCRIPT, join(root, 'tools', 'node', 'with-node.sh'));
  const write = (path: string, script: string) => {
    writeFileSync(path, `#!/bin/sh\n${script}\n`);
    chmodSync(path, 0o755);
  };
  for (const [name, script] of Object.entries(commands)) write(join(root, 'bin', name), script);
  for (const name of ['dirname', 'uname', 'mkdir', 'cp', 'touch']) {
    const path = ['/usr/bin', '/bin'].map((folder) => join(folder, name)).find(existsSync);
    write(join(root, 'bin', name), `exec ${path} "$@"`);
  }
  const run = (...args: string[]) =>
    spawnSync('/bin/sh', [join(root, 'tools', 'node', 'with-node.sh'), ...args], {
      encoding: 'utf8',
      env: { PATH: join(root, 'bin'), ROOT: root },
    });
  return { root, run, remove: () => rmSync(root, { recursive: true }) };
}

const BRINGS_24 = `
  touch "$ROOT/npm-was-asked"
  for cpu in x64 arm64; do
    mkdir -p "$ROOT/tools/node/node_modules/node-linux-$cpu/bin"
    cp "$ROOT/bin/new-node" "$ROOT/tools/node/node_modules/node-linux-$cpu/bin/node"
  done`;

describe('with-node.sh', () => {
  const rows: [version: string, fits: boolean][] = [
    ['v18.20.4', false],
    ['v20.20.2', false],
    ['v24.0.0', false],
    ['v24.14.9', false],
    ['v24.15.0', true],
    ['v24.21.0', true],
    ['v26.0.0', true],
    ['v100.1.0', true],
  ];
  for (const [version, fits] of rows) {
    it(
      fits ? `uses the system's Node.js ${version}` : `brings a newer Node.js than the system's ${version}`,
      () => {
        const node = `echo ${version}`;
        const { root, run, remove } = machine({ node, npm: BRINGS_24, 'new-node': 'echo v24.21.0' });
        try {
          const { stdout, status } = run('node', '--version');
          expect([stdout.trim(), status]).to.deep.equal([fits ? version : 'v24.21.0', 0]);
          expect(existsSync(join(root, 'npm-was-asked'))).to.equal(!fits);
        } finally {
          remove();
        }
      },
    );
  }

  const failures: [title: string, commands: Record<string, string>, message: string][] = [
    ['there is no Node.js', {}, 'needs Node.js 24.15'],
    ['Node.js is too old and there is no npm', { node: 'echo v20.0.0' }, 'needs Node.js 24.15'],
    ['npm fails', { node: 'echo v20.0.0', npm: 'exit 1' }, 'could not bring Node.js'],
    ['npm brings nothing', { node: 'echo v20.0.0', npm: 'exit 0' }, 'brought no Node.js that runs here'],
  ];
  for (const [title, commands, message] of failures) {
    it(`fails and says why when ${title}`, () => {
      const { run, remove } = machine(commands);
      try {
        const { stderr, status } = run('node', '--version');
        expect(status).to.equal(1);
        expect(stderr).to.contain(message);
      } finally {
        remove();
      }
    });
  }

  it('brings the version that .node-version names', () => {
    const manifest = JSON.parse(readFileSync(join(ROOT, 'tools', 'node', 'package.json'), 'utf8')) as {
      optionalDependencies: Record<string, string>;
    };
    const named = readFileSync(join(ROOT, '.node-version'), 'utf8').trim();
    expect(new Set(Object.values(manifest.optionalDependencies))).to.deep.equal(new Set([named]));
  });
});
