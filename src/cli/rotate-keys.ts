import { defineCommand } from './frame/command.ts';
import { EXIT } from './frame/exit-codes.ts';

/** Encrypts all stored values with the first key. */
export const rotateKeys = defineCommand({
  usage: '',
  about: `Encrypts all stored values with the first key of CALLHOOKS_ENCRYPTION_KEYS, while servers run. Add the new key
second everywhere, then move it first everywhere, then run this command, then remove the old key (docs/keys.md).`,
  variables: {
    CALLHOOKS_ENCRYPTION_KEYS: 'the keys: the first one encrypts, and all of them decrypt',
    DATABASE_URL: 'the database: mysql://user:password@host/database',
    CALLHOOKS_DATA_DIR: 'the folder of the embedded database, without DATABASE_URL (./data)',
  },
  examples: ['callhooks rotate-keys', 'callhooks check-config    # says how many values each key encrypts'],
  exitCodes: {
    0: 'all stored values are encrypted with the first key',
    69: 'the database is not available, or a server holds the embedded one',
    78: 'settings or keys have to be put right',
  },
  async run(_line, shell) {
    const { parseConfig } = await import('../config/config.ts');
    const config = parseConfig(shell.env, shell.pid);
    const { rotateStoredKeys } = await import('../ops/key-rotation.ts');
    const { openMigrated } = await import('../store/database.ts');
    const { VERSION: release } = await import('../version.ts');
    const line = await rotateStoredKeys(config, (options) =>
      openMigrated({ ...options, migrate: false, release }),
    );
    shell.print(line);
    return EXIT.done;
  },
});
