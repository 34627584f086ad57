import { setTimeout as wait } from 'node:timers/promises';
import type { Config } from '../config/config.ts';
import { isDatabaseError } from '../errors.ts';
import type { MigrationEvent, SchemaPlan } from '../store/migrate.ts';
import type { Schema, SchemaOptions } from '../store/open-schema.ts';
import { databasePlaceOf } from './configured-database.ts';
import { describePlan, formatDuration } from './migration-plan.ts';

/** What `callhooks migrate` is asked for. */
export interface MigrationRequest {
  /** Whether the plan is only shown. */
  readonly isDryRun: boolean;
  /** Whether the plan shows the statements. A dry run always does. */
  readonly showsSql: boolean;
}

/** What the command needs of others. */
interface MigrationTools {
  readonly openSchema: (options: SchemaOptions) => Schema;
  /** Throws ConfigError when this release is too old for the schema. */
  readonly refuseNewerSchema: (plan: SchemaPlan, release: string) => void;
  readonly release: string;
  readonly print: (text: string) => void;
  /** Is aborted when the work should end. */
  readonly signal: AbortSignal;
}

/** How it went: there was nothing to do, all is applied, or migrations are left. */
type MigrationResult = 'current' | 'applied' | 'pending';

/**
 * Does the work of `callhooks migrate`: shows the pending migrations, waits for other processes that migrate, applies them,
 * and prints how long each took. When `signal` is aborted, it finishes the migration that runs and prints what is left.
 * @throws ConfigError when this release is too old for the schema, or the user of the database may not change it.
 */
export async function migrateSchema(
  config: Config,
  { isDryRun, showsSql }: MigrationRequest,
  tools: MigrationTools,
): Promise<MigrationResult> {
  const { print, signal } = tools;
  const schema = await openWhenFree({ ...databasePlaceOf(config), isReadOnly: isDryRun }, tools);
  try {
    const plan = await schema.plan();
    tools.refuseNewerSchema(plan, tools.release);
    const server = await schema.describeServer();
    if (server !== undefined) print(`the database is ${server}\n`);
    print(describePlan(plan, { release: tools.release, showsSql: showsSql || isDryRun }));
    if (plan.pending.length === 0) return 'current';
    for (const note of await schema.describeDdl()) print(`note: ${note}\n`);
    if (isDryRun) {
      print('nothing was changed, because of --dry-run\n');
      return 'pending';
    }
    const holder = `${config.instance} (callhooks ${tools.release})`;
    await schema.migrate({ holder, signal, onEvent: (event) => print(describeEvent(event)) });
    const left = (await schema.plan()).pending;
    if (left.length === 0) return 'applied';
    print(`left for the next run: ${left.map(({ name }) => name).join(', ')}\n`);
    return 'pending';
  } finally {
    await schema.close();
  }
}

const TRY_AGAIN_MS = 200;
const GIVE_UP_AFTER_MS = 10_000;

// Another migration of the embedded database is done in a moment. A server uses it for longer.
async function openWhenFree(options: SchemaOptions, tools: MigrationTools): Promise<Schema> {
  const startedAtMs = performance.now();
  for (let tries = 1; ; tries += 1) {
    try {
      return tools.openSchema(options);
    } catch (error) {
      const isInUse = error instanceof Error && isDatabaseError(error.cause, 'busy');
      const isOver = performance.now() - startedAtMs > GIVE_UP_AFTER_MS || tools.signal.aborted;
      if (!isInUse || isOver) throw error;
      if (tries === 1)
        tools.print(
          `waiting for at most ${formatDuration(GIVE_UP_AFTER_MS)}: another callhooks runs on ${options.dataDir}\n`,
        );
      await wait(TRY_AGAIN_MS, undefined, { signal: tools.signal }).catch(() => undefined);
    }
  }
}

function describeEvent(event: MigrationEvent): string {
  if (event.kind === 'applying') return `applying ${event.name}\n`;
  if (event.kind === 'applied') return `applied ${event.name} in ${formatDuration(event.durationMs)}\n`;
  const { holder = 'an unnamed process', heldMs, silentMs } = event.owner;
  return (
    `waiting: ${holder} has been migrating this database for ${formatDuration(heldMs)}; its last sign of life came ` +
    `${formatDuration(silentMs)} ago (this process takes over after 30 s without one)\n`
  );
}
