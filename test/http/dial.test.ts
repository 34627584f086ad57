import { Socket } from 'node:net';
import { expect } from 'chai';
import type { Resolve } from '../../src/http/dns/resolver.ts';
import {
  guardedExecutor,
  loopbackConnect,
  outcomeOf,
  policyOf,
  sendTo,
} from '../support/guarded-executor.ts';
import { startRawServer, type RawServer } from '../support/raw-server.ts';

const OK = 'HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 2\r\n\r\nok';

// 127.0.0.1 and 127.0.0.3 are allowed and stand for public addresses. 127.0.0.2 and 127.0.0.4 are not allowed.
const ALLOW = ['127.0.0.1', '127.0.0.3'];

describe('a dial', () => {
  let good: RawServer;
  let forbidden: RawServer;

  beforeEach(async () => {
    good = await startRawServer((socket) => socket.write(OK));
    forbidden = await startRawServer((socket) => socket.write(OK), { host: '127.0.0.2', port: good.port });
  });
  afterEach(() => Promise.all([good.close(), forbidden.close()]));

  const withAnswers = (...answers: readonly (readonly string[])[]) => {
    const dialled: string[] = [];
    let turn = 0;
    const resolve: Resolve = async () => ({ addresses: answers[Math.min(turn++, answers.length - 1)] ?? [] });
    const connect: typeof loopbackConnect = (options) => {
      dialled.push(options.host ?? '');
      return loopbackConnect(options);
    };
    const executor = guardedExecutor({ policy: policyOf(ALLOW), resolve, connect });
    return { executor, dialled, url: `http://crm.example:${good.port}/` };
  };

  const denied: readonly (readonly [title: string, answers: readonly string[]])[] = [
    ['a forbidden address', ['127.0.0.2']],
    ['a forbidden address behind an allowed one', ['127.0.0.1', '127.0.0.2']],
    ['a forbidden address before an allowed one', ['127.0.0.2', '127.0.0.1']],
    [
      'a forbidden address behind more than are dialled',
      [...Array<string>(8).fill('127.0.0.1'), '127.0.0.2'],
    ],
    ['IPv6 loopback', ['127.0.0.1', '::1']],
    ['an IPv4-mapped address', ['::ffff:127.0.0.1']],
    ['no address in what it answered', ['127.0.0.1', 'localhost']],
  ];
  for (const [title, answers] of denied) {
    it(`is refused when a name resolves to ${title}`, async () => {
      const { executor, dialled, url } = withAnswers(answers);
      const result = await sendTo(executor, url);
      expect(outcomeOf(result)).to.equal('EGRESS_DENIED no');
      expect(result.failure?.message).to.not.match(/127\.0|::/);
      expect(dialled).to.deep.equal([]);
    });
  }

  it('is refused when a name is rebound from an allowed to a forbidden address', async () => {
    const { executor, dialled, url } = withAnswers(['127.0.0.1'], ['127.0.0.2'], ['127.0.0.1', '127.0.0.2']);
    const outcomes = [
      await sendTo(executor, url),
      await sendTo(executor, url),
      await sendTo(executor, url),
    ].map(outcomeOf);
    expect(outcomes).to.deep.equal(['ok', 'EGRESS_DENIED no', 'EGRESS_DENIED no']);
    expect(dialled).to.deep.equal(['127.0.0.1']);
    expect(forbidden.connections).to.have.length(0);
  });

  it('resolves the name once, and dials the addresses that were checked', async () => {
    let lookUps = 0;
    const resolve: Resolve = async () => ({ addresses: lookUps++ === 0 ? ['127.0.0.1'] : ['127.0.0.2'] });
    const executor = guardedExecutor({ policy: policyOf(ALLOW), resolve });
    expect(outcomeOf(await sendTo(executor, `http://crm.example:${good.port}/`))).to.equal('ok');
    expect(lookUps).to.equal(1);
    await executor.close();
  });

  it('never asks the resolver for a literal address', async () => {
    const resolve: Resolve = () => Promise.reject(new Error('asked'));
    const executor = guardedExecutor({ policy: policyOf(ALLOW), resolve });
    expect(outcomeOf(await sendTo(executor, `http://0x7f.1:${good.port}/`))).to.equal('ok');
    expect(outcomeOf(await sendTo(executor, `http://127.0.0.2:${good.port}/`))).to.equal('EGRESS_DENIED no');
    expect(forbidden.connections).to.have.length(0);
    await executor.close();
  });

  for (const protocol of ['http', 'https'] as const) {
    it(`is refused before the first byte when the socket leads to another address (${protocol})`, async () => {
      // Something between us and the network sends the connection elsewhere.
      const connect: typeof loopbackConnect = (options) => loopbackConnect({ ...options, host: '127.0.0.2' });
      const executor = guardedExecutor({ allow: ALLOW, names: { 'crm.example': ['127.0.0.1'] }, connect });
      const result = await sendTo(executor, `${protocol}://crm.example:${good.port}/`);
      expect(outcomeOf(result)).to.equal('EGRESS_DENIED no');
      expect(result.failure?.message).to.not.contain('127.0.0.2');
      expect(forbidden.connections.map(({ received }) => received()).join('')).to.equal('');
    });
  }

  it('tries the addresses in their order until one answers', async () => {
    const { executor, dialled, url } = withAnswers(['127.0.0.3', '127.0.0.1']);
    expect(outcomeOf(await sendTo(executor, url))).to.equal('ok');
    expect(dialled).to.deep.equal(['127.0.0.3', '127.0.0.1']);
  });

  it('tries the next address when one is silent for 1 s', async () => {
    const { url } = withAnswers();
    // A socket that is never connected is what a dropped SYN looks like.
    const connect: typeof loopbackConnect = (options) =>
      options.host === '127.0.0.3' ? neverConnected() : loopbackConnect(options);
    const executor = guardedExecutor({
      allow: ALLOW,
      names: { 'crm.example': ['127.0.0.3', '127.0.0.1'] },
      connect,
    });
    const start = performance.now();
    expect(outcomeOf(await sendTo(executor, url, { limitMs: 2_000 }))).to.equal('ok');
    expect(performance.now() - start).to.be.within(980, 1_999);
    await executor.close();
  });

  it('ends at the deadline when every address is silent', async () => {
    const executor = guardedExecutor({
      names: { 'crm.example': ['127.0.0.1', '127.0.0.1'] },
      connect: neverConnected,
    });
    const result = await sendTo(executor, `http://crm.example:${good.port}/`, { limitMs: 300 });
    expect(outcomeOf(result)).to.equal('TIMEOUT no');
    expect(result.failure?.message).to.match(/^no connection to crm\.example:\d+ was made within \d+ ms$/);
  });

  it('tries 8 addresses at most, and names the last problem', async () => {
    const { executor, dialled } = withAnswers([...Array<string>(9).fill('127.0.0.1')]);
    const result = await sendTo(executor, 'http://crm.example:1/');
    expect(result.failure).to.deep.equal({
      code: 'CONNECT',
      message: 'crm.example:1: connection refused (the last of 8 addresses)',
      sent: 'no',
    });
    expect(dialled).to.have.length(8);
  });

  it('is refused by https-only and by the deny list', async () => {
    const cases = [
      policyOf(['127.0.0.1'], [], true),
      policyOf(['127.0.0.1'], ['*.crm.example', 'crm.example']),
      policyOf(['127.0.0.1'], ['127.0.0.1']),
    ];
    for (const policy of cases) {
      const executor = guardedExecutor({ policy, names: { 'crm.example': ['127.0.0.1'] } });
      expect(outcomeOf(await sendTo(executor, `http://crm.example:${good.port}/`))).to.equal(
        'EGRESS_DENIED no',
      );
    }
    expect(good.connections).to.have.length(0);
  });

  it('uses no proxy that the environment names', async () => {
    const saved = { ...process.env };
    Object.assign(process.env, {
      HTTP_PROXY: `http://127.0.0.2:${good.port}`,
      http_proxy: `http://127.0.0.2:${good.port}`,
      NODE_USE_ENV_PROXY: '1',
    });
    try {
      const executor = guardedExecutor();
      expect(outcomeOf(await sendTo(executor, good.url))).to.equal('ok');
      expect(forbidden.connections).to.have.length(0);
    } finally {
      for (const name of ['HTTP_PROXY', 'http_proxy', 'NODE_USE_ENV_PROXY']) {
        if (saved[name] === undefined) delete process.env[name];
        else process.env[name] = saved[name];
      }
    }
  });
});

const neverConnected = (): Socket => new Socket();
