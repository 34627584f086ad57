import { once } from 'node:events';
import { connect as openSession } from 'node:http2';
import { expect } from 'chai';
import { createAccessControl } from '../../src/access/access-control.ts';
import type { CallGate } from '../../src/engine/limits/call-gate.ts';
import { OnCallStartResponse } from '../../src/gen/index.callhooks.v1.ts';
import type { CallContext } from '../../src/grpc/call-context.ts';
import type { GrpcServerOptions } from '../../src/grpc/server.ts';
import { errorOf } from '../support/rpc.ts';
import { API_TOKENS, TOKENS, withToken } from '../support/tokens.ts';
import { until } from '../support/until.ts';
import { startTestServer } from './test-server.ts';

const reply = OnCallStartResponse.fromPartial({ replayed: true });
const WRONG = withToken('token-of-nobody');

/** A server with tokens, and the contexts that its handler of OnCallStart was given. */
async function startGuarded(options: Partial<GrpcServerOptions> = {}) {
  const contexts: CallContext[] = [];
  const onCallStart = async (_: unknown, context: CallContext) => {
    contexts.push(context);
    return reply;
  };
  const server = await startTestServer(
    { onCallStart },
    { accessControl: createAccessControl(API_TOKENS), ...options },
  );
  return Object.assign(server, { contexts });
}

describe('a server with tokens', () => {
  it('answers UNAUTHENTICATED with its reason, for each size of a message', async () => {
    await using guarded = await startGuarded();
    for (const size of [0, 100, 4_000_000]) {
      const request = { callerPhone: 'x'.repeat(size) };
      for (const options of [{}, WRONG])
        expect(await errorOf(guarded.rpc.calls.onCallStart(request, options))).to.include({
          code: 'UNAUTHENTICATED',
          reason: 'UNAUTHENTICATED',
          domain: 'callhooks',
          retryAfterMs: undefined,
        });
    }
    expect(guarded.contexts).to.deep.equal([]);
  });

  it('answers PERMISSION_DENIED with its reason to a token whose role is too small', async () => {
    await using guarded = await startGuarded();
    const error = await errorOf(guarded.rpc.calls.onCallStart({}, withToken(TOKENS.viewer)));
    expect(error).to.include({ code: 'PERMISSION_DENIED', reason: 'ROLE_NOT_ALLOWED', domain: 'callhooks' });
  });

  it('names the token in the request context and in the log line, and hides its text', async () => {
    await using guarded = await startGuarded();
    await guarded.rpc.calls.onCallStart({}, withToken(TOKENS.lifecycle));
    expect(guarded.contexts[0]?.caller).to.equal('lifecycle');
    expect(guarded.lines[0]).to.include({ message: 'rpc', caller: 'lifecycle' });
    expect(JSON.stringify(guarded.lines)).not.to.contain(TOKENS.lifecycle);
  });

  it('does not believe a client that names its token itself', async () => {
    const headers = { 'callhooks-caller': 'admin' };
    await using guarded = await startGuarded();
    await guarded.rpc.calls.onCallStart(
      {},
      { headers: { ...headers, ...withToken(TOKENS.lifecycle).headers } },
    );
    expect(guarded.contexts[0]?.caller).to.equal('lifecycle');
    await using open = await startTestServer({
      onCallStart: async (_, { caller }) =>
        OnCallStartResponse.fromPartial({ replayed: caller !== undefined }),
    });
    expect(await open.rpc.calls.onCallStart({}, { headers })).to.include({ replayed: false });
  });

  it('refuses access with one line a second, and counts it each time', async () => {
    const refusals: string[] = [];
    await using guarded = await startGuarded({ onAccessRefused: (refusal) => refusals.push(refusal) });
    const { calls } = guarded.rpc;
    await Promise.all(Array.from({ length: 30 }, () => errorOf(calls.onCallStart({}, WRONG))));
    await errorOf(calls.onCallStart());
    await errorOf(calls.onCallStart({}, withToken(TOKENS.viewer)));
    await until('log lines', () => guarded.lines.length > 0);
    const peer = guarded.lines[0]?.['peer'];
    expect(peer).to.match(/^127\.0\.0\.1:\d+$/);
    const rpc = 'callhooks.v1.CallLifecycle/OnCallStart';
    const line = { level: 'warn', message: 'access refused', rpc, peer };
    expect(guarded.lines).to.deep.equal([
      { ...line, refusal: 'unknown_token', count: 30, code: 'UNAUTHENTICATED', reason: 'UNAUTHENTICATED' },
      { ...line, refusal: 'no_token', count: 1, code: 'UNAUTHENTICATED', reason: 'UNAUTHENTICATED' },
      {
        ...{ ...line, refusal: 'role_not_allowed', count: 1, caller: 'viewer' },
        ...{ code: 'PERMISSION_DENIED', reason: 'ROLE_NOT_ALLOWED' },
      },
    ]);
    expect(refusals).to.have.length(32);
  });

  it('locks nobody out after many wrong tokens on the same connection', async () => {
    await using guarded = await startGuarded();
    await Promise.all(Array.from({ length: 3_000 }, () => errorOf(guarded.rpc.calls.onCallStart({}, WRONG))));
    expect(await guarded.rpc.calls.onCallStart({}, withToken(TOKENS.lifecycle))).to.deep.equal(reply);
  });

  it('asks the gate for no room for a stranger', async () => {
    let asked = 0;
    const gate: CallGate = {
      arrive: () => {
        asked += 1;
        return undefined;
      },
      isOverloaded: () => false,
      isShut: () => true,
      waiting: () => 0,
      refused: () => 0,
    };
    await using guarded = await startGuarded({ gate });
    await Promise.all(Array.from({ length: 500 }, () => errorOf(guarded.rpc.calls.onCallStart({}, WRONG))));
    expect(asked).to.equal(0);
  });

  it('keeps nothing of the messages that strangers send and never end', async function () {
    this.timeout(60_000);
    await using guarded = await startGuarded();
    const before = process.memoryUsage().rss;
    const [sessions, streams, bytes] = [4, 100, 4 * 1024 * 1024 - 100];
    const chunk = Buffer.alloc(64 * 1024);
    const open = Array.from({ length: sessions }, () => openSession(`http://127.0.0.1:${guarded.port}`));
    const statuses: unknown[] = [];
    const sent = open.flatMap((session) =>
      Array.from({ length: streams }, async () => {
        const stream = session.request({
          ':method': 'POST',
          ':path': '/callhooks.v1.CallLifecycle/OnCallStart',
          'content-type': 'application/grpc',
        });
        stream.on('error', () => undefined);
        stream.resume();
        stream.on('response', (headers) => statuses.push(headers['grpc-status']));
        stream.write(Buffer.from([0, 0, 0x40, 0, 0]));
        const closed = once(stream, 'close');
        for (let left = bytes; left > 0 && !stream.closed; left -= chunk.length)
          await Promise.race([closed, new Promise((resolve) => stream.write(chunk, resolve))]);
      }),
    );
    await Promise.all(sent);
    await until('all answers', () => statuses.length === sessions * streams);
    for (const session of open) session.destroy();
    expect(new Set(statuses)).to.deep.equal(new Set(['16']));
    expect(process.memoryUsage().rss - before).to.be.below(200 * 1024 * 1024);
  });
});
