import { cpSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

const ROOT = new URL('../..', import.meta.url).pathname;
const COPIED = ['src', 'migrations', 'proto', 'package.json'];

/** Says how a release differs from this tree. */
export interface ReleaseChange {
  readonly version: string;
  /** The migrations that it has besides those of this tree. They get the next numbers. */
  readonly migrations?: readonly AddedMigration[];
  /** Texts of files that are replaced. Each stands in its file once. */
  readonly edits?: readonly { readonly file: string; readonly from: string; readonly to: string }[];
}

/** A migration of another release. */
export interface AddedMigration {
  /** Its name without the number. */
  readonly name: string;
  /** The oldest release that works with the schema after it. */
  readonly oldestRelease: string;
  /** One statement that SQLite, MariaDB and MySQL understand. */
  readonly statement: string;
}

/** The sources of another release, in a folder of their own. */
export interface ReleaseTree {
  /** Its entry point. */
  readonly main: string;
  /** The full names of its own migrations. */
  readonly added: readonly string[];
  remove(): void;
}

/** Copies this tree and changes it into another release. */
export function makeRelease({ version, migrations = [], edits = [] }: ReleaseChange): ReleaseTree {
  const folder = mkdtempSync(join(tmpdir(), 'callhooks-release-'));
  for (const name of COPIED) cpSync(join(ROOT, name), join(folder, name), { recursive: true });
  symlinkSync(join(ROOT, 'node_modules'), join(folder, 'node_modules'));
  const edit = (file: string, from: string, to: string): void => {
    const text = readFileSync(join(folder, file), 'utf8');
    if (text.split(from).length !== 2) throw new Error(`${file} does not hold this text once: ${from}`);
    // A function, because `$` has a meaning in a text.
    writeFileSync(
      join(folder, file),
      text.replace(from, () => to),
    );
  };
  const versions = readFileSync(join(folder, 'src/version.ts'), 'utf8');
  writeFileSync(join(folder, 'src/version.ts'), versions.replace(/'[^']+'/, `'${version}'`));
  const added = migrations.map((migration) => addMigration(folder, edit, migration));
  for (const { file, from, to } of edits) edit(file, from, to);
  return {
    main: join(folder, 'src/main.ts'),
    added,
    remove: () => rmSync(folder, { recursive: true, force: true }),
  };
}

function addMigration(
  folder: string,
  edit: (file: string, from: string, to: string) => void,
  { name, oldestRelease, statement }: AddedMigration,
): string {
  const index = readFileSync(join(folder, 'migrations/index.ts'), 'utf8');
  const count = [...index.matchAll(/from '\.\/\d{4}_/g)].length;
  const fullName = `${String(count + 1).padStart(4, '0')}_${name}`;
  const constant = `added${count + 1}`;
  const migration = { name: fullName, summary: `Adds ${name} for a test.`, oldestRelease };
  writeFileSync(
    join(folder, `migrations/${fullName}.ts`),
    `export const ${constant} = { ...${JSON.stringify(migration)}, statements: () => [${JSON.stringify(statement)}] };\n`,
  );
  edit('migrations/index.ts', '\n];', `\n  ${constant},\n];`);
  edit(
    'migrations/index.ts',
    'import type { Migration }',
    `import { ${constant} } from './${fullName}.ts';\nimport type { Migration }`,
  );
  return fullName;
}
