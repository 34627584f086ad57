import type { PendingMigration, SchemaPlan } from '../store/migrate.ts';

interface PlanOptions {
  /** The version of this callhooks. */
  readonly release: string;
  readonly showsSql: boolean;
}

/** Returns the page that tells an operator what a migration will do. */
export function describePlan(plan: SchemaPlan, { release, showsSql }: PlanOptions): string {
  const { pending, newer, oldestRelease, oldestReleaseAfter } = plan;
  const ahead =
    newer.length === 0
      ? ''
      : `the schema is ahead of callhooks ${release}, which still works with it: ${newer.join(', ')}\n`;
  if (pending.length === 0) return `${ahead}the schema is up to date\n`;
  const width = Math.max(...pending.map(({ name }) => name.length));
  const steps = pending.map((migration) => describeStep(migration, width, showsSql));
  const oldest =
    oldestRelease === undefined || oldestRelease === oldestReleaseAfter
      ? `callhooks ${oldestReleaseAfter} and newer work with the schema after that\n`
      : `callhooks ${oldestReleaseAfter} and newer work with the schema after that; stop all replicas of older releases ` +
        `first (until now it is ${oldestRelease} and newer)\n`;
  return `${ahead}${count(pending.length)} pending:\n${steps.join('')}${oldest}`;
}

function describeStep(migration: PendingMigration, width: number, showsSql: boolean): string {
  const { name, summary, statements } = migration;
  const sql = showsSql ? statements.map((statement) => `      ${statement};\n`).join('') : '';
  return `  ${name.padEnd(width)}  ${summary}\n${sql}`;
}

function count(migrations: number): string {
  return migrations === 1 ? '1 migration is' : `${migrations} migrations are`;
}

/** Returns a duration for people: `340 ms`, `12 s`, `7 min`. */
export function formatDuration(ms: number): string {
  if (ms < 1_000) return `${Math.max(0, Math.round(ms))} ms`;
  return ms < 120_000 ? `${Math.round(ms / 1_000)} s` : `${Math.round(ms / 60_000)} min`;
}
