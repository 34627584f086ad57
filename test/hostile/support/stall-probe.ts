/**
 * Measures the event loop of a server from within. A test starts the server with `--import` of this file and with an IPC
 * channel. Each message `reset` starts a new measurement; each message `read` is answered with the longest stall and the
 * longest work without a break, in milliseconds.
 */
import { isMainThread } from 'node:worker_threads';

const LOOK_EVERY_MS = 2;

// Worker threads of the server load this file too.
if (isMainThread && process.send !== undefined) measure(process.send.bind(process));

function measure(send: (measured: { longestStallMs: number; longestBusyMs: number }) => void): void {
  let last = { atMs: performance.now(), cpuMs: cpuMs() };
  let longestStallMs = 0;
  let longestBusyMs = 0;
  const look = (): void => {
    const now = { atMs: performance.now(), cpuMs: cpuMs() };
    longestStallMs = Math.max(longestStallMs, now.atMs - last.atMs - LOOK_EVERY_MS);
    longestBusyMs = Math.max(longestBusyMs, now.cpuMs - last.cpuMs);
    last = now;
  };
  setInterval(look, LOOK_EVERY_MS).unref();
  process.on('message', (message) => {
    look();
    if (message === 'read') send({ longestStallMs, longestBusyMs });
    longestStallMs = 0;
    longestBusyMs = 0;
  });
  // The server ends with the test process, even if that was killed.
  process.on('disconnect', () => process.exit(1));
  process.channel?.unref();
}

// The CPU time of the main thread alone.
function cpuMs(): number {
  const { user, system } = process.threadCpuUsage();
  return (user + system) / 1_000;
}
