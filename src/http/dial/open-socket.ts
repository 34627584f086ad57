import { once } from 'node:events';
import { connect as netConnect, type Socket, type TcpNetConnectOpts } from 'node:net';
import { within, type Deadline, type Ended } from '../client/deadline.ts';
import { connectText } from '../client/failures.ts';

/** Opens a TCP connection, as `net.connect` does. Tests put something else in its place. */
export type Connect = (options: TcpNetConnectOpts) => Socket;

/** A connected socket, or why there is none, in words. */
type Opened = { readonly socket: Socket } | { readonly problem: string };

const MAX_DIALLED = 8;
/** If an address is silent for this long, the next one is tried. */
const SILENT_ADDRESS_MS = 1_000;

/** Connects to the first of the addresses that answers. It tries them in their order, and at most 8 of them. */
export async function openSocket(
  all: readonly string[],
  port: number,
  deadline: Deadline,
  connect: Connect = netConnect,
): Promise<Opened | Ended> {
  const addresses = all.slice(0, MAX_DIALLED);
  let problem = 'no address';
  for (const [index, address] of addresses.entries()) {
    const ended = deadline.reason();
    if (ended !== undefined) return { ended };
    const untried = addresses.length - index;
    const patienceMs = untried === 1 ? Infinity : Math.min(SILENT_ADDRESS_MS, deadline.leftMs() / untried);
    const opened = await whenOpen(connect(optionsOf(address, port)), deadline, patienceMs);
    if (!('problem' in opened)) return opened;
    problem = opened.problem;
  }
  const among = addresses.length > 1 ? ` (the last of ${addresses.length} addresses)` : '';
  return { problem: problem + among };
}

function optionsOf(address: string, port: number): TcpNetConnectOpts {
  return { host: address, port, autoSelectFamily: false, noDelay: true, lookup: noLookup };
}

// Only addresses are dialled. A look-up here would find an address that was not checked.
const noLookup: NonNullable<TcpNetConnectOpts['lookup']> = (_host, _options, callback) =>
  callback(new Error('names are resolved before the dial'), '');

async function whenOpen(socket: Socket, deadline: Deadline, patienceMs: number): Promise<Opened | Ended> {
  socket.on('error', ignore);
  const opened = once(socket, 'connect').then(() => undefined, connectText);
  const result = await deadline.race(withPatience(opened, patienceMs));
  if (result === undefined) return { socket };
  socket.destroy();
  return typeof result === 'string' ? { problem: result } : result;
}

// A late error of a socket that nobody waits for must not end the process.
const ignore = () => undefined;

function withPatience<T>(work: Promise<T>, patienceMs: number): Promise<T | string> {
  return patienceMs === Infinity ? work : within(Math.max(1, patienceMs), work, 'no answer from the host');
}
