import { connect } from 'node:http2';
import { expect } from 'chai';
import { CallhooksError } from '../../src/errors.ts';
import {
  ExecutionLogService,
  WatchExecutionsRequest,
  WatchExecutionsResponse,
} from '../../src/gen/index.callhooks.v1.ts';
import type { CallContext } from '../../src/grpc/call-context.ts';
import { errorOf } from '../support/rpc.ts';
import { until } from '../support/until.ts';
import { watchExecutions } from '../support/watch.ts';
import { sendCall } from './http2-calls.ts';
import { startTestServer } from './test-server.ts';

const WATCH = '/callhooks.v1.ExecutionLog/WatchExecutions';
const replyOf = (dropped: number) => WatchExecutionsResponse.fromPartial({ dropped: BigInt(dropped) });
const aborted = (signal: AbortSignal) =>
  new Promise<void>((resolve) => {
    if (signal.aborted) resolve();
    signal.addEventListener('abort', () => resolve());
  });

describe('The adapter of streams', () => {
  it('passes on the request and each reply, ends as OK when there are no more, and logs one line', async () => {
    const seen: string[] = [];
    await using server = await startTestServer({
      watchExecutions: async function* three({ agentUuid }, { log }) {
        seen.push(agentUuid);
        for (const at of [1, 2, 3]) yield replyOf(at);
        log({ messages: 3 });
      },
    });
    const watch = watchExecutions(server.port, { agentUuid: 'a-1' });
    expect(await watch.ended).to.equal(undefined);
    expect(seen).to.deep.equal(['a-1']);
    expect(watch.messages.map(({ dropped }) => dropped)).to.deep.equal([1n, 2n, 3n]);
    const line = await until('the line', () => server.lines.find(({ message }) => message === 'rpc'));
    expect(line).to.include({ rpc: WATCH.slice(1), code: 'OK', messages: 3, request_id: 'request-1' });
    expect(server.lines.filter(({ message }) => message === 'rpc')).to.have.length(1);
  });

  it('ends with the reason of an error that comes between replies', async () => {
    await using server = await startTestServer({
      watchExecutions: async function* one() {
        yield replyOf(1);
        throw new CallhooksError('SHUTTING_DOWN', 'not here', { retryAfterMs: 100 });
      },
    });
    const watch = watchExecutions(server.port);
    expect(await watch.ended).to.include({ code: 'UNAVAILABLE', reason: 'SHUTTING_DOWN', retryAfterMs: 100 });
    expect(watch.messages).to.have.length(1);
  });

  const bugs: readonly [string, () => AsyncIterable<WatchExecutionsResponse>][] = [
    [
      'throws',
      async function* throws() {
        yield replyOf(1);
        throw Object.assign(new Error('secret'), { code: 3, details: 'secret' });
      },
    ],
    [
      'throws at once',
      () => {
        throw new Error('secret');
      },
    ],
    [
      'returns a reply that cannot be encoded',
      async function* bad() {
        yield { ...replyOf(1), executions: [1] as never };
      },
    ],
    ['returns nothing', () => undefined as unknown as AsyncIterable<WatchExecutionsResponse>],
  ];
  for (const [what, handler] of bugs)
    it(`answers INTERNAL without details when a handler ${what}, and logs why`, async () => {
      await using server = await startTestServer({ watchExecutions: handler });
      const error = await watchExecutions(server.port).ended;
      expect(error).to.include({ code: 'INTERNAL', message: 'internal error', requestId: 'request-1' });
      const line = await until('the line', () => server.lines.find(({ message }) => message === 'rpc'));
      expect(line).to.include({ level: 'error', code: 'INTERNAL' }).and.to.have.property('err');
    });

  it('refuses a request that is no message, or too large, without asking the handler', async () => {
    let asked = 0;
    await using server = await startTestServer({
      watchExecutions: async function* count() {
        yield replyOf((asked += 1));
      },
    });
    for (const bytes of [
      Buffer.from([0x0a, 0x50, 0x41]),
      Buffer.from([0x0a, 0x01, 0xff]),
      Buffer.alloc(5_000),
    ]) {
      const { reason } = await errorOf(server.rpc.raw(WATCH, bytes));
      expect(reason).to.equal('VALIDATION_FAILED');
    }
    expect(asked).to.equal(0);
  });

  for (const [what, end, code] of [
    ['cancels', (watch: ReturnType<typeof watchExecutions>) => watch.cancel(), 'CANCELLED'],
    ['has its deadline', () => undefined, 'DEADLINE_EXCEEDED'],
  ] as const)
    it(`aborts the handler when its caller ${what}, and logs it once`, async () => {
      let context: CallContext | undefined;
      let isEnded = false;
      await using server = await startTestServer({
        watchExecutions: async function* one(_, given) {
          context = given;
          try {
            yield replyOf(1);
            await aborted(given.signal);
          } finally {
            isEnded = true;
          }
        },
      });
      const watch = watchExecutions(server.port, {}, { deadlineMs: 1_000 });
      await until('the first reply', () => watch.messages.length === 1);
      end(watch);
      expect((await watch.ended)?.code).to.equal(code);
      await until('the handler to end', () => isEnded);
      expect(context?.signal.aborted).to.equal(true);
      const lines = server.lines.filter(({ message }) => message === 'rpc');
      expect(lines).to.have.length(1);
      // The server may see that its caller has gone a moment before the deadline.
      expect(lines[0]?.['code']).to.be.oneOf([code, 'CANCELLED']);
    });

  it('asks for the next reply only when the client has read the one before', async () => {
    let made = 0;
    await using server = await startTestServer({
      watchExecutions: async function* large(_, { signal }) {
        while (!signal.aborted) {
          made += 1;
          yield { ...replyOf(made), executions: [{ ...EXECUTION, rejectReason: 'x'.repeat(1024 * 1024) }] };
        }
      },
    });
    const watch = watchExecutions(server.port);
    await until('a reply', () => watch.messages.length > 0);
    watch.pause();
    let before = -1;
    await until(
      'the server to wait',
      () => {
        const isWaiting = before === made;
        before = made;
        return isWaiting;
      },
      { everyMs: 300 },
    );
    watch.resume();
    await until('more replies', () => watch.messages.length > before + 2);
    expect(before).to.be.below(40);
    watch.cancel();
  });

  it('ends as SHUTTING_DOWN when the server closes, also if its client reads nothing', async () => {
    let made = 0;
    await using server = await startTestServer({
      watchExecutions: async function* large(_, { signal }) {
        while (!signal.aborted) yield { ...replyOf((made += 1)), executions: [EXECUTION] };
      },
    });
    const session = connect(`http://127.0.0.1:${server.port}`, { settings: { initialWindowSize: 0 } });
    session.on('error', () => undefined);
    sendCall(session, WATCH).pause();
    await until('a reply', () => made > 0);
    const closed = server.grpc.close(60_000);
    const line = await until('the line', () => server.lines.find(({ message }) => message === 'rpc'));
    expect(line).to.include({ code: 'UNAVAILABLE', reason: 'SHUTTING_DOWN' });
    session.destroy();
    await closed;
  });

  it('serves a caller in this process until that one aborts, with its roles and a log line', async () => {
    await using server = await startTestServer({
      watchExecutions: async function* two(_, { signal }) {
        yield replyOf(1);
        yield replyOf(2);
        await aborted(signal);
      },
    });
    const aborter = new AbortController();
    const caller = { name: 'ada', role: 'viewer', peer: '127.0.0.1:1', signal: aborter.signal } as const;
    const seen: bigint[] = [];
    const request = WatchExecutionsRequest.fromPartial({});
    for await (const { dropped } of server.grpc.localApi.stream(
      ExecutionLogService.watchExecutions,
      request,
      caller,
    )) {
      seen.push(dropped);
      if (dropped === 2n) aborter.abort();
    }
    expect(seen).to.deep.equal([1n, 2n]);
    expect(server.lines.find(({ message }) => message === 'rpc')).to.include({
      code: 'CANCELLED',
      caller: 'ada',
    });
  });
});

const EXECUTION = WatchExecutionsResponse.fromPartial({ executions: [{}] })
  .executions[0] as WatchExecutionsResponse['executions'][0];
