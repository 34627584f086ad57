import { connect as openSession, constants, type ClientHttp2Session } from 'node:http2';
import { connect as openSocket, type Socket } from 'node:net';
import { status } from '@grpc/grpc-js';
import { expect } from 'chai';
import {
  GetExecutionRequest,
  ListAgentsRequest,
  OnCallStartRequest,
} from '../../src/gen/index.callhooks.v1.ts';
import { endOf, headersOf, openStream } from '../grpc/http2-calls.ts';
import { makeAgent, newCall, postTo, type CallAgent } from '../support/calls.ts';
import { connect, type RpcError } from '../support/rpc.ts';
import { readMetrics } from '../support/metrics.ts';
import { startRawServer, type RawServer } from '../support/raw-server.ts';
import { until } from '../support/until.ts';
import { reportAttack } from './support/report.ts';
import { expectShortWork, expectWithin } from './support/time-rules.ts';
import { startWatchedServer, type WatchedServer } from './support/watched-server.ts';

const START = '/callhooks.v1.CallLifecycle/OnCallStart';
const READ = '/callhooks.v1.ExecutionLog/GetExecution';
const LATE = 1_000;
const READS = 1_500;
const RESETS = 1_500;
const CANCELS = 10_000;
const LISTS = 900;
const STARTS = 20;
const CONNECTIONS = 10_000;
const MOST_BUSY_MS = 500;

/** Returns a message as gRPC frames it. */
function framed(message: Uint8Array): Buffer {
  const head = Buffer.alloc(5);
  head.writeUInt32BE(message.length, 1);
  return Buffer.concat([head, message]);
}

/** Returns how long the slowest of the last starts took, as the server measured it: this process is busy with its lists. */
function slowestStartMs(log: string, count: number): number {
  const starts = log
    .split('\n')
    .filter((line) => line.includes('"rpc":"callhooks.v1.CallLifecycle/OnCallStart"'));
  const durations = starts
    .slice(-count)
    .map((line) => (JSON.parse(line) as { duration_ms: number }).duration_ms);
  return Math.max(...durations);
}

describe('A hostile caller', () => {
  let server: WatchedServer;
  let silent: RawServer;
  let agent: CallAgent;
  let session: ClientHttp2Session;
  let goaways: number;
  before(async () => {
    server = await startWatchedServer();
    silent = await startRawServer(() => undefined);
    agent = await makeAgent(server.rpc, { pre: postTo(silent.url, {}, { responseTimeoutSecs: 2 }) });
  });
  beforeEach(async () => {
    goaways = 0;
    session = openSession(`http://127.0.0.1:${server.port}`, { maxSendHeaderBlockLength: 1_000_000 });
    session.on('goaway', () => (goaways += 1));
    session.on('error', () => undefined);
    await new Promise((resolve) => session.once('remoteSettings', resolve));
  });
  afterEach(() => session.destroy());
  after(async () => {
    await server.close();
    await silent.close();
  });

  /** Returns the message of a start of a new call. */
  const startMessage = (): Buffer =>
    framed(OnCallStartRequest.encode(OnCallStartRequest.fromPartial(newCall(agent))).finish());
  const readMessage = framed(
    GetExecutionRequest.encode({ executionUuid: '00000000-0000-4000-8000-000000000000' } as never).finish(),
  );
  /** Expects that a call on another connection is answered as ever. */
  const expectOthersServed = async (): Promise<void> => {
    const { agents } = await server.rpc.agents.listAgents({ pageSize: 1 });
    expect(agents).to.have.length(1);
  };

  it(`gets an answer to each of ${READS} reads behind ${LATE} starts whose deadlines pass at once`, async function () {
    this.timeout(60_000);
    const { result: codes, toll } = await server.measure(async () => {
      for (let count = 0; count < LATE; count++) {
        const stream = session.request({ ...headersOf(START), 'grpc-timeout': '400m' });
        stream.on('error', () => undefined);
        stream.end(startMessage());
        // grpc-js cancels the stream itself when its deadline passes.
        setTimeout(() => stream.close(constants.NGHTTP2_CANCEL), 400);
      }
      const reads = Array.from({ length: READS }, () => endOf(openStream(session, READ).end(readMessage)));
      return (await Promise.all(reads)).map(({ code, hasDetails }) =>
        code === status.RESOURCE_EXHAUSTED && hasDetails ? 'LIMIT_REACHED' : code,
      );
    });
    const counts = new Map<unknown, number>();
    for (const code of codes) counts.set(code, (counts.get(code) ?? 0) + 1);
    const words = [...counts].map(
      ([code, count]) => `${count} ${typeof code === 'number' ? status[code] : String(code)}`,
    );
    reportAttack({
      attack: `${LATE} deadlines at once, ${READS} reads behind them`,
      ...toll,
      record: `${words.join(', ')}; ${goaways} GOAWAY`,
    });
    expect(codes.filter((code) => code !== status.NOT_FOUND && code !== 'LIMIT_REACHED')).to.deep.equal([]);
    expect(goaways).to.equal(0);
    await expectOthersServed();
    await expectShortWork(toll, MOST_BUSY_MS);
  });

  it(`can open and cancel ${CANCELS} streams without harm to other connections`, async function () {
    this.timeout(60_000);
    let isOpen = true;
    session.on('close', () => (isOpen = false));
    const { toll } = await server.measure(async () => {
      for (let count = 0; count < CANCELS && isOpen; count++) {
        openStream(session, START).close(constants.NGHTTP2_CANCEL);
        if (count % 500 === 0) await new Promise((resolve) => setTimeout(resolve, 5));
      }
      await expectOthersServed();
    });
    reportAttack({
      attack: `${CANCELS} streams opened and cancelled`,
      ...toll,
      record: `other connections are served; ${goaways} GOAWAY for this one`,
    });
    await expectShortWork(toll, MOST_BUSY_MS);
  });

  it(`can reset ${RESETS} streams with an error code while they wait for their turn`, async function () {
    this.timeout(60_000);
    const { toll } = await server.measure(async () => {
      const streams = Array.from({ length: RESETS }, () => openStream(session, START));
      const closed = streams.map((stream) => new Promise((resolve) => stream.once('close', resolve)));
      for (const stream of streams) stream.close(constants.NGHTTP2_INTERNAL_ERROR);
      await Promise.all(closed);
      await expectOthersServed();
    });
    reportAttack({
      attack: `${RESETS} streams reset with INTERNAL_ERROR at once`,
      ...toll,
      record: 'other connections are served',
    });
    await expectShortWork(toll, MOST_BUSY_MS);
  });

  it('loses its own stream, and nothing else, when its headers are larger than 16 KiB', async () => {
    const { result, toll } = await server.measure(async () => {
      const ends = Array.from({ length: 50 }, () => {
        const stream = session.request({
          ...headersOf(READ),
          'x-large': 'x'.repeat(10_000),
          'y-large': 'y'.repeat(10_000),
        });
        stream.on('error', () => undefined);
        return endOf(stream.end(readMessage));
      });
      const codes = await Promise.all(ends);
      await expectOthersServed();
      return codes;
    });
    reportAttack({
      attack: '50 RPCs with 20 KB of headers',
      ...toll,
      record: `${result.filter(({ code }) => code === undefined).length} streams reset, none answered`,
    });
    expect(result.filter(({ code }) => code !== undefined)).to.deep.equal([]);
    await expectShortWork(toll, MOST_BUSY_MS);
  });

  describe('with agents of 225 KB', () => {
    before(async () => {
      const value = 'x'.repeat(15_000);
      const variables = Object.fromEntries(Array.from({ length: 15 }, (_, index) => [`v${index}`, value]));
      for (let count = 0; count < 4; count++) await makeAgent(server.rpc, { variables });
    });

    it(`holds up no start with ${LISTS} lists of 900 KB at once`, async function () {
      this.timeout(60_000);
      const other = await makeAgent(server.rpc, {});
      const lists = connect(server.port);
      const { result, toll } = await server.measure(async () => {
        const replies = Promise.all(
          Array.from({ length: LISTS }, () =>
            lists.agents.listAgents({ pageSize: 100 }).then(
              () => 'OK',
              (error: RpcError) => `${error.code} ${error.reason}`,
            ),
          ),
        );
        for (let count = 0; count < STARTS; count++) await server.rpc.calls.onCallStart(newCall(other));
        return replies;
      });
      lists.close();
      const slowestMs = slowestStartMs(server.log(), STARTS);
      const ok = result.filter((word) => word === 'OK').length;
      reportAttack({
        attack: `${LISTS} lists of 900 KB at once`,
        ...toll,
        record: `${ok} answered, ${LISTS - ok} refused; the slowest start beside them took ${slowestMs.toFixed(0)} ms`,
      });
      expect(new Set(result)).to.deep.equal(new Set(['OK', 'RESOURCE_EXHAUSTED LIMIT_REACHED']));
      expect(ok, 'answered lists').to.be.within(64, 500);
      await expectWithin('the slowest start', slowestMs, 1_000, toll.fromMs);
      await expectShortWork(toll, MOST_BUSY_MS);
    });

    it('has its answers taken back when it reads none of them', async function () {
      this.timeout(60_000);
      const slow = openSession(`http://127.0.0.1:${server.port}`, { settings: { initialWindowSize: 0 } });
      slow.on('error', () => undefined);
      await new Promise((resolve) => slow.once('remoteSettings', resolve));
      const message = framed(
        ListAgentsRequest.encode(ListAgentsRequest.fromPartial({ pageSize: 100 })).finish(),
      );
      let sent = 0;
      let closed = 0;
      const { result: refused, toll } = await server.measure(async () => {
        let refusals = 0;
        // At most 64 run at once, so they come in batches until the bytes of the answers reach their limit.
        for (let batch = 0; batch < 12; batch++) {
          const answered = Array.from({ length: 60 }, () => {
            const stream = openStream(slow, '/callhooks.v1.AgentAdmin/ListAgents');
            sent += 1;
            stream.on('close', () => (closed += 1));
            stream.end(message);
            return new Promise<void>((resolve) =>
              stream.on('response', (headers) => {
                if (headers['grpc-status'] !== undefined) refusals += 1;
                resolve();
              }),
            );
          });
          await Promise.all(answered);
        }
        await until('all answers to be taken back', () => closed === sent, { timeoutMs: 30_000 });
        return refusals;
      });
      slow.destroy();
      reportAttack({
        attack: `${sent} lists of 900 KB that are never read`,
        ...toll,
        record: `${sent - refused} answers are taken back after 10 s, ${refused} RPCs are refused`,
      });
      expect(sent - refused, 'answers').to.be.within(100, 350);
      expect(toll.grownMb, 'growth of memory').to.be.below(700);
      await expectOthersServed();
    });
  });

  it(`is refused connections beyond ${CONNECTIONS}, and the open ones are served`, async function () {
    this.timeout(120_000);
    const sockets: Socket[] = [];
    let refused = 0;
    const dial = (): Promise<void> =>
      new Promise((resolve) => {
        const socket = openSocket(server.port, '127.0.0.1', resolve);
        socket.on('error', () => resolve());
        socket.on('close', () => (refused += 1));
        socket.resume();
        sockets.push(socket);
      });
    try {
      const { toll } = await server.measure(async () => {
        for (let batch = 0; batch < 51; batch++) await Promise.all(Array.from({ length: 200 }, dial));
        await until('connections to be refused', () => refused >= 200, { timeoutMs: 30_000 });
        await expectOthersServed();
        await readMetrics(server.opsAddress);
      });
      reportAttack({
        attack: `${sockets.length} silent connections`,
        ...toll,
        record: `${refused} are closed at once, the others are served`,
      });
      expect(refused).to.be.within(200, 400);
      await expectShortWork(toll, MOST_BUSY_MS);
    } finally {
      for (const socket of sockets) socket.destroy();
    }
  });
});
