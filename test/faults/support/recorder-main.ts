/**
 * Runs a recorder. It writes each event of each request to the file that the command line names, as one line of
 * JSON. A line is written before anything is answered, so that the file has at least what a client can know.
 */
import { openSync, writeSync } from 'node:fs';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { watchStalls } from './stalls.ts';
import type { Behaviour, RecorderEvent } from './recorder.ts';

const file = openSync(process.argv[2] ?? '', 'a');
const behaviours = new Map<string, Behaviour>();
// Each of these follows the behaviour that its request has now.
const held: (() => void)[] = [];
let count = 0;

function record(event: RecorderEvent): void {
  writeSync(file, `${JSON.stringify(event)}\n`);
}

function header(request: IncomingMessage, name: string): string {
  return String(request.headers[name] ?? '');
}

function between([from, to]: readonly [number, number]): number {
  return from + Math.random() * (to - from);
}

function answer(id: number, request: IncomingMessage, response: ServerResponse, behaviour: Behaviour): void {
  if (response.destroyed) return;
  if (behaviour.drop !== undefined && Math.random() < behaviour.drop) {
    response.destroy();
    return;
  }
  const { statuses = [200] } = behaviour;
  const status = statuses[id % statuses.length] ?? 200;
  record({ event: 'answered', id, atMs: Date.now(), status });
  response.writeHead(status, { 'content-type': 'application/json' });
  if (behaviour.stall === 'after_head') {
    response.flushHeaders();
    return;
  }
  // The answer names the execution, so that a second run of the webhook would show in every reply.
  response.end(JSON.stringify({ customer_name: `Ada ${header(request, 'callhooks-execution')}` }));
}

function follow(id: number, path: string, request: IncomingMessage, response: ServerResponse): void {
  const behaviour = behaviours.get(path) ?? behaviours.get('*') ?? {};
  const { stall, delayMs = [0, 0] } = behaviour;
  if (stall === 'silent') return;
  if (stall === 'until_scripted') {
    held.push(() => follow(id, path, request, response));
    return;
  }
  const waitMs = between(delayMs);
  if (waitMs === 0) answer(id, request, response, behaviour);
  else setTimeout(() => answer(id, request, response, behaviour), waitMs);
}

const server = createServer((request, response) => {
  const id = (count += 1);
  const [path = ''] = (request.url ?? '').split('?');
  const type = path.endsWith('/pre') ? 'pre_call' : 'post_call';
  record({
    event: 'head',
    id,
    atMs: Date.now(),
    path,
    type,
    executionUuid: header(request, 'callhooks-execution'),
    conversationUuid: header(request, 'x-conversation'),
  });
  request.on('error', () => undefined).resume();
  response.on('error', () => undefined);
  request.on('end', () => {
    record({ event: 'body', id });
    follow(id, path, request, response);
  });
});
server.keepAliveTimeout = 60_000;
server.requestTimeout = 0;

process.on('message', ({ path, behaviour }: { path: string; behaviour: Behaviour }) => {
  behaviours.set(path, behaviour);
  for (const followAgain of held.splice(0)) followAgain();
  process.send?.({ kind: 'scripted' });
});
// Ends with the tests, however they end.
process.on('disconnect', () => process.exit(0));
watchStalls((stall) => process.send?.({ kind: 'stall', stall }));
server.listen(0, '127.0.0.1', () =>
  process.send?.({ kind: 'listening', port: (server.address() as AddressInfo).port }),
);
