import { defineCommand } from './frame/command.ts';
import { EXIT } from './frame/exit-codes.ts';
import type { Shell } from './frame/shell.ts';
import { exitCodeOf, listenForSignals } from './frame/stop-signals.ts';

/** Brings the database to the schema of this version. */
export const migrate = defineCommand({
  usage: '[options]',
  about: `Brings the database to this version's schema. It prints the pending migrations and the oldest version that works
with the schema after them, and then each one that it applies. On MySQL and MariaDB run it before the first server of a new
version starts; servers of the old version go on meanwhile. Several processes may run it at once: one does the work, and the
others wait for it. SIGTERM or Ctrl-C stops it after the statement that runs, and a second signal stops it at once.
The embedded database migrates itself when a server starts. docs/upgrading.md says more.`,
  options: {
    'dry-run': { help: 'print what would be done, with its statements, and change nothing' },
    'show-sql': { help: 'print the statements before they are run' },
  },
  variables: {
    DATABASE_URL: 'the database: mysql://user:password@host/database',
    CALLHOOKS_DATA_DIR: 'the folder of the embedded database, without DATABASE_URL (./data)',
    CALLHOOKS_ENCRYPTION_KEYS: 'required with DATABASE_URL',
    CALLHOOKS_INSTANCE: 'the name that other processes print while they wait for this one',
  },
  examples: ['callhooks migrate --dry-run', 'callhooks migrate'],
  exitCodes: {
    0: 'the schema is up to date now',
    1: '--dry-run: migrations are pending',
    69: 'the database is not available',
    78: 'settings or privileges have to be put right, or this version is too old for the schema',
    130: 'Ctrl-C stopped it, and migrations are left (143: SIGTERM)',
  },
  run: async ({ options }, shell) =>
    run({ isDryRun: options['dry-run'], showsSql: options['show-sql'] }, shell),
});

async function run(request: { isDryRun: boolean; showsSql: boolean }, shell: Shell): Promise<number> {
  const { parseConfig } = await import('../config/config.ts');
  const config = parseConfig(shell.env, shell.pid);
  const { refuseNewerSchema } = await import('../store/database.ts');
  const { openSchema } = await import('../store/open-schema.ts');
  const { VERSION: release } = await import('../version.ts');
  const { migrateSchema } = await import('../ops/migrate-schema.ts');
  const print = (text: string): void => shell.print(text);
  const stop = new AbortController();
  let whenPending: number = EXIT.no;
  const { first, second } = listenForSignals(shell);
  void first.then((signal) => {
    print(
      `${signal}: the statement that runs is finished first; a second signal ends this process at once\n`,
    );
    whenPending = exitCodeOf(signal);
    stop.abort();
  });
  void second.then((signal) => shell.exit(exitCodeOf(signal)));
  const tools = { openSchema, refuseNewerSchema, release, print, signal: stop.signal };
  return (await migrateSchema(config, request, tools)) === 'pending' ? whenPending : EXIT.done;
}
