import { spawn } from 'node:child_process';
import type { Socket } from 'node:net';

/** Kills processes when this one is gone, however it ends: no replica outlives its tests. */
export interface ProcessGuard {
  watch(pid: number): void;
  /** The process has ended; its number may be another's soon. */
  forget(pid: number): void;
}

const SCRIPT = `
pids=" "
while read -r sign pid; do
  case "$sign" in
    +) pids="$pids$pid " ;;
    -) pids="\${pids%% $pid *} \${pids#* $pid }" ;;
  esac
done
for pid in $pids; do kill -9 "$pid" 2>/dev/null; done`;

let guard: ProcessGuard | undefined;

/** The one guard of this test run: a small shell that waits for its input to end. */
export const processGuard = (): ProcessGuard => (guard ??= startGuard());

const startGuard = (): ProcessGuard => {
  const shell = spawn('/bin/sh', ['-c', SCRIPT], { stdio: ['pipe', 'ignore', 'ignore'], detached: true });
  shell.unref();
  const input = shell.stdin as Socket;
  input.unref();
  return {
    watch: (pid) => void input.write(`+ ${pid}\n`),
    forget: (pid) => void input.write(`- ${pid}\n`),
  };
};
