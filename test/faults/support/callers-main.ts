/**
 * Runs the callers. They speak plain HTTP/2: a gRPC client costs more than a call costs the server, and slow callers
 * would hide an overload.
 */
import { randomUUID } from 'node:crypto';
import { connect, constants, type ClientHttp2Session } from 'node:http2';
import { setTimeout as wait } from 'node:timers/promises';
import * as pb from '../../../src/gen/index.callhooks.v1.ts';
import type { CallOrder, CallsMade, RawCall } from './callers.ts';
import { watchStalls, type Stall } from './stalls.ts';

const CONNECTIONS = 8;
const FRAMING_BYTES = 5;
const POLL_EVERY_MS = 2;
// The callers themselves wait longer than their deadline, so that a late reply is seen as late.
const PATIENCE_MS = 3_000;

type CallOne = (conversationUuid: string) => Promise<void>;

async function makeCalls(order: CallOrder): Promise<CallsMade> {
  const calls: RawCall[] = [];
  const stalls: Stall[] = [];
  const unwatch = watchStalls((stall) => stalls.push(stall));
  const sessions = await openSessions(order.port);
  let turn = 0;
  const one: CallOne = async (conversationUuid) => {
    const session = sessions[(turn += 1) % CONNECTIONS] as ClientHttp2Session;
    calls.push(await callOnce(session, order, conversationUuid));
  };
  const next = conversationsOf(order);
  const { pace } = order;
  const behindMs =
    'atOnce' in pace ? await inTurn(pace.atOnce, next, one) : await onSchedule(pace.perSecond, next, one);
  for (const session of sessions) session.destroy();
  unwatch();
  return { calls, stalls, behindMs };
}

/** Returns a function that gives the next conversation, or undefined when there are no more. */
function conversationsOf({ of }: CallOrder): () => string | undefined {
  if ('conversationUuids' in of) {
    const left = [...of.conversationUuids];
    return () => left.shift();
  }
  const endsAtMs = performance.now() + of.seconds * 1_000;
  return () => (performance.now() < endsAtMs ? randomUUID() : undefined);
}

async function inTurn(atOnce: number, next: () => string | undefined, one: CallOne): Promise<number> {
  const work = async (): Promise<void> => {
    for (let uuid = next(); uuid !== undefined; uuid = next()) await one(uuid);
  };
  await Promise.all(Array.from({ length: atOnce }, work));
  return 0;
}

async function onSchedule(perSecond: number, next: () => string | undefined, one: CallOne): Promise<number> {
  const under = new Set<Promise<void>>();
  const startedAtMs = performance.now();
  let behindMs = 0;
  for (let made = 0; ;) {
    const dueAtMs = startedAtMs + (made * 1_000) / perSecond;
    const lateMs = performance.now() - dueAtMs;
    if (lateMs < 0) {
      await wait(POLL_EVERY_MS);
      continue;
    }
    const uuid = next();
    if (uuid === undefined) break;
    behindMs = Math.max(behindMs, lateMs);
    const call = one(uuid).finally(() => under.delete(call));
    under.add(call);
    made += 1;
  }
  await Promise.all(under);
  return Math.round(behindMs);
}

async function openSessions(port: number): Promise<readonly ClientHttp2Session[]> {
  const opened = Array.from({ length: CONNECTIONS }, () => connect(`http://127.0.0.1:${port}`));
  // The streams of a session that breaks report it too.
  for (const session of opened) session.on('error', () => undefined);
  await Promise.all(
    opened.map((session) => new Promise((resolve) => session.once('remoteSettings', resolve))),
  );
  return opened;
}

function callOnce(session: ClientHttp2Session, order: CallOrder, conversationUuid: string): Promise<RawCall> {
  const sentAtMs = Date.now();
  return new Promise((resolve) => {
    let response: Pick<RawCall, 'status' | 'message' | 'details'> = {};
    const chunks: Buffer[] = [];
    const read = (headers: Record<string, unknown>): void => {
      const [status, message, details] = ['grpc-status', 'grpc-message', 'grpc-status-details-bin'].map(
        (name) => headers[name] as string | undefined,
      );
      response = {
        ...response,
        ...(status !== undefined && { status }),
        ...(message !== undefined && { message }),
        ...(details !== undefined && { details }),
      };
    };
    const end = (): void => {
      const reply = Buffer.concat(chunks).subarray(FRAMING_BYTES);
      resolve({ conversationUuid, sentAtMs, respondedAtMs: Date.now(), ...response, reply });
    };
    if (session.destroyed) return end();
    const stream = session.request(headersOf(order));
    stream.setTimeout(order.deadlineMs + PATIENCE_MS, () => stream.close(constants.NGHTTP2_CANCEL));
    stream.on('response', read);
    stream.on('trailers', read);
    stream.on('data', (chunk: Buffer) => chunks.push(chunk));
    stream.on('error', () => undefined);
    stream.on('close', end);
    stream.end(framed(order, conversationUuid));
  });
}

function headersOf({ rpc, deadlineMs }: CallOrder): Record<string, string> {
  return {
    ':method': 'POST',
    ':path': `/callhooks.v1.CallLifecycle/${rpc === 'start' ? 'OnCallStart' : 'OnCallEnd'}`,
    'content-type': 'application/grpc+proto',
    te: 'trailers',
    'grpc-timeout': `${deadlineMs}m`,
  };
}

function framed({ rpc, agentUuid }: CallOrder, conversationUuid: string): Buffer {
  const request = { agentUuid, conversationUuid, callerPhone: `+49 ${conversationUuid}` };
  const message =
    rpc === 'start'
      ? pb.OnCallStartRequest.encode(pb.OnCallStartRequest.fromPartial(request)).finish()
      : pb.OnCallEndRequest.encode(
          pb.OnCallEndRequest.fromPartial({ ...request, callSummary: 'bye' }),
        ).finish();
  const head = Buffer.alloc(FRAMING_BYTES);
  head.writeUInt32BE(message.length, 1);
  return Buffer.concat([head, message]);
}

process.on('message', (order: CallOrder) => {
  void makeCalls(order).then((made) => process.send?.(made));
});
// Ends with the tests, however they end.
process.on('disconnect', () => process.exit(0));
