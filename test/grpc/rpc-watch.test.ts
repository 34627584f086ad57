import { once } from 'node:events';
import { connect as openSession, type ClientHttp2Session } from 'node:http2';
import { expect } from 'chai';
import { createAccessControl } from '../../src/access/access-control.ts';
import { validationFailed } from '../../src/errors.ts';
import { healthClient } from '../support/health-client.ts';
import { errorOf } from '../support/rpc.ts';
import { API_TOKENS, TOKENS, withToken } from '../support/tokens.ts';
import { until } from '../support/until.ts';
import { holdCalls, REPLY } from './holding-handlers.ts';
import { headersOf, openStream } from './http2-calls.ts';
import { startTestServer } from './test-server.ts';

const START = 'callhooks.v1.CallLifecycle/OnCallStart';

/** Returns the hooks of a server, and what they have heard: RPCs as `method code`, and reasons. */
function listening() {
  const rpcs: string[] = [];
  const reasons: string[] = [];
  const seconds: number[] = [];
  const heard = (count: number) => until(`${count} RPCs`, () => rpcs.length >= count);
  const hooks = {
    onRpc: (method: string, code: string, took: number) => {
      rpcs.push(`${method} ${code}`);
      seconds.push(took);
    },
    onRpcError: (reason: string) => void reasons.push(reason),
  };
  return { hooks, rpcs, reasons, seconds, heard };
}

function sessionOf(port: number): ClientHttp2Session {
  return openSession(`http://127.0.0.1:${port}`).on('error', () => undefined);
}

describe('A server that reports its RPCs', () => {
  it('reports the status of answered and failed RPCs, and how long they took', async () => {
    const { hooks, rpcs, reasons, seconds, heard } = listening();
    const { onCallStart, contexts, release } = holdCalls();
    const onCallEnd = () => Promise.reject(validationFailed([{ field: 'x', description: 'is bad' }]));
    await using server = await startTestServer({ onCallStart, onCallEnd }, hooks);
    const answered = server.rpc.calls.onCallStart();
    await until('the call', () => contexts.length === 1);
    const beganAtMs = performance.now();
    await until('30 ms to pass', () => performance.now() - beganAtMs > 30);
    release();
    expect(await answered).to.deep.equal(REPLY);
    await heard(1);
    await errorOf(server.rpc.calls.onCallEnd());
    await errorOf(server.rpc.executions.getExecution());
    await heard(3);
    expect(rpcs).to.deep.equal([
      `${START} OK`,
      'callhooks.v1.CallLifecycle/OnCallEnd INVALID_ARGUMENT',
      'callhooks.v1.ExecutionLog/GetExecution INTERNAL',
    ]);
    expect(reasons).to.deep.equal(['VALIDATION_FAILED']);
    expect(seconds[0]).to.be.within(0.03, 10);
  });

  it('reports RPCs whose deadline passed or that were cancelled, once each', async () => {
    const { hooks, rpcs, heard } = listening();
    const { onCallStart, contexts, release } = holdCalls();
    await using server = await startTestServer({ onCallStart }, hooks);
    await errorOf(server.rpc.calls.onCallStart({}, { deadlineMs: 100 }));
    const cancel = new AbortController();
    const cancelled = errorOf(server.rpc.calls.onCallStart({}, { signal: cancel.signal }));
    await until('the call', () => contexts.length === 2);
    cancel.abort();
    await cancelled;
    await heard(2);
    release();
    await server.rpc.calls.onCallStart();
    await heard(3);
    // The client cancels at its deadline too, and either may be first.
    expect(rpcs[0]).to.be.oneOf([`${START} DEADLINE_EXCEEDED`, `${START} CANCELLED`]);
    expect(rpcs.slice(1)).to.deep.equal([`${START} CANCELLED`, `${START} OK`]);
  });

  it('reports RPCs that were refused at their arrival, with the reason in the answer', async () => {
    const { hooks, rpcs, reasons, heard } = listening();
    const gate = {
      ...{ arrive: () => undefined, isOverloaded: () => false, isShut: () => true },
      ...{ waiting: () => 0, refused: () => 0 },
    };
    const accessControl = createAccessControl(API_TOKENS);
    await using server = await startTestServer({}, { ...hooks, gate, accessControl });
    await errorOf(server.rpc.calls.onCallStart());
    await errorOf(server.rpc.calls.onCallStart({}, withToken(TOKENS.viewer)));
    await errorOf(server.rpc.calls.onCallStart({}, withToken(TOKENS.admin)));
    await heard(3);
    expect(rpcs).to.deep.equal([
      `${START} UNAUTHENTICATED`,
      `${START} PERMISSION_DENIED`,
      `${START} RESOURCE_EXHAUSTED`,
    ]);
    expect(reasons).to.deep.equal(['UNAUTHENTICATED', 'ROLE_NOT_ALLOWED', 'LIMIT_REACHED']);
  });

  it('reports what others than its services answer: health on both ports, unknown methods, and no gRPC', async () => {
    const { hooks, rpcs, heard } = listening();
    await using server = await startTestServer({}, { ...hooks, healthAddress: '127.0.0.1:0' });
    for (const port of [server.port, server.healthPort]) {
      using health = healthClient(port);
      await health.check('');
    }
    await heard(2);
    await errorOf(server.rpc.raw('/no.Such/Method', Buffer.alloc(0)));
    await heard(3);
    const session = sessionOf(server.port);
    const web = session.request({ ...headersOf('/x/y'), 'content-type': 'text/html' });
    web
      .on('error', () => undefined)
      .resume()
      .end();
    await heard(4);
    session.destroy();
    expect(rpcs).to.deep.equal([
      'grpc.health.v1.Health/Check OK',
      'grpc.health.v1.Health/Check OK',
      'no.Such/Method UNIMPLEMENTED',
      'x/y UNKNOWN',
    ]);
  });

  it('reports RPCs whose connection broke before their message came', async () => {
    const { hooks, rpcs, heard } = listening();
    await using server = await startTestServer({}, hooks);
    const session = sessionOf(server.port);
    await once(session, 'remoteSettings');
    for (let count = 0; count < 3; count += 1) openStream(session, `/${START}`);
    await new Promise((resolve) => session.ping(resolve));
    session.destroy();
    await heard(3);
    expect(rpcs).to.deep.equal(Array.from({ length: 3 }, () => `${START} CANCELLED`));
  });
});
