/**
 * Measures the event loop of a server from within. A test starts the server with `--import` of this file and with an IPC
 * channel. Each message `reset` starts a new measurement; each message `read` is answered with the longest stall in
 * milliseconds.
 */
import { isMainThread } from 'node:worker_threads';

const LOOK_EVERY_MS = 2;

// Worker threads of the server load this file too.
if (isMainThread && process.send !== undefined) measure(process.send.bind(process));

function measure(send: (longestMs: number) => void): void {
  let lastMs = performance.now();
  let longestMs = 0;
  const look = (): void => {
    const nowMs = performance.now();
    longestMs = Math.max(longestMs, nowMs - lastMs - LOOK_EVERY_MS);
    lastMs = nowMs;
  };
  setInterval(look, LOOK_EVERY_MS).unref();
  process.on('message', (message) => {
    look();
    if (message === 'read') send(longestMs);
    longestMs = 0;
  });
  // The server ends with the test process, even if that was killed.
  process.on('disconnect', () => process.exit(1));
  process.channel?.unref();
}
