import { expect } from 'chai';
import { CallhooksError, DatabaseError } from '../../src/errors.ts';
import type { OnCallStartRequest } from '../../src/gen/index.callhooks.v1.ts';
import { OnCallStartResponse } from '../../src/gen/index.callhooks.v1.ts';
import type { CallContext } from '../../src/grpc/call-context.ts';
import { errorOf } from '../support/rpc.ts';
import { until } from '../support/until.ts';
import { startTestServer } from './test-server.ts';

const EXECUTION = '0198c0de-0000-7000-8000-00000000000a';
const START = '/callhooks.v1.CallLifecycle/OnCallStart';
const reply = OnCallStartResponse.fromPartial({ replayed: true });
function never(): Promise<never> {
  return new Promise(() => {});
}

describe('The unary adapter', () => {
  it('passes the request to the handler, and its reply to the caller', async () => {
    const seen: OnCallStartRequest[] = [];
    await using server = await startTestServer({
      onCallStart: async (request) => {
        seen.push(request);
        return OnCallStartResponse.fromPartial({
          dynamicVariables: request.dynamicVariables,
          degraded: true,
        });
      },
    });
    const dynamicVariables = { name: 'Zoë 😀', nested: { list: [1, null, 'x', { deep: true }] } };
    const answer = await server.rpc.calls.onCallStart({ callerPhone: '+49', dynamicVariables });
    expect(seen.map(({ callerPhone }) => callerPhone)).to.deep.equal(['+49']);
    expect(answer).to.deep.equal(OnCallStartResponse.fromPartial({ dynamicVariables, degraded: true }));
  });

  it('passes the context of the RPC to the handler', async () => {
    let context: CallContext | undefined;
    await using server = await startTestServer({
      onCallStart: async (_, given) => {
        context = given;
        return reply;
      },
    });
    const headers = {
      'callhooks-execution': EXECUTION,
      baggage: 'a=b,callhooks.execution=0198c0de-0000-7000-8000-00000000000B',
      traceparent: '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01',
    };
    const before = performance.now();
    await server.rpc.calls.onCallStart({ callSummary: '', callerPhone: 'abc' } as object, {
      headers,
      deadlineMs: 5000,
    });
    expect(context).to.deep.include({
      rpc: 'callhooks.v1.CallLifecycle/OnCallStart',
      requestId: 'request-1',
      messageBytes: 5,
      memoryBytes: 10,
      traceparent: headers.traceparent,
      callingExecutionUuids: [EXECUTION, '0198c0de-0000-7000-8000-00000000000b'],
    });
    expect(context?.peer).to.match(/^127\.0\.0\.1:\d+$/);
    expect(context?.admittedAtMs).to.be.within(before, performance.now());
    expect((context?.deadlineAtMs ?? 0) - (context?.admittedAtMs ?? 0)).to.be.within(4000, 5000);
    expect(context?.signal.aborted).to.equal(false);
  });

  it('passes no deadline when the caller gave none', async () => {
    let context: CallContext | undefined;
    await using server = await startTestServer({
      onCallStart: async (_, given) => {
        context = given;
        return reply;
      },
    });
    await server.rpc.raw(START, new Uint8Array(), { deadlineMs: Infinity });
    expect(context).not.to.have.any.keys('deadlineAtMs', 'deadlineEpochMs', 'traceparent');
  });

  for (const days of [25, 60, 4000]) {
    it(`bounds a deadline of ${days} days to an hour`, async () => {
      let deadlineAtMs: number | undefined;
      await using server = await startTestServer({
        onCallStart: async (_, context) => {
          deadlineAtMs = context.deadlineAtMs;
          // A timer of more than 24.8 days would expire meanwhile.
          await new Promise((resolve) => setTimeout(resolve, 30));
          return reply;
        },
      });
      await server.rpc.calls.onCallStart({}, { deadlineMs: days * 86_400_000 });
      expect((deadlineAtMs ?? 0) - performance.now()).to.be.within(3_590_000, 3_600_000);
    });
  }

  it('answers a CallhooksError with its reason and details', async () => {
    const error = new CallhooksError('AGENT_NOT_FOUND', 'no such agent', {
      resource: { type: 'agent', name: 'a-1' },
    });
    await using server = await startTestServer({ onCallStart: () => Promise.reject(error) });
    const { code, message, reason, domain, resource } = await errorOf(server.rpc.calls.onCallStart());
    expect({ code, message, reason, domain, resource }).to.deep.equal({
      code: 'NOT_FOUND',
      message: 'no such agent',
      reason: 'AGENT_NOT_FOUND',
      domain: 'callhooks',
      resource: { type: 'agent', name: 'a-1' },
    });
  });

  const bugs: [string, () => Promise<OnCallStartResponse>][] = [
    ['rejects', () => Promise.reject(new Error('select secret from agents'))],
    [
      'throws at once',
      () => {
        throw Object.assign(new Error('secret'), { code: 3, details: 'secret' });
      },
    ],
    ['rejects without an error', () => Promise.reject(undefined as unknown)],
    ['returns a reply that cannot be encoded', async () => ({ ...reply, dynamicVariables: { a: 1n } })],
    ['returns nothing', async () => undefined as unknown as OnCallStartResponse],
    ['meets a bad statement', () => Promise.reject(new DatabaseError('bug', new Error('secret')))],
  ];
  for (const [what, onCallStart] of bugs) {
    it(`answers INTERNAL without details when a handler ${what}, and logs why`, async () => {
      await using server = await startTestServer({ onCallStart });
      const error = await errorOf(server.rpc.calls.onCallStart());
      expect(error.code).to.equal('INTERNAL');
      expect(error.message).to.equal('internal error');
      expect(error.requestId).to.equal('request-1');
      expect(error.reason).to.equal('');
      expect(server.lines).to.have.length(1);
      expect(server.lines[0]).to.include({ level: 'error', code: 'INTERNAL', request_id: 'request-1' });
    });
  }

  const undecodable: [what: string, message: Uint8Array, field?: string][] = [
    ['garbage', Buffer.from('ffffffffffff', 'hex')],
    ['a message that ends early', Buffer.from('0a24', 'hex')],
    ['text that is not UTF-8', Buffer.from('0a02c328', 'hex')],
    ['groups without end', Buffer.alloc(1 << 20, 0x7b)],
    ['messages nested a thousand deep', deepMessage(1000), 'metadata'],
    ['messages nested a million bytes deep', deepMessage(100_000), 'metadata'],
  ];
  for (const [what, bytes, field = ''] of undecodable) {
    it(`answers INVALID_ARGUMENT for ${what}`, async () => {
      await using server = await startTestServer({ onCallStart: async () => reply });
      const error = await errorOf(server.rpc.raw(START, bytes));
      expect(error.code).to.equal('INVALID_ARGUMENT');
      expect(error.reason).to.equal('VALIDATION_FAILED');
      expect(error.fields).to.deep.equal([field]);
      expect(error.info).to.deep.equal({ violations: '1' });
      expect(await server.rpc.calls.onCallStart()).to.deep.equal(reply);
    });
  }

  it('aborts the signal when the caller cancels, and logs one line', async () => {
    let context: CallContext | undefined;
    await using server = await startTestServer({
      onCallStart: (_, given) => {
        context = given;
        given.log({ agent_uuid: 'a-1' });
        return never();
      },
    });
    const cancel = new AbortController();
    const failed = errorOf(server.rpc.calls.onCallStart({}, { signal: cancel.signal }));
    await until('the handler to run', () => context !== undefined);
    cancel.abort();
    expect((await failed).code).to.equal('CANCELLED');
    await until('the signal to be aborted', () => context?.signal.aborted === true);
    expect(server.lines).to.have.length(1);
    expect(server.lines[0]).to.include({ code: 'CANCELLED', agent_uuid: 'a-1', level: 'info' });
  });

  it('aborts the signal when the deadline passes', async () => {
    let context: CallContext | undefined;
    await using server = await startTestServer({
      onCallStart: (_, given) => {
        context = given;
        return never();
      },
    });
    const error = await errorOf(server.rpc.calls.onCallStart({}, { deadlineMs: 80 }));
    expect(error.code).to.equal('DEADLINE_EXCEEDED');
    await until('the signal to be aborted', () => context?.signal.aborted === true);
    await until('a log line', () => server.lines.length === 1);
    // Client and server each have a timer. The client's may fire first and look like a cancellation.
    expect(server.lines[0]?.['code']).to.be.oneOf(['DEADLINE_EXCEEDED', 'CANCELLED']);
  });

  it('does not abort the signal of a call that was answered', async () => {
    let context: CallContext | undefined;
    await using server = await startTestServer({
      onCallStart: async (_, given) => {
        context = given;
        return reply;
      },
    });
    await server.rpc.calls.onCallStart();
    await server.rpc.calls.onCallStart();
    expect(context?.signal.aborted).to.equal(false);
    expect(server.lines.map(({ code }) => code)).to.deep.equal(['OK', 'OK']);
  });

  it('logs an error of the handler after the caller has gone', async () => {
    let fail: ((error: Error) => void) | undefined;
    await using server = await startTestServer({
      onCallStart: () => new Promise((_, reject) => (fail = reject)),
    });
    const cancel = new AbortController();
    const failed = errorOf(server.rpc.calls.onCallStart({}, { signal: cancel.signal }));
    await until('the handler to run', () => fail !== undefined);
    cancel.abort();
    await failed;
    await until('a log line', () => server.lines.length === 1);
    fail?.(new Error('late'));
    await until('a second log line', () => server.lines.length === 2);
    expect(server.lines[1]).to.include({ level: 'error', message: 'rpc failed after it was answered' });
  });

  it('logs no error when the handler gives up because its caller has gone', async () => {
    let gaveUp = false;
    await using server = await startTestServer({
      onCallStart: (_, { signal }) =>
        new Promise((_resolve, reject) => {
          signal.addEventListener('abort', () => {
            gaveUp = true;
            reject(signal.reason);
          });
        }),
    });
    await errorOf(server.rpc.calls.onCallStart({}, { deadlineMs: 50 }));
    await until('the handler to give up', () => gaveUp);
    await server.rpc.raw('/callhooks.v1.CallLifecycle/OnCallEnd', Buffer.from('ff', 'hex')).catch(() => {});
    expect(server.lines.map(({ message }) => message)).to.deep.equal(['rpc', 'rpc']);
  });

  it('logs one line for each RPC: its name, code and duration, and the fields that the handler adds', async () => {
    const error = new CallhooksError(
      'DATABASE_UNAVAILABLE',
      'away',
      {},
      { cause: new DatabaseError('away') },
    );
    await using server = await startTestServer({
      onCallStart: (_, context) => {
        context.log({ agent_uuid: 'a-1' });
        context.log({ conversation_uuid: 'c-1' });
        return Promise.reject(error);
      },
    });
    await errorOf(server.rpc.calls.onCallStart());
    const [{ duration_ms: duration, peer, ...line } = {}] = server.lines;
    expect(line).to.deep.equal({
      level: 'info',
      message: 'rpc',
      rpc: 'callhooks.v1.CallLifecycle/OnCallStart',
      code: 'UNAVAILABLE',
      reason: 'DATABASE_UNAVAILABLE',
      request_id: 'request-1',
      agent_uuid: 'a-1',
      conversation_uuid: 'c-1',
      err: error.cause,
    });
    expect(duration).to.be.within(0, 5000);
    expect(peer).to.match(/^127\.0\.0\.1:/);
  });
});

/** Encodes an OnCallStartRequest whose metadata is nested so deep, from the inside out. */
function deepMessage(depth: number): Uint8Array {
  const parts: Buffer[] = [];
  let length = 0;
  const wrap = (tag: number): void => {
    const head = Buffer.concat([Buffer.of(tag), varint(length)]);
    parts.unshift(head);
    length += head.length;
  };
  for (let i = 0; i < depth; i += 1) {
    // A level takes two messages: a Value that is a list, and the ListValue with a Value.
    wrap(0x0a);
    wrap(0x32);
  }
  wrap(0x12);
  wrap(0x0a);
  wrap(0x2a);
  return Buffer.concat(parts);
}

function varint(value: number): Buffer {
  const bytes = [];
  for (let rest = value; ; rest = Math.floor(rest / 128)) {
    if (rest < 128) return Buffer.from([...bytes, rest]);
    bytes.push((rest % 128) | 128);
  }
}
