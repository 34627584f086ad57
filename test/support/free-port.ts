import { once } from 'node:events';
import { createServer } from 'node:net';

// Outgoing connections get their ports from 32768 on (ip(7), ip_local_port_range). A port below is never taken by one of
// them between the probe and the use, or while a server that was killed starts again on it.
const FIRST_PORT = 20_000;
const PORT_COUNT = 12_000;

// Runs that go on at the same time begin at different ports.
let offset = Math.floor(Math.random() * PORT_COUNT);

/** Returns a port of 127.0.0.1 that nobody listens on, another one at each call until all of them have been returned. */
export async function freePort(): Promise<number> {
  for (let tries = 0; tries < PORT_COUNT; tries += 1) {
    offset = (offset + 1) % PORT_COUNT;
    const port = FIRST_PORT + offset;
    if (await isFree(port)) return port;
  }
  throw new Error(`no port from ${FIRST_PORT} to ${FIRST_PORT + PORT_COUNT - 1} is free`);
}

async function isFree(port: number): Promise<boolean> {
  const probe = createServer();
  try {
    await once(probe.listen(port, '127.0.0.1'), 'listening');
  } catch {
    return false;
  }
  probe.close();
  await once(probe, 'close');
  return true;
}
