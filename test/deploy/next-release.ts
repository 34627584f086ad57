import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { runProgram } from '../clients/programs.ts';
import { PACKAGE } from './installed-package.ts';

/** Makes a package that differs from the built one in its version alone, so that there is something to upgrade to. */
export async function makeNextRelease(version: string, target: string): Promise<void> {
  const folder = await mkdtemp(join(tmpdir(), 'callhooks-next-'));
  await tar('--extract', '--file', PACKAGE.tarball, '--directory', folder);
  for (const file of ['package.json', 'dist/src/version.js']) {
    const path = join(folder, 'package', file);
    await writeFile(path, (await readFile(path, 'utf8')).replace(PACKAGE.version, version));
  }
  await tar('--create', '--gzip', '--file', target, '--directory', folder, 'package');
  await rm(folder, { recursive: true });
}

async function tar(...args: readonly string[]): Promise<void> {
  const { exitCode, stderr } = await runProgram('tar', args);
  if (exitCode !== 0) throw new Error(`tar ended with ${exitCode}: ${stderr}`);
}
