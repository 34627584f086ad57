import { connect as openSession, constants } from 'node:http2';
import { expect } from 'chai';
import { createCallGate, type CallGate } from '../../src/engine/limits/call-gate.ts';
import { OnCallEndResponse } from '../../src/gen/index.callhooks.v1.ts';
import { errorOf } from '../support/rpc.ts';
import { until } from '../support/until.ts';
import { holdCalls, REPLY } from './holding-handlers.ts';
import { openStream } from './http2-calls.ts';
import { END_STREAM, frame, HEADERS, requestFrame, RST_STREAM, sendFrames } from './http2-frames.ts';
import { startTestServer } from './test-server.ts';

const START = '/callhooks.v1.CallLifecycle/OnCallStart';
const END = '/callhooks.v1.CallLifecycle/OnCallEnd';

/** Creates a gate that reads figures which the test may change. */
function gateWith(change: { ageMs?: number } = {}) {
  const figures = { ageMs: 0, nowMs: 0, ...change };
  const gate = createCallGate({
    health: { isAvailable: () => true },
    writes: { ageMs: () => figures.ageMs, claimedLately: () => 0 },
    now: () => figures.nowMs,
  });
  return { figures, gate };
}

/** Creates a gate that refuses every call. */
function shutGate(): CallGate {
  return gateWith({ ageMs: 10_000 }).gate;
}

describe('A call that the gate refuses', () => {
  for (const rpc of ['onCallStart', 'onCallEnd'] as const) {
    it(`gets LIMIT_REACHED with its details for ${rpc}, whatever the size of its message`, async () => {
      await using server = await startTestServer({}, { gate: shutGate() });
      for (const size of [0, 100, 50_000, 4_000_000]) {
        const error = await errorOf(server.rpc.calls[rpc]({ callerPhone: 'x'.repeat(size) }));
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

  it('reaches no handler, while other RPCs do', async () => {
    let calls = 0;
    await using server = await startTestServer(
      {
        onCallStart: async () => {
          calls += 1;
          return REPLY;
        },
      },
      { gate: shutGate() },
    );
    await errorOf(server.rpc.calls.onCallStart());
    expect((await errorOf(server.rpc.executions.getExecution())).code).to.equal('INTERNAL');
    expect(calls).to.equal(0);
  });

  it('is logged once a second with the number of refusals, and counted each time', async () => {
    const limits: string[] = [];
    const { gate, figures } = gateWith({ ageMs: 10_000 });
    const onRefused = (limit: string): void => void limits.push(limit);
    await using server = await startTestServer({}, { gate, onRefused });
    await Promise.all(Array.from({ length: 30 }, () => errorOf(server.rpc.calls.onCallStart())));
    await until('a log line', () => server.lines.length > 0);
    const line = {
      level: 'info',
      message: 'rpc refused',
      code: 'RESOURCE_EXHAUSTED',
      reason: 'LIMIT_REACHED',
    };
    expect(server.lines).to.deep.equal([{ ...line, limit: 'write_queue_age', count: 30 }]);
    expect(limits).to.deep.equal(Array.from({ length: 30 }, () => 'write_queue_age'));
    expect(gate.refused()).to.equal(30);
    figures.ageMs = 0;
    await errorOf(server.rpc.calls.onCallStart());
    await server.grpc.close(0);
    expect(server.lines.map(({ message }) => message)).to.deep.equal(['rpc refused', 'rpc']);
  });

  it('is logged at most once a second, however many follow one another', async () => {
    await using server = await startTestServer({}, { gate: shutGate() });
    const beganAtMs = performance.now();
    while (performance.now() - beganAtMs < 1_500) await errorOf(server.rpc.calls.onCallStart());
    await until('a log line', () => server.lines.length > 0);
    expect(server.lines.length).to.be.at.most(Math.ceil((performance.now() - beganAtMs) / 1_000));
  });

  it('is logged when the server closes before the second is over', async () => {
    await using server = await startTestServer({}, { gate: shutGate() });
    await errorOf(server.rpc.calls.onCallStart());
    server.rpc.close();
    await server.grpc.close(0);
    expect(server.lines).to.have.length(1);
    expect(server.lines[0]).to.include({ message: 'rpc refused', count: 1 });
  });

  it('gets SHUTTING_DOWN while the server closes', async () => {
    await using server = await startTestServer({}, { gate: shutGate() });
    await errorOf(server.rpc.calls.onCallStart());
    const closed = server.grpc.close(1_000);
    expect((await errorOf(server.rpc.calls.onCallStart())).reason).to.equal('SHUTTING_DOWN');
    await closed;
  });

  it('is answered before its message has arrived, and its sender is asked to stop', async () => {
    await using server = await startTestServer({}, { gate: shutGate() });
    using raw = sendFrames(server.port, requestFrame(START));
    await until('two frames', () => raw.received().length === 2);
    const [answer, reset] = raw.received();
    expect([answer?.type, reset?.type]).to.deep.equal([HEADERS, RST_STREAM]);
    expect((answer?.flags ?? 0) & END_STREAM).to.equal(END_STREAM);
    expect(reset?.payload.readUInt32BE()).to.equal(constants.NGHTTP2_NO_ERROR);
  });

  it('leaves the server working when its caller has given up in the same packet', async () => {
    const { gate } = gateWith({ ageMs: 10_000 });
    await using server = await startTestServer({}, { gate });
    const giveUp = Buffer.alloc(4);
    giveUp.writeUInt32BE(constants.NGHTTP2_CANCEL);
    using _raw = sendFrames(server.port, requestFrame(START), frame(RST_STREAM, 0, 1, giveUp));
    await until('a refusal', () => gate.refused() === 1);
    expect((await errorOf(server.rpc.calls.onCallStart())).reason).to.equal('LIMIT_REACHED');
  });

  it('leaves its connection open, also after 3,000 refusals in a row', async () => {
    const { gate, figures } = gateWith({ ageMs: 10_000 });
    await using server = await startTestServer({ onCallStart: async () => REPLY }, { gate });
    for (let wave = 0; wave < 3; wave += 1) {
      const refused = Array.from({ length: 1_000 }, () => errorOf(server.rpc.calls.onCallStart()));
      expect(new Set((await Promise.all(refused)).map(({ reason }) => reason))).to.deep.equal(
        new Set(['LIMIT_REACHED']),
      );
    }
    figures.ageMs = 0;
    expect(await server.rpc.calls.onCallStart()).to.deep.equal(REPLY);
  });
});

describe('A call that the gate lets in', () => {
  it('counts as waiting until it is decided', async () => {
    const { gate } = gateWith();
    const { contexts, release, onCallStart } = holdCalls();
    await using server = await startTestServer({ onCallStart }, { gate });
    const running = [1, 2, 3].map(() => server.rpc.calls.onCallStart());
    await until('three calls to run', () => contexts.length === 3);
    expect(gate.waiting()).to.equal(3);
    contexts[1]?.arrival.decided();
    expect(gate.waiting()).to.equal(2);
    release();
    await Promise.all(running);
    await until('no call to wait', () => gate.waiting() === 0);
  });

  it('does not count as waiting when its caller has gone', async () => {
    const { gate } = gateWith();
    const { contexts, onCallStart } = holdCalls();
    await using server = await startTestServer({ onCallStart }, { gate });
    const cancel = new AbortController();
    const failed = errorOf(server.rpc.calls.onCallStart({}, { signal: cancel.signal }));
    await until('the call to run', () => contexts.length === 1);
    cancel.abort();
    await failed;
    await until('no call to wait', () => gate.waiting() === 0);
  });

  it('does not count as waiting when its connection breaks before its message has arrived', async () => {
    const { gate } = gateWith();
    await using server = await startTestServer({}, { gate });
    const session = openSession(`http://127.0.0.1:${server.port}`);
    const streams = [openStream(session, START), openStream(session, END)];
    await until('two calls to wait', () => gate.waiting() === 2);
    session.destroy();
    await until('no call to wait', () => gate.waiting() === 0);
    expect(streams).to.have.length(2);
  });

  it('is one of at most 256 that wait while nothing is claimed, and the next is refused', async () => {
    const { gate } = gateWith();
    const { contexts, release, onCallStart } = holdCalls();
    const limits: string[] = [];
    const onRefused = (limit: string): void => void limits.push(limit);
    await using server = await startTestServer({ onCallStart }, { gate, onRefused });
    const running = Array.from({ length: 256 }, () => server.rpc.calls.onCallStart());
    await until('256 calls to run', () => contexts.length === 256);
    expect((await errorOf(server.rpc.calls.onCallEnd())).reason).to.equal('LIMIT_REACHED');
    expect(limits).to.deep.equal(['calls_waiting']);
    release();
    await Promise.all(running);
  });

  it('counts as waiting for a minute and longer while its claim is not decided', async () => {
    const { gate, figures } = gateWith();
    const { contexts, release, onCallStart } = holdCalls();
    await using server = await startTestServer({ onCallStart }, { gate });
    const running = Array.from({ length: 256 }, () => server.rpc.calls.onCallStart());
    await until('256 calls to run', () => contexts.length === 256);
    figures.nowMs += 60_000;
    expect((await errorOf(server.rpc.calls.onCallStart())).reason).to.equal('LIMIT_REACHED');
    release();
    await Promise.all(running);
  });

  it('is not decided by another call that sends its ticket', async () => {
    const { gate } = gateWith();
    const { contexts, release, onCallStart } = holdCalls();
    await using server = await startTestServer(
      {
        onCallStart,
        onCallEnd: async (_, context) => {
          context.arrival.decided();
          return OnCallEndResponse.fromPartial({});
        },
      },
      { gate },
    );
    const running = server.rpc.calls.onCallStart();
    await until('the call to run', () => contexts.length === 1);
    // A server numbers its streams from 1 (arrivals.test.ts), so the running call has one of these tickets.
    for (const ticket of ['1', '2', '3', '4', '5']) {
      await server.rpc.calls.onCallEnd({}, { headers: { 'callhooks-ticket': ticket } });
      expect(gate.waiting()).to.be.at.least(1);
    }
    release();
    await running;
  });

  it('may be decided on a server without a gate', async () => {
    const { contexts, release, onCallStart } = holdCalls();
    await using server = await startTestServer({ onCallStart });
    const running = server.rpc.calls.onCallStart();
    await until('the call to run', () => contexts.length === 1);
    contexts[0]?.arrival.decided();
    release();
    expect(await running).to.deep.equal(REPLY);
  });
});
