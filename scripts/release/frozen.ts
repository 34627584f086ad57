import { createHash } from 'node:crypto';
import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { MIGRATIONS, type Migration } from '../../migrations/index.ts';

/** What releases have frozen, with checksums: it never changes again. */
export interface Frozen {
  /** By the names of migrations. */
  readonly migrations: Readonly<Record<string, FrozenItem>>;
  /** By paths below test/fixtures/releases/. */
  readonly fixtures: Readonly<Record<string, FrozenItem>>;
}

interface FrozenItem {
  /** The release that froze it. */
  readonly release: string;
  readonly sha256: string;
}

/** The files that each release has in its folder of test/fixtures/releases/. */
const FIXTURES = ['mysql.json', 'mysql.sql', 'sqlite.json', 'sqlite.sql'];

function fixturesIn(root: string): string {
  return join(root, 'test/fixtures/releases');
}

/** Returns where the checksums are. */
export function frozenFile(root: string): string {
  return join(fixturesIn(root), 'frozen.json');
}

/** Reads the checksums. */
export function readFrozen(root: string): Frozen {
  return JSON.parse(readFileSync(frozenFile(root), 'utf8')) as Frozen;
}

function sha256(data: string | Buffer): string {
  return createHash('sha256').update(data).digest('hex');
}

/** Returns the checksum of what a migration does. Its comments and its summary may change. */
function migrationSum({ name, oldestRelease, statements }: Migration): string {
  return sha256(JSON.stringify([name, oldestRelease, statements('sqlite'), statements('mysql')]));
}

/** Returns everything that would be frozen now, with its checksum of now. */
function currentSums(
  root: string,
  migrations: readonly Migration[],
): { migrations: ReadonlyMap<string, string>; fixtures: ReadonlyMap<string, string> } {
  const folder = fixturesIn(root);
  const files = readdirSync(folder, { withFileTypes: true })
    .filter((entry) => entry.isDirectory())
    .flatMap(({ name }) => readdirSync(join(folder, name)).map((file) => `${name}/${file}`));
  return {
    migrations: new Map(migrations.map((migration) => [migration.name, migrationSum(migration)])),
    fixtures: new Map(files.map((file) => [file, sha256(readFileSync(join(folder, file)))])),
  };
}

/** Returns what has changed although a release froze it. */
export function frozenProblems(
  root: string,
  frozen: Frozen,
  migrations: readonly Migration[] = MIGRATIONS,
): readonly string[] {
  const sums = currentSums(root, migrations);
  const changed = (
    kind: string,
    items: Frozen['fixtures'],
    current: ReadonlyMap<string, string>,
  ): readonly string[] =>
    Object.entries(items).flatMap(([name, item]) => {
      if (current.get(name) === item.sha256) return [];
      const what = current.has(name) ? 'has changed' : 'is gone';
      return [`${kind} ${name} ${what}: callhooks ${item.release} has released it`];
    });
  const order = Object.keys(frozen.migrations).filter((name, at) => migrations[at]?.name !== name);
  return [
    ...changed('migration', frozen.migrations, sums.migrations),
    ...changed('fixture', frozen.fixtures, sums.fixtures),
    ...(order.length === 0 ? [] : ['a migration stands before one that is released: add it at the end']),
  ];
}

/** Returns what a release of `version` has not frozen yet. */
export function unfrozen(root: string, frozen: Frozen, version: string): readonly string[] {
  const missing = FIXTURES.filter((file) => !existsSync(join(fixturesIn(root), version, file)));
  const names = [
    ...MIGRATIONS.map(({ name }) => name).filter((name) => frozen.migrations[name] === undefined),
    ...FIXTURES.map((file) => `${version}/${file}`).filter((file) => frozen.fixtures[file] === undefined),
  ];
  return [
    ...(missing.length === 0
      ? []
      : [`test/fixtures/releases/${version}/ lacks ${missing.join(', ')}: run make release-fixture`]),
    ...(names.length === 0 ? [] : [`frozen.json lacks ${names.join(', ')}: run make release-prepare`]),
  ];
}

/** Freezes what is there for a release of `version`. What other releases have frozen stays as it is. */
export function freeze(root: string, version: string): void {
  const frozen = readFrozen(root);
  const sums = currentSums(root, MIGRATIONS);
  const next = (items: Frozen['fixtures'], current: ReadonlyMap<string, string>): Frozen['fixtures'] =>
    Object.fromEntries(
      [...current].map(([name, sum]) => {
        const old = items[name];
        const isOthers = old !== undefined && old.release !== version;
        return [name, isOthers ? old : { release: version, sha256: sum }];
      }),
    );
  const result: Frozen = {
    migrations: next(frozen.migrations, sums.migrations),
    fixtures: next(frozen.fixtures, sums.fixtures),
  };
  writeFileSync(frozenFile(root), `${JSON.stringify(result, null, 2)}\n`);
}
