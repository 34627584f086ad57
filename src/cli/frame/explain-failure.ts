import { inspect } from 'node:util';
import { ConfigError, DatabaseError, errorCode } from '../../errors.ts';
import { describeError } from '../../logger.ts';
import { CommandError } from './command.ts';
import { EXIT } from './exit-codes.ts';
import type { Shell } from './shell.ts';

/** Prints why a command failed, for people. Returns its exit code. */
export function explainFailure(error: unknown, command: string, shell: Shell): number {
  if (error instanceof CommandError) {
    shell.say(`callhooks ${command}: ${error.message}\n`);
    return error.exitCode;
  }
  if (error instanceof ConfigError) {
    const problems = error.problems.map((problem) => `  - ${problem}\n`);
    shell.say(`callhooks can't continue:\n${problems.join('')}`);
    return EXIT.config;
  }
  if (error instanceof DatabaseError && error.kind === 'away') {
    const reason = errorCode(error.cause) ?? 'no answer';
    const problem = error.advice ?? `the database can't be reached (${reason})`;
    shell.say(`callhooks can't continue: ${problem}\n`);
    return EXIT.unavailable;
  }
  // The messages of these errors say it best: the folder can't be made or is in use, or the port is taken.
  if (error instanceof Error && ('syscall' in error || isBusy(error.cause))) {
    shell.say(`callhooks can't continue: ${error.message}\n`);
    return EXIT.unavailable;
  }
  shell.say(`callhooks failed: ${inspect(describeError(error), { depth: 8 })}\n`);
  return EXIT.unexpected;
}

function isBusy(error: unknown): boolean {
  return error instanceof DatabaseError && error.kind === 'busy';
}
