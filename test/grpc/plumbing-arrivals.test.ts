import {
  connect as openSession,
  constants,
  type ClientHttp2Session,
  type ClientHttp2Stream,
} from 'node:http2';
import { connect as openSocket } from 'node:net';
import { status } from '@grpc/grpc-js';
import { expect } from 'chai';
import { createCallGate, type CallGate } from '../../src/engine/limits/call-gate.ts';
import { OnCallEndResponse, OnCallStartResponse } from '../../src/gen/index.callhooks.v1.ts';
import type { CallContext } from '../../src/grpc/call-context.ts';
import { errorOf } from '../support/rpc.ts';
import { until } from '../support/until.ts';
import { startPlumbing } from './plumbing-server.ts';

const START = '/callhooks.v1.CallLifecycle/OnCallStart';
const END = '/callhooks.v1.CallLifecycle/OnCallEnd';
const reply = OnCallStartResponse.fromPartial({ replayed: true });
const MAX_RPCS = 1_000;
// Of HTTP/2 (RFC 9113, 6): types of frames and their flags.
const [HEADERS, RST_STREAM, SETTINGS] = [1, 3, 4];
const [END_STREAM, END_HEADERS] = [1, 4];

/** A gate whose figures the test sets. */
const gateWith = (figures: { ageMs?: number } = {}) => {
  const world = { ageMs: 0, nowMs: 0, ...figures };
  const gate = createCallGate({
    queueAgeMs: () => world.ageMs,
    claimedLately: () => 0,
    now: () => world.nowMs,
  });
  return { world, gate };
};
const shutGate = (): CallGate => gateWith({ ageMs: 10_000 }).gate;

/** Handlers that answer when they are told, and the contexts that they were given. */
const holding = () => {
  const contexts: CallContext[] = [];
  let release: () => void = () => undefined;
  const released = new Promise<void>((resolve) => {
    release = resolve;
  });
  const onCallStart = async (_: unknown, context: CallContext) => {
    contexts.push(context);
    await released;
    return reply;
  };
  return { contexts, release: () => release(), onCallStart };
};

describe('a call that the gate refuses', () => {
  for (const rpc of ['onCallStart', 'onCallEnd'] as const) {
    it(`is LIMIT_REACHED with its details for ${rpc}, whatever the size of its message`, async () => {
      await using plumbing = await startPlumbing({}, { gate: shutGate() });
      for (const size of [0, 100, 50_000, 4_000_000]) {
        const error = await errorOf(plumbing.rpc.calls[rpc]({ callerPhone: 'x'.repeat(size) }));
        expect(error).to.include({
          code: 'RESOURCE_EXHAUSTED',
          reason: 'LIMIT_REACHED',
          domain: 'callhooks',
        });
        expect(error).to.include({ retryAfterMs: 1_000 });
        expect(error.message).to.include('nothing was recorded');
      }
    });
  }

  it('reaches no handler, and other RPCs are let in', async () => {
    let calls = 0;
    await using plumbing = await startPlumbing(
      {
        onCallStart: async () => {
          calls += 1;
          return reply;
        },
      },
      { gate: shutGate() },
    );
    await errorOf(plumbing.rpc.calls.onCallStart());
    expect((await errorOf(plumbing.rpc.executions.getExecution())).code).to.equal('INTERNAL');
    expect(calls).to.equal(0);
  });

  it('has one line a second in the log, and is counted each time', async () => {
    const limits: string[] = [];
    const { gate, world } = gateWith({ ageMs: 10_000 });
    const onRefused = (limit: string): void => void limits.push(limit);
    await using plumbing = await startPlumbing({}, { gate, onRefused });
    await Promise.all(Array.from({ length: 30 }, () => errorOf(plumbing.rpc.calls.onCallStart())));
    await until('a log line', () => plumbing.lines.length > 0);
    const line = {
      level: 'info',
      message: 'rpc refused',
      code: 'RESOURCE_EXHAUSTED',
      reason: 'LIMIT_REACHED',
    };
    expect(plumbing.lines).to.deep.equal([{ ...line, limit: 'write_queue_age', count: 30 }]);
    expect(limits).to.deep.equal(Array.from({ length: 30 }, () => 'write_queue_age'));
    expect(gate.refused()).to.equal(30);
    world.ageMs = 0;
    await errorOf(plumbing.rpc.calls.onCallStart());
    await plumbing.server.close(0);
    expect(plumbing.lines.map(({ message }) => message)).to.deep.equal(['rpc refused', 'rpc']);
  });

  it('has no more lines than seconds go by, however many follow one another', async () => {
    await using plumbing = await startPlumbing({}, { gate: shutGate() });
    const beganAtMs = performance.now();
    while (performance.now() - beganAtMs < 1_500) await errorOf(plumbing.rpc.calls.onCallStart());
    await until('a log line', () => plumbing.lines.length > 0);
    expect(plumbing.lines.length).to.be.at.most(Math.ceil((performance.now() - beganAtMs) / 1_000));
  });

  it('has its line written when the server closes before the second is over', async () => {
    await using plumbing = await startPlumbing({}, { gate: shutGate() });
    await errorOf(plumbing.rpc.calls.onCallStart());
    plumbing.rpc.close();
    await plumbing.server.close(0);
    expect(plumbing.lines).to.have.length(1);
    expect(plumbing.lines[0]).to.include({ message: 'rpc refused', count: 1 });
  });

  it('is SHUTTING_DOWN while the server closes', async () => {
    await using plumbing = await startPlumbing({}, { gate: shutGate() });
    await errorOf(plumbing.rpc.calls.onCallStart());
    const closed = plumbing.server.close(1_000);
    expect((await errorOf(plumbing.rpc.calls.onCallStart())).reason).to.equal('SHUTTING_DOWN');
    await closed;
  });

  it('is answered before its message, whose sender is told to stop', async () => {
    await using plumbing = await startPlumbing({}, { gate: shutGate() });
    using raw = sendFrames(plumbing.port, requestFrame(START));
    await until('two frames', () => raw.received().length === 2);
    const [answer, reset] = raw.received();
    expect([answer?.type, reset?.type]).to.deep.equal([HEADERS, RST_STREAM]);
    expect((answer?.flags ?? 0) & END_STREAM).to.equal(END_STREAM);
    expect(reset?.payload.readUInt32BE()).to.equal(constants.NGHTTP2_NO_ERROR);
  });

  it('does no harm when its caller has given up in the same packet', async () => {
    const { gate } = gateWith({ ageMs: 10_000 });
    await using plumbing = await startPlumbing({}, { gate });
    const giveUp = Buffer.alloc(4);
    giveUp.writeUInt32BE(constants.NGHTTP2_CANCEL);
    using _raw = sendFrames(plumbing.port, requestFrame(START), frame(RST_STREAM, 0, 1, giveUp));
    await until('a refusal', () => gate.refused() === 1);
    expect((await errorOf(plumbing.rpc.calls.onCallStart())).reason).to.equal('LIMIT_REACHED');
  });

  it('costs its connection nothing: after 3,000 refusals in a row it is still open', async () => {
    const { gate, world } = gateWith({ ageMs: 10_000 });
    await using plumbing = await startPlumbing({ onCallStart: async () => reply }, { gate });
    for (let wave = 0; wave < 3; wave += 1) {
      const refused = Array.from({ length: 1_000 }, () => errorOf(plumbing.rpc.calls.onCallStart()));
      expect(new Set((await Promise.all(refused)).map(({ reason }) => reason))).to.deep.equal(
        new Set(['LIMIT_REACHED']),
      );
    }
    world.ageMs = 0;
    expect(await plumbing.rpc.calls.onCallStart()).to.deep.equal(reply);
  });
});

describe('a call that the gate lets in', () => {
  it('waits until it is decided', async () => {
    const { gate } = gateWith();
    const { contexts, release, onCallStart } = holding();
    await using plumbing = await startPlumbing({ onCallStart }, { gate });
    const running = [1, 2, 3].map(() => plumbing.rpc.calls.onCallStart());
    await until('three calls to run', () => contexts.length === 3);
    expect(gate.waiting()).to.equal(3);
    contexts[1]?.arrival.decided();
    expect(gate.waiting()).to.equal(2);
    release();
    await Promise.all(running);
    await until('no call to wait', () => gate.waiting() === 0);
  });

  it('waits no more when its caller has gone', async () => {
    const { gate } = gateWith();
    const { contexts, onCallStart } = holding();
    await using plumbing = await startPlumbing({ onCallStart }, { gate });
    const cancel = new AbortController();
    const failed = errorOf(plumbing.rpc.calls.onCallStart({}, { signal: cancel.signal }));
    await until('the call to run', () => contexts.length === 1);
    cancel.abort();
    await failed;
    await until('no call to wait', () => gate.waiting() === 0);
  });

  it('waits no more when its connection breaks before its message is there', async () => {
    const { gate } = gateWith();
    await using plumbing = await startPlumbing({}, { gate });
    const session = openSession(`http://127.0.0.1:${plumbing.port}`);
    const streams = [openStream(session, START), openStream(session, END)];
    await until('two calls to wait', () => gate.waiting() === 2);
    session.destroy();
    await until('no call to wait', () => gate.waiting() === 0);
    expect(streams).to.have.length(2);
  });

  it('is one of 256 at most when nothing is claimed, and the next is refused', async () => {
    const { gate } = gateWith();
    const { contexts, release, onCallStart } = holding();
    const limits: string[] = [];
    const onRefused = (limit: string): void => void limits.push(limit);
    await using plumbing = await startPlumbing({ onCallStart }, { gate, onRefused });
    const running = Array.from({ length: 256 }, () => plumbing.rpc.calls.onCallStart());
    await until('256 calls to run', () => contexts.length === 256);
    expect((await errorOf(plumbing.rpc.calls.onCallEnd())).reason).to.equal('LIMIT_REACHED');
    expect(limits).to.deep.equal(['calls_waiting']);
    release();
    await Promise.all(running);
  });

  it('waits for its claim as long as that takes once its message is there', async () => {
    const { gate, world } = gateWith();
    const { contexts, release, onCallStart } = holding();
    await using plumbing = await startPlumbing({ onCallStart }, { gate });
    const running = Array.from({ length: 256 }, () => plumbing.rpc.calls.onCallStart());
    await until('256 calls to run', () => contexts.length === 256);
    world.nowMs += 60_000;
    expect((await errorOf(plumbing.rpc.calls.onCallStart())).reason).to.equal('LIMIT_REACHED');
    release();
    await Promise.all(running);
  });

  it('cannot be decided by another call that sends its ticket', async () => {
    const { gate } = gateWith();
    const { contexts, release, onCallStart } = holding();
    await using plumbing = await startPlumbing(
      {
        onCallStart,
        onCallEnd: async (_, context) => {
          context.arrival.decided();
          return OnCallEndResponse.fromPartial({});
        },
      },
      { gate },
    );
    const running = plumbing.rpc.calls.onCallStart();
    await until('the call to run', () => contexts.length === 1);
    // A server numbers its streams from 1 (arrivals.test.ts), so the running call has one of these tickets.
    for (const ticket of ['1', '2', '3', '4', '5']) {
      await plumbing.rpc.calls.onCallEnd({}, { headers: { 'callhooks-ticket': ticket } });
      expect(gate.waiting()).to.be.at.least(1);
    }
    release();
    await running;
  });

  it('may be told what it likes where there is no gate', async () => {
    const { contexts, release, onCallStart } = holding();
    await using plumbing = await startPlumbing({ onCallStart });
    const running = plumbing.rpc.calls.onCallStart();
    await until('the call to run', () => contexts.length === 1);
    contexts[0]?.arrival.decided();
    release();
    expect(await running).to.deep.equal(reply);
  });
});

describe('the limit of RPCs at once on a connection', () => {
  it('refuses beyond 1,000 as LIMIT_REACHED, whatever the method, and leaves other connections alone', async () => {
    const { contexts, release, onCallStart } = holding();
    const limits: string[] = [];
    const onRefused = (limit: string): void => void limits.push(limit);
    await using plumbing = await startPlumbing({ onCallStart }, { onRefused });
    const running = Array.from({ length: MAX_RPCS }, () => plumbing.rpc.calls.onCallStart());
    await until('1,000 calls to run', () => contexts.length === MAX_RPCS);
    for (const refused of [plumbing.rpc.calls.onCallStart(), plumbing.rpc.agents.listAgents()]) {
      const { code, reason, retryAfterMs, message } = await errorOf(refused);
      expect({ code, reason, retryAfterMs }).to.deep.equal({
        code: 'RESOURCE_EXHAUSTED',
        reason: 'LIMIT_REACHED',
        retryAfterMs: 1_000,
      });
      expect(message).to.include('connection');
    }
    expect(limits).to.deep.equal(['rpcs_per_connection', 'rpcs_per_connection']);
    const session = openSession(`http://127.0.0.1:${plumbing.port}`);
    const other = openStream(session, START);
    other.end(Buffer.alloc(5));
    await until('the call on the other connection to run', () => contexts.length === MAX_RPCS + 1);
    release();
    await Promise.all(running);
    session.destroy();
    expect(await plumbing.rpc.calls.onCallStart()).to.deep.equal(reply);
  });

  for (const [where, readsFirst] of [
    ['queued before', true],
    ['sent right behind', false],
  ] as const) {
    it(`answers 1,500 reads ${where} the end of 1,000 deadlines on their connection`, async () => {
      let begun = 0;
      await using plumbing = await startPlumbing({
        onCallStart: () => {
          begun += 1;
          return new Promise(() => {});
        },
        onCallEnd: async () => OnCallEndResponse.fromPartial({}),
      });
      const session = openSession(`http://127.0.0.1:${plumbing.port}`);
      let goaways = 0;
      session.on('goaway', () => (goaways += 1));
      session.on('error', () => undefined);
      await new Promise((resolve) => session.once('remoteSettings', resolve));
      const late = Array.from({ length: MAX_RPCS }, () => openStream(session, START).end(Buffer.alloc(5)));
      await until('1,000 calls to run', () => begun === MAX_RPCS);
      const read = () =>
        Array.from({ length: 1_500 }, () => endOf(openStream(session, END).end(Buffer.alloc(5))));
      const giveUp = () => late.forEach((stream) => stream.close(constants.NGHTTP2_CANCEL));
      const reads = readsFirst ? read() : [];
      giveUp();
      if (!readsFirst) reads.push(...read());
      const ends = (await Promise.all(reads)).map(({ code, hasDetails }) =>
        code === status.RESOURCE_EXHAUSTED && hasDetails ? 'LIMIT_REACHED' : code,
      );
      expect(ends.filter((end) => end !== status.OK && end !== 'LIMIT_REACHED')).to.deep.equal([]);
      expect(goaways).to.equal(0);
      session.destroy();
    });
  }
});

function openStream(session: ClientHttp2Session, path: string): ClientHttp2Stream {
  const headers = { ':method': 'POST', ':path': path, 'content-type': 'application/grpc', te: 'trailers' };
  const stream = session.request(headers, { endStream: false });
  stream.on('error', () => undefined);
  return stream;
}

/** How an RPC ended, by its trailers; the code is undefined when there were none. */
function endOf(stream: ClientHttp2Stream): Promise<{ code: number | undefined; hasDetails: boolean }> {
  return new Promise((resolve) => {
    const read = (headers: Record<string, unknown>): void => {
      const code = headers['grpc-status'];
      if (code === undefined) return;
      resolve({ code: Number(code), hasDetails: headers['grpc-status-details-bin'] !== undefined });
    };
    stream.on('response', read);
    stream.on('trailers', read);
    stream.on('close', () => resolve({ code: undefined, hasDetails: false }));
    stream.resume();
  });
}

interface Frame {
  readonly type: number;
  readonly flags: number;
  readonly streamId: number;
  readonly payload: Buffer;
}

/** The headers of a request, without the end of its stream. */
function requestFrame(path: string): Buffer {
  const headers = {
    ':method': 'POST',
    ':scheme': 'http',
    ':path': path,
    ':authority': 'test',
    'content-type': 'application/grpc',
    te: 'trailers',
  };
  const text = (value: string): Buffer => Buffer.concat([Buffer.of(value.length), Buffer.from(value)]);
  // HPACK, literal fields without indexing (RFC 7541, 6.2.2).
  const block = Buffer.concat(
    Object.entries(headers).map(([name, value]) => Buffer.concat([Buffer.of(0), text(name), text(value)])),
  );
  return frame(HEADERS, END_HEADERS, 1, block);
}

/**
 * Sends frames of stream 1 in one packet. Written by hand, because Node's own client ends its side as soon as the answer
 * is there, and so hides what the server does.
 */
function sendFrames(port: number, ...frames: Buffer[]) {
  const socket = openSocket(port, '127.0.0.1');
  const preface = Buffer.from('PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n');
  let bytes = Buffer.alloc(0);
  socket.on('error', () => undefined);
  socket.on('data', (more) => {
    bytes = Buffer.concat([bytes, more]);
  });
  socket.write(Buffer.concat([preface, frame(SETTINGS, 0, 0, Buffer.alloc(0)), ...frames]));
  return {
    received: () => parseFrames(bytes).filter(({ streamId }) => streamId === 1),
    [Symbol.dispose]: () => void socket.destroy(),
  };
}

function frame(type: number, flags: number, streamId: number, payload: Buffer): Buffer {
  const head = Buffer.alloc(9);
  head.writeUIntBE(payload.length, 0, 3);
  head.writeUInt8(type, 3);
  head.writeUInt8(flags, 4);
  head.writeUInt32BE(streamId, 5);
  return Buffer.concat([head, payload]);
}

/** The whole frames at the beginning of what was received (RFC 9113, 4.1). */
function parseFrames(bytes: Buffer): Frame[] {
  const frames: Frame[] = [];
  for (let at = 0; at + 9 <= bytes.length;) {
    const end = at + 9 + bytes.readUIntBE(at, 3);
    if (end > bytes.length) break;
    const [type, flags, streamId] = [bytes[at + 3] ?? 0, bytes[at + 4] ?? 0, bytes.readUInt32BE(at + 5)];
    frames.push({ type, flags, streamId, payload: bytes.subarray(at + 9, end) });
    at = end;
  }
  return frames;
}
