import { execFile } from 'node:child_process';
import { copyFile, mkdir, mkdtemp, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';

const ROOT = join(import.meta.dirname, '..', '..', '..');

/** One finding of oxlint: its rule, as in `eslint(no-console)`, and where it is. */
export interface Finding {
  readonly rule: string;
  readonly path: string;
  /** The line in which it begins, from 1. */
  readonly line: number;
  readonly help: string;
}

/** Writes files into a temporary copy of the project that holds nothing else, and returns what oxlint finds in them. */
export async function lintFiles(
  files: readonly (readonly [path: string, source: string])[],
): Promise<Finding[]> {
  const folder = await mkdtemp(join(tmpdir(), 'callhooks-lint-'));
  try {
    for (const name of ['.oxlintrc.json', 'tsconfig.json', 'package.json'])
      await copyFile(join(ROOT, name), join(folder, name));
    await symlink(join(ROOT, 'node_modules'), join(folder, 'node_modules'));
    for (const [path, source] of files) {
      await mkdir(dirname(join(folder, path)), { recursive: true });
      await writeFile(join(folder, path), `${source}\nexport const end = 0;\n`);
    }
    const folders = new Set(files.map(([path]) => path.split('/')[0] ?? ''));
    return await runOxlint(folder, [...folders]);
  } finally {
    await rm(folder, { recursive: true });
  }
}

function runOxlint(cwd: string, folders: readonly string[]): Promise<Finding[]> {
  const program = join(ROOT, 'node_modules', '.bin', 'oxlint');
  return new Promise((resolve, reject) => {
    // It ends with 1 when it finds something, so the exit code tells nothing; its output does.
    execFile(
      program,
      ['--type-aware', '--format=json', ...folders],
      { cwd, timeout: 20_000, maxBuffer: 64 << 20 },
      (error, stdout, stderr) => {
        try {
          resolve(toFindings(stdout));
        } catch {
          reject(new Error(`oxlint: ${stderr || stdout}`, { cause: error }));
        }
      },
    );
  });
}

interface Diagnostic {
  readonly code: string;
  readonly filename: string;
  readonly help?: string;
  readonly labels: readonly { readonly span: { readonly line: number } }[];
}

function toFindings(json: string): Finding[] {
  const { diagnostics } = JSON.parse(json) as { diagnostics: Diagnostic[] };
  return diagnostics.map(({ code, filename, help = '', labels }) => ({
    rule: code,
    path: filename,
    line: labels[0]?.span.line ?? 0,
    help,
  }));
}
