import { spawn } from 'node:child_process';
import { once } from 'node:events';
import type { Socket } from 'node:net';

/** A small shell that outlives this process to clean up after it. */
export interface Tether {
  /** Sends the script a line. */
  send(line: string): void;
  /** Ends the script's input, as the end of this process would; resolves when the script has run. */
  release(): Promise<void>;
}

/**
 * Starts a shell script with arguments. Its input ends when this process is gone, even by SIGKILL. So a script that
 * reads its input to the end and then cleans up leaves nothing behind, however the tests end. It never keeps this
 * process alive.
 */
export function startTether(script: string, args: readonly string[] = []): Tether {
  const shell = spawn('/bin/sh', ['-c', script, 'sh', ...args], {
    stdio: ['pipe', 'ignore', 'ignore'],
    detached: true,
  });
  shell.unref();
  const input = shell.stdin as Socket;
  input.unref();
  return {
    send: (line) => void input.write(`${line}\n`),
    release: async () => {
      const exit = once(shell, 'exit');
      shell.ref();
      input.end();
      await exit;
    },
  };
}
