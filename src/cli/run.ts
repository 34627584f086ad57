import { COMMANDS } from './commands.ts';
import { EXIT } from './frame/exit-codes.ts';
import { isTooOld, OLDEST_NODE } from './frame/node-version.ts';
import type { Shell } from './frame/shell.ts';

const USAGE = 'Usage: callhooks <command> [options]\n"callhooks --help" lists the commands.\n';

/** Runs the command that the command line names. Returns the exit code of the process. Never throws. */
export async function runCommandLine(argv: readonly string[], shell: Shell): Promise<number> {
  const [name, ...args] = argv;
  try {
    if (name === undefined) {
      const { overview } = await import('./overview.ts');
      shell.say(`callhooks: no command was given\n\n${overview()}`);
      return EXIT.usage;
    }
    if (name === 'help' && args[0] !== undefined) return await runCommand(args[0], ['--help'], shell);
    if (['help', '--help', '-h'].includes(name)) return await printOverview(shell);
    if (name === '--version') return await printVersion(shell);
    // The package is a tarball that also works without npm, so nobody has looked at `engines` yet.
    if (isTooOld(shell.nodeVersion)) {
      shell.say(`callhooks needs Node.js ${OLDEST_NODE} or newer; this is ${shell.nodeVersion}.\n`);
      return EXIT.config;
    }
    return await runCommand(name, args, shell);
  } catch (error) {
    const { explainFailure } = await import('./frame/explain-failure.ts');
    return explainFailure(error, name ?? '', shell);
  }
}

async function runCommand(name: string, args: readonly string[], shell: Shell): Promise<number> {
  const entry = COMMANDS.get(name);
  if (entry === undefined) {
    const { didYouMean } = await import('./frame/did-you-mean.ts');
    const known = [...COMMANDS.keys(), 'help', '--help', '--version'];
    const problem = `there is no command "${name}"${didYouMean(name, known)}`;
    shell.say(`callhooks: ${problem}\n\n${USAGE}`);
    return EXIT.usage;
  }
  const { readOptions } = await import('./frame/read-options.ts');
  const command = await entry.load();
  try {
    const line = readOptions(args, command);
    if (line !== undefined) return await command.run(line, shell);
    const { commandHelp } = await import('./frame/help.ts');
    shell.print(commandHelp(name, command));
    return EXIT.done;
  } catch (error) {
    const { UsageError } = await import('./frame/command.ts');
    if (!(error instanceof UsageError)) throw error;
    const { usageLine } = await import('./frame/help.ts');
    const advice = `"callhooks ${name} --help" tells more.`;
    shell.say(`callhooks ${name}: ${error.message}\n\n${usageLine(name, command)}\n${advice}\n`);
    return EXIT.usage;
  }
}

async function printOverview(shell: Shell): Promise<number> {
  const { overview } = await import('./overview.ts');
  shell.print(overview());
  return EXIT.done;
}

async function printVersion(shell: Shell): Promise<number> {
  const { VERSION } = await import('../version.ts');
  shell.print(`callhooks ${VERSION} (Node.js ${shell.nodeVersion})\n`);
  return EXIT.done;
}
