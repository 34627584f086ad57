import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';

/** A shell in which commands run one after the other, as on a terminal: variables and jobs stay. */
export interface ShellSession {
  /** Runs commands and returns what they have written, standard error too. Rejects after two minutes. */
  run(commands: string): Promise<string>;
  /** Ends the shell. What it started goes on. */
  end(): Promise<void>;
}

const LIMIT_MS = 120_000;
const MARK = '--- done ---';

/** Starts a shell in a folder. */
export function startShell(folder: string, env: NodeJS.ProcessEnv): ShellSession {
  const shell = spawn('sh', [], { cwd: folder, env, stdio: ['pipe', 'pipe', 'inherit'] });
  shell.stdin.write('exec 2>&1\n');
  let output = '';
  let onOutput = () => {};
  shell.stdout.setEncoding('utf8').on('data', (chunk: string) => {
    output += chunk;
    onOutput();
  });
  let count = 0;
  return {
    async run(commands) {
      count += 1;
      // From a file, so that no command reads the rest of the session as its input.
      const file = join(folder, `.session-${count}`);
      await writeFile(file, `${commands}\n`);
      output = '';
      shell.stdin.write(`. '${file}' </dev/null; echo '${MARK}'\n`);
      await new Promise<void>((resolve, reject) => {
        const timer = setTimeout(
          () => reject(new Error(`it takes too long:\n${commands}\n${output}`)),
          LIMIT_MS,
        );
        onOutput = () => {
          if (!output.endsWith(`${MARK}\n`)) return;
          clearTimeout(timer);
          resolve();
        };
        onOutput();
      });
      return output.slice(0, -`${MARK}\n`.length);
    },
    async end() {
      shell.stdin.end();
      if (shell.exitCode === null) await once(shell, 'exit');
    },
  };
}
