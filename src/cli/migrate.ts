import { defineCommand } from './frame/command.ts';
import { EXIT } from './frame/exit-codes.ts';

/** Brings the database to the schema of this version. */
export const migrate = defineCommand({
  usage: '',
  about: `Brings the database to this version's schema, and prints each migration that it applied. On MySQL and MariaDB run
it before the first server of a new version starts. The embedded database migrates itself when a server starts.`,
  variables: {
    DATABASE_URL: 'the database: mysql://user:password@host/database',
    CALLHOOKS_DATA_DIR: 'the folder of the embedded database, without DATABASE_URL (./data)',
    CALLHOOKS_ENCRYPTION_KEYS: 'required with DATABASE_URL',
  },
  examples: ['callhooks migrate'],
  exitCodes: {
    0: 'the schema is up to date now',
    69: 'the database is not available',
    78: 'settings have to be put right, or the schema is newer than this version knows',
  },
  async run(_line, shell) {
    const { parseConfig } = await import('../config/config.ts');
    const config = parseConfig(shell.env, shell.pid);
    const { openDatabase, refuseNewerSchema } = await import('../store/database.ts');
    const { VERSION } = await import('../version.ts');
    const { databasePlaceOf } = await import('../ops/configured-database.ts');
    const database = await openDatabase(databasePlaceOf(config));
    try {
      await refuseNewerSchema(database, VERSION);
      const applied = await database.migrate();
      const lines = applied.map((name) => `applied ${name}\n`);
      shell.print(lines.join('') || 'the schema is up to date\n');
    } finally {
      await database.close();
    }
    return EXIT.done;
  },
});
