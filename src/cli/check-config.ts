import { defineCommand } from './frame/command.ts';
import { EXIT } from './frame/exit-codes.ts';

/** Prints the settings in effect, the database, and how many secrets each key encrypts. */
export const checkConfig = defineCommand({
  usage: '',
  about: `Checks the settings as "callhooks serve" does, and prints all of them with their values in effect. Of a secret it
says only whether it is set. Then it says what the database is, and how many stored values each key encrypts.
It changes nothing.`,
  variables: { 'CALLHOOKS_*': 'all settings of the server', DATABASE_URL: 'the database' },
  examples: ['callhooks check-config', 'callhooks check-config | grep EGRESS'],
  exitCodes: {
    0: 'a server would start',
    78: 'settings or keys have to be put right (all problems are printed)',
  },
  async run(_line, shell) {
    const { parseConfig } = await import('../config/config.ts');
    const config = parseConfig(shell.env, shell.pid);
    const { configReport } = await import('../ops/config-report.ts');
    const { databaseReport } = await import('../ops/database-report.ts');
    const { openDatabase } = await import('../store/database.ts');
    const { text, lacksKeys } = await databaseReport(config, openDatabase);
    shell.print(`${configReport(shell.env)}\n${text}`);
    return lacksKeys ? EXIT.config : EXIT.done;
  },
});
