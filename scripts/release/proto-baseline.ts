import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { runTool } from './run-tool.ts';

/** The API of the last release, and, in the commit of a release, its own. */
const BASELINE = 'proto/baseline.binpb';
// buf ends with this code when it has found what it looks for.
const FOUND = 100;

function build(root: string, output: string): void {
  const { status, text } = runTool(root, 'buf', 'build', '--exclude-source-info', '--output', output);
  if (status !== 0) throw new Error(`buf build failed:\n${text}`);
}

function inTemporaryFolder<T>(work: (folder: string) => T): T {
  const folder = mkdtempSync(join(tmpdir(), 'callhooks-proto-'));
  try {
    return work(folder);
  } finally {
    rmSync(folder, { recursive: true });
  }
}

/** Writes the API of now as the baseline. */
export function renewBaseline(root: string): void {
  build(root, BASELINE);
}

/** Reports whether the baseline is the API of now. */
export function isBaselineFresh(root: string): boolean {
  return inTemporaryFolder((folder) => {
    const file = join(folder, 'now.binpb');
    build(root, file);
    return readFileSync(file).equals(readFileSync(join(root, BASELINE)));
  });
}

/** Returns what in the proto files breaks clients of the API that was tagged, or an empty text. */
export function breaksOf(root: string, tag: string): string {
  return inTemporaryFolder((folder) => {
    const file = join(folder, 'last.binpb');
    const shown = runTool(root, 'git', 'show', `${tag}:${BASELINE}`);
    if (shown.status !== 0) throw new Error(`${tag} has no ${BASELINE}:\n${shown.text}`);
    writeFileSync(file, shown.stdout);
    const { status, text } = runTool(root, 'buf', 'breaking', '--against', file);
    if (status !== 0 && status !== FOUND) throw new Error(`buf breaking failed:\n${text}`);
    return status === FOUND ? text : '';
  });
}
