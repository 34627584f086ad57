import { existsSync, readFileSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { runProgram } from '../clients/programs.ts';

const ROOT = join(import.meta.dirname, '../..');
const { version } = JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8')) as { version: string };

/** What `make package` makes. */
export const PACKAGE = {
  version,
  folder: join(ROOT, 'build'),
  tarball: join(ROOT, `build/callhooks-${version}.tgz`),
  bill: join(ROOT, `build/callhooks-${version}.cdx.json`),
} as const;

/** The package in a folder that was empty before. */
export interface InstalledPackage {
  readonly folder: string;
  /** The link that npm made, for example node_modules/.bin/callhooks. */
  readonly program: string;
  remove(): Promise<void>;
}

/**
 * Installs the tarball into an empty folder, without a network, without a cache and without any script of a package.
 */
export async function installPackage(): Promise<InstalledPackage> {
  if (!existsSync(PACKAGE.tarball)) throw new Error(`${PACKAGE.tarball} is missing; make package makes it`);
  const folder = await mkdtemp(join(tmpdir(), 'callhooks-package-'));
  const { exitCode, stderr } = await runProgram(
    'npm',
    [
      'install',
      '--offline',
      '--prefix',
      folder,
      '--ignore-scripts',
      '--no-audit',
      '--no-fund',
      PACKAGE.tarball,
    ],
    { cwd: folder, env: { ...process.env, npm_config_cache: join(folder, 'cache') } },
  );
  if (exitCode !== 0) throw new Error(`npm install ended with ${exitCode}: ${stderr}`);
  return {
    folder,
    program: join(folder, 'node_modules/.bin/callhooks'),
    remove: () => rm(folder, { recursive: true, force: true }),
  };
}
