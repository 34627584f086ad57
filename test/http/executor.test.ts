import { expect } from 'chai';
import type { SendOptions, SendResult } from '../../src/http/http-client.ts';
import { guardedExecutor, outcomeOf, sendTo } from '../support/guarded-executor.ts';
import { startRawServer, withRawServer, type OnRequest, type RawServer } from '../support/raw-server.ts';
import { startReceiver, type Receiver } from '../support/receiver.ts';

const RECORD = { read: 'record' } as const;
const head = (status: string, ...headers: string[]) =>
  `HTTP/1.1 ${[status, ...headers].join('\r\n')}\r\n\r\n`;
const text = ({ response }: SendResult) => Buffer.from(response?.body ?? []).toString('utf8');

describe('the HTTP executor', () => {
  const executor = guardedExecutor({ names: { 'crm.example': ['127.0.0.1'] } });
  let raw: RawServer | undefined;
  let receiver: Receiver;

  before(async () => {
    receiver = await startReceiver();
  });
  afterEach(async () => {
    await raw?.close();
    raw = undefined;
  });
  after(async () => {
    await executor.close();
    await receiver.close();
  });

  const serve = async (onRequest: OnRequest | string): Promise<RawServer> => {
    raw = await startRawServer(
      typeof onRequest === 'string' ? (socket) => socket.write(onRequest, 'latin1') : onRequest,
    );
    return raw;
  };

  it('sends method, path, query, headers and body as they are, with a host header from the URL', async () => {
    const url = `http://crm.example:${receiver.port}/a%20b/c?d=%C3%A9&e`;
    const request = {
      method: 'PATCH',
      headers: { 'x-one': 'ä', 'user-agent': 'mine' },
      body: Buffer.from('né'),
    };
    const before = receiver.requests.length;
    expect(outcomeOf(await sendTo(executor, url, { request }))).to.equal('ok');
    const sent = receiver.requests[before];
    expect(sent).to.include({ method: 'PATCH', url: '/a%20b/c?d=%C3%A9&e', body: 'né' });
    expect(sent?.headers).to.include({
      host: `crm.example:${receiver.port}`,
      'content-length': '3',
      'x-one': 'ä',
      'user-agent': 'mine',
      'accept-encoding': 'identity',
    });
  });

  it('sends GET without a body, a length or headers that nobody gave', async () => {
    const before = receiver.requests.length;
    await executor.send(
      { method: 'GET', url: receiver.url, headers: {} },
      { expiresAtMs: performance.now() + 2_000, ...RECORD, maxBodyBytes: 0, recordBytes: 0 },
    );
    expect(receiver.requests[before]).to.include({ method: 'GET', url: '/', body: '' });
    expect(receiver.requests[before]?.headers).to.not.have.property('user-agent');
    expect(receiver.requests[before]?.headers).to.not.have.property('content-length');
  });

  it('returns the status, the headers in their order, and the body', async () => {
    const { url } = await serve(
      `${head('201 Made', 'X-One: 1', 'Set-Cookie: a', 'Set-Cookie: b', 'Content-Length: 3')}é!`.replace(
        'é',
        'Ã©',
      ),
    );
    const result = await sendTo(executor, url);
    expect(result.response).to.deep.include({
      status: 201,
      headers: [
        { name: 'X-One', value: '1' },
        { name: 'Set-Cookie', value: 'a' },
        { name: 'Set-Cookie', value: 'b' },
        { name: 'Content-Length', value: '3' },
      ],
      bodyBytes: 3,
      truncated: false,
    });
    expect(text(result)).to.equal('é!');
    expect(result).to.not.have.property('failure');
  });

  it('records the first 100 headers, and reads the content coding from all of them', async () => {
    const many = Array.from({ length: 150 }, (_, index) => `x-${index}: ${index}`);
    const { url } = await serve(
      `${head('200 OK', ...many, 'Content-Encoding: gzip', 'Content-Length: 2')}ok`,
    );
    const result = await sendTo(executor, url);
    expect(outcomeOf(result)).to.equal('INVALID_RESPONSE yes');
    expect(result.response?.headers).to.have.length(100);
    expect(result.response?.headers.at(-1)).to.deep.equal({ name: 'x-99', value: '99' });
  });

  it('measures the phases that happened', async () => {
    const url = `http://crm.example:${receiver.port}/`;
    const fresh = guardedExecutor({ names: { 'crm.example': ['127.0.0.1'] } });
    receiver.respond({ delayMs: 40 });
    const first = (await sendTo(fresh, url)).timings;
    expect(first).to.have.all.keys('dnsMs', 'connectMs', 'firstByteMs', 'totalMs');
    expect(first.firstByteMs).to.be.within(35, 500);
    expect(first.totalMs).to.be.at.least(
      (first.dnsMs ?? 0) + (first.connectMs ?? 0) + (first.firstByteMs ?? 0),
    );
    const again = (await sendTo(fresh, url)).timings;
    expect(again).to.have.all.keys('firstByteMs', 'totalMs');
    receiver.respond({ body: {} });
    await fresh.close();
  });

  it('rejects a request with a host header, in any case, before anything is dialled', async () => {
    for (const name of ['host', 'Host']) {
      const error = await sendTo(executor, receiver.url, {
        request: { headers: { [name]: 'other.example' } },
      }).then(
        () => undefined,
        (caught: unknown) => caught,
      );
      expect(error).to.be.instanceOf(TypeError);
    }
  });

  it('fails as INTERNAL for a header that can not be written, without its value', async () => {
    const result = await sendTo(executor, receiver.url, {
      request: { headers: { 'x-token': 'secret\nvalue' } },
    });
    expect(outcomeOf(result)).to.equal('INTERNAL no');
    expect(result.failure?.message).to.not.contain('secret');
  });

  it('checks a URL by the egress policy', () => {
    expect(executor.checkUrl('http://127.0.0.1/')).to.equal(undefined);
    expect(executor.checkUrl('http://127.0.0.2/')).to.contain('127.0.0.0/8');
  });

  describe('reads', () => {
    type Row = readonly [
      title: string,
      response: string,
      outcome: string,
      options?: Partial<SendOptions>,
      body?: string,
    ];
    const big = 'x'.repeat(70_000);
    const rows: readonly Row[] = [
      [
        'a chunked body',
        `${head('200 OK', 'Transfer-Encoding: chunked')}2\r\n{"\r\n4\r\na":1\r\n1\r\n}\r\n0\r\n\r\n`,
        'ok',
        {},
        '{"a":1}',
      ],
      ['an empty body', head('200 OK', 'Content-Length: 0'), 'ok', {}, ''],
      ['a 204', head('204 No Content'), 'ok', {}, ''],
      [
        'a 204 with a body as one without',
        `${head('204 No Content', 'Content-Length: 5')}hello`,
        'ok',
        {},
        '',
      ],
      ['a 304 as a status without a body', head('304 Not Modified'), 'HTTP_STATUS yes', {}, ''],
      ['a status without a reason', 'HTTP/1.1 200\r\nContent-Length: 2\r\n\r\nok', 'ok', {}, 'ok'],
      [
        'two content types',
        `${head('200 OK', 'Content-Type: application/json', 'Content-Type: text/html', 'Content-Length: 2')}{}`,
        'ok',
        {},
        '{}',
      ],
      [
        'an interim response before the real one',
        `${head('103 Early Hints', 'Link: </x>')}${head('200 OK', 'Content-Length: 2')}ok`,
        'ok',
        {},
        'ok',
      ],
      [
        '100 Continue that was not asked for',
        `${head('100 Continue')}${head('100 Continue', 'a: b')}${head('200 OK', 'Content-Length: 2')}ok`,
        'ok',
        {},
        'ok',
      ],
      [
        'a body that speaks of 100 Continue',
        `${head('200 OK', 'Content-Length: 25')}HTTP/1.1 100 Continue\r\n\r\n`,
        'ok',
        {},
        'HTTP/1.1 100 Continue\r\n\r\n',
      ],
      [
        'a body as large as the limit',
        `${head('200 OK', 'Content-Length: 10')}0123456789`,
        'ok',
        { maxBodyBytes: 10 },
        '0123456789',
      ],
      [
        'identity as no coding',
        `${head('200 OK', 'Content-Encoding: identity', 'Content-Length: 2')}ok`,
        'ok',
        {},
        'ok',
      ],
      [
        'a coding of nothing as no coding',
        head('200 OK', 'Content-Encoding: gzip', 'Content-Length: 0'),
        'ok',
        {},
        '',
      ],
      [
        'only the record of a post-call',
        `${head('200 OK', 'Content-Length: 10')}0123456789`,
        'ok',
        { ...RECORD, recordBytes: 4 },
        '0123',
      ],
      [
        'no body at all when nothing is recorded',
        `${head('200 OK', 'Content-Length: 10')}0123456789`,
        'ok',
        { ...RECORD, recordBytes: 0 },
        '',
      ],
      [
        'a coded body for the record',
        `${head('200 OK', 'Content-Encoding: gzip', 'Content-Length: 2')}xy`,
        'ok',
        RECORD,
        'xy',
      ],
      [
        'a body over the limit for the record only',
        `${head('200 OK', 'Content-Length: 70000')}${big}`,
        'ok',
        { ...RECORD, maxBodyBytes: 10 },
        big.slice(0, 4_096),
      ],
      [
        'an error page for the record',
        `${head('500 Oops', 'Content-Length: 4')}sad!`,
        'HTTP_STATUS yes',
        {},
        'sad!',
      ],
    ];
    for (const [title, response, outcome, options = {}, body] of rows) {
      it(title, async () => {
        const { url } = await serve(response);
        const result = await sendTo(executor, url, options);
        expect(outcomeOf(result), result.failure?.message).to.equal(outcome);
        expect(text(result)).to.equal(body);
      });
    }

    it('100 Continue that is split at any byte', async () => {
      const bytes = `${head('100 Continue')}${head('200 OK', 'Content-Length: 2')}ok`;
      for (let at = 1; at < bytes.length; at += 3) {
        const inTwo: OnRequest = (socket) => {
          socket.write(bytes.slice(0, at));
          setTimeout(() => socket.write(bytes.slice(at)), 2);
        };
        await withRawServer(inTwo, async ({ url }) => {
          expect(outcomeOf(await sendTo(executor, url)), `split at ${at}`).to.equal('ok');
        });
      }
    });
  });

  describe('fails', () => {
    type Row = readonly [
      title: string,
      response: OnRequest | string,
      outcome: string,
      message: RegExp,
      options?: Partial<SendOptions>,
    ];
    const rows: readonly Row[] = [
      ...[301, 302, 303, 307, 308].map((status): Row => [
        `on ${status} and follows nothing`,
        head(`${status} Elsewhere`, 'Location: /next', 'Content-Length: 0'),
        'REDIRECT yes',
        new RegExp(`^HTTP ${status} .*redirects are not followed$`),
      ]),
      ...[300, 304, 305, 306, 399, 400, 401, 404, 429, 500, 503, 599].map((status): Row => [
        `on ${status}`,
        head(`${status} Whatever`, 'Content-Length: 0'),
        'HTTP_STATUS yes',
        new RegExp(`^HTTP ${status}`),
      ]),
      [
        'on a body over the limit by its promised length',
        `${head('200 OK', 'Content-Length: 11')}0123456789x`,
        'RESPONSE_TOO_LARGE yes',
        /larger than 10 bytes/,
        { maxBodyBytes: 10 },
      ],
      [
        'on a body over the limit without a promised length',
        `${head('200 OK', 'Transfer-Encoding: chunked')}b\r\n0123456789x\r\n`,
        'RESPONSE_TOO_LARGE yes',
        /larger than 10 bytes/,
        { maxBodyBytes: 10 },
      ],
      [
        'on a coding with a strange name, which it does not repeat',
        `${head('200 OK', 'Content-Encoding: <script>', 'Content-Length: 2')}xx`,
        'INVALID_RESPONSE yes',
        /"unknown"/,
      ],
      [
        'on a head over 64 KiB',
        head('200 OK', `X-Long: ${'x'.repeat(65_600)}`, 'Content-Length: 0'),
        'PROTOCOL maybe',
        /response head is larger than 65536 bytes$/,
      ],
      [
        'on a head of many small headers',
        head('200 OK', ...Array.from({ length: 2_000 }, (_, index) => `x-${index}: yyyyy`)),
        'PROTOCOL maybe',
        /head has more than 1000 lines$/,
      ],
      [
        'on something that is not HTTP',
        'SSH-2.0-OpenSSH_9.6\r\n',
        'PROTOCOL maybe',
        /not valid HTTP\/1.1 \(Expected HTTP[^)]*\) before/,
      ],
      [
        'on another version of HTTP',
        'HTTP/2.0 200 OK\r\nContent-Length: 2\r\n\r\n{}',
        'PROTOCOL maybe',
        /Expected HTTP.1\.1/,
      ],
      [
        'on a status below 100',
        head('099 Odd', 'Content-Length: 2'),
        'PROTOCOL maybe',
        /Invalid status code/,
      ],
      [
        'on a transfer coding that was not asked for',
        `${head('200 OK', 'Transfer-Encoding: gzip, chunked')}2\r\n{}\r\n0\r\n\r\n`,
        'INVALID_RESPONSE yes',
        /transfer coding "gzip"/,
      ],
      [
        'on a chunked body that is chunked once more',
        `${head('200 OK', 'Transfer-Encoding: chunked, chunked')}2\r\n{}\r\n0\r\n\r\n`,
        'INVALID_RESPONSE yes',
        /transfer coding "chunked"/,
      ],
      ['on an answer in HTTP/2', '\0\0\x12\x04\0\0\0\0\0', 'PROTOCOL maybe', /not valid HTTP/],
      [
        'on a broken chunk',
        `${head('200 OK', 'Transfer-Encoding: chunked')}zz\r\n`,
        'PROTOCOL yes',
        /not valid HTTP.*in the middle/,
      ],
      [
        'on two lengths',
        `${head('200 OK', 'Content-Length: 2', 'X: y', 'content-length: 3')}ok!`,
        'PROTOCOL maybe',
        /not valid HTTP\/1\.1 \(it has 2 Content-Length headers\) before a response head arrived/,
      ],
      [
        'on a length, then chunks',
        `${head('200 OK', 'Content-Length: 2', 'Transfer-Encoding: chunked')}0\r\n\r\n`,
        'PROTOCOL maybe',
        /not valid HTTP\/1\.1 \(it has both Content-Length and Transfer-Encoding\)/,
      ],
      [
        'on chunks, then a length',
        `${head('200 OK', 'Transfer-Encoding: chunked', 'Content-Length: 2')}0\r\n\r\n`,
        'PROTOCOL maybe',
        /\(Content-Length can't be present with Transfer-Encoding\)/,
      ],
      [
        'on a bad header line behind a length',
        `${head('200 OK', 'Content-Length: 2', 'no colon')}ok`,
        'PROTOCOL maybe',
        /\(a header line behind Content-Length is malformed\)/,
      ],
      [
        'on a bad header line',
        `${head('200 OK', 'no colon', 'Content-Length: 2')}ok`,
        'PROTOCOL maybe',
        /\(Invalid header token\)/,
      ],
      [
        'on a line feed alone behind a chunk size',
        `${head('200 OK', 'Transfer-Encoding: chunked')}2\nok\r\n0\r\n\r\n`,
        'PROTOCOL yes',
        /not valid HTTP\/1\.1 \([A-Z][^)]+\) in the middle of the response body/,
      ],
      [
        'on a length with a sign',
        `${head('200 OK', 'Content-Length: -2')}ok`,
        'PROTOCOL maybe',
        /not valid HTTP/,
      ],
      [
        'on a switch of protocols',
        head('101 Switching Protocols', 'Connection: upgrade', 'Upgrade: websocket'),
        'PROTOCOL maybe',
        /switched to another protocol/,
      ],
      [
        'on a flood of interim responses',
        head('103 Early Hints').repeat(10_000),
        'PROTOCOL maybe',
        /more than 32 interim/,
      ],
      [
        'on a flood of 100 Continue',
        head('100 Continue').repeat(10_000),
        'PROTOCOL maybe',
        /more than 32 interim/,
      ],
      [
        'on a connection closed before the head',
        (socket) => socket.end(),
        'PROTOCOL maybe',
        /closed the connection before a response head/,
      ],
      [
        'on a connection reset before the head',
        (socket) => socket.resetAndDestroy(),
        'PROTOCOL maybe',
        /reset the connection before a response head/,
      ],
      [
        'on a connection closed within the body',
        (socket) => socket.end(`${head('200 OK', 'Content-Length: 10')}01234`),
        'PROTOCOL yes',
        /in the middle of the response body/,
      ],
      [
        'on a chunked body without its end',
        (socket) => socket.end(`${head('200 OK', 'Transfer-Encoding: chunked')}5\r\n01234\r\n`),
        'PROTOCOL yes',
        /in the middle of the response body/,
      ],
      [
        'when no memory is left for the body',
        `${head('200 OK', 'Content-Length: 5')}01234`,
        'OVERLOADED yes',
        /^no memory is left/,
        { reserveBytes: () => false },
      ],
    ];
    for (const [title, response, outcome, message, options = {}] of rows) {
      it(title, async () => {
        const { url, requestCount } = await serve(response);
        const result = await sendTo(executor, `${url}/path?token=secret`, options);
        expect(outcomeOf(result), result.failure?.message).to.equal(outcome);
        expect(result.failure?.message).to.match(message);
        expect(result.failure?.message).to.not.contain('secret');
        expect(requestCount()).to.equal(1);
      });
    }

    it('returns the head and the body so far of a response that broke off', async () => {
      const { url } = await serve((socket) => socket.end(`${head('200 OK', 'Content-Length: 10')}01234`));
      const result = await sendTo(executor, url);
      expect(result.response).to.include({ status: 200, bodyBytes: 5, truncated: true });
      expect(text(result)).to.equal('01234');
    });

    const readStatuses = new Set([403]);
    const declared: readonly (readonly [string, string, string, object])[] = [
      [
        'the whole body',
        head('403 Forbidden', 'Content-Length: 6000'),
        'x'.repeat(6_000),
        { truncated: false },
      ],
      ['what came of a body', head('403 Forbidden', 'Content-Length: 9'), '01234', { truncated: true }],
      ['a body up to the limit', head('403 Forbidden'), 'x'.repeat(7_001), { truncated: true }],
    ];
    for (const [title, start, sent, expected] of declared)
      it(`reads ${title} of a status to be read whole, and the head alone decides`, async () => {
        const { url } = await serve((socket) => socket.end(start + sent));
        const result = await sendTo(executor, url, { read: 'record', readStatuses, maxBodyBytes: 7_000 });
        expect(outcomeOf(result)).to.equal('HTTP_STATUS yes');
        expect(result.response).to.include({ status: 403, ...expected });
        expect(text(result)).to.equal(sent.slice(0, 7_000));
      });

    it('reads the body of another status for the record alone', async () => {
      const { url } = await serve(`${head('404 Not Found', 'Content-Length: 6000')}${'x'.repeat(6_000)}`);
      const result = await sendTo(executor, url, { readStatuses });
      expect(outcomeOf(result)).to.equal('HTTP_STATUS yes');
      expect(result.response?.body.length).to.equal(4_096);
    });

    it('asks for memory for the bytes that it keeps, and no more', async () => {
      const asked: number[] = [];
      const { url } = await serve(`${head('200 OK', 'Content-Length: 10')}0123456789`);
      await sendTo(executor, url, {
        ...RECORD,
        recordBytes: 4,
        reserveBytes: (bytes) => asked.push(bytes) > 0,
      });
      expect(asked.reduce((sum, bytes) => sum + bytes, 0)).to.equal(4);
    });

    const unsent: readonly (readonly [title: string, url: string, outcome: string, message: RegExp])[] = [
      [
        'when nobody listens',
        'http://127.0.0.1:1/x?token=secret',
        'CONNECT no',
        /^127\.0\.0\.1:1: connection refused$/,
      ],
      [
        'when a name does not exist',
        'http://none.example/x?token=secret',
        'DNS no',
        /^none\.example does not exist in DNS$/,
      ],
      [
        'when the egress policy forbids the literal',
        'http://10.1.2.3/x?token=secret',
        'EGRESS_DENIED no',
        /private network 10\.0\.0\.0\/8/,
      ],
      [
        'when the URL has user information',
        'http://u:p@127.0.0.1/',
        'EGRESS_DENIED no',
        /Authorization header/,
      ],
      ['when the text is not a URL', 'nonsense', 'EGRESS_DENIED no', /not valid/],
    ];
    for (const [title, url, outcome, message] of unsent) {
      it(title, async () => {
        const result = await sendTo(executor, url);
        expect(outcomeOf(result)).to.equal(outcome);
        expect(result.failure?.message).to.match(message).and.to.not.contain('secret');
        expect(result).to.not.have.property('response');
      });
    }
  });

  describe('when the response is cut at any byte', () => {
    const response = `${head('200 OK', 'Content-Type: application/json', 'Content-Length: 40')}${'x'.repeat(40)}`;
    const headLength = response.indexOf('\r\n\r\n') + 4;
    const cuts = [
      ...new Set([
        ...Array.from({ length: Math.ceil(response.length / 16) }, (_, index) => index * 16),
        headLength - 1,
        headLength,
        headLength + 1,
        response.length - 1,
        response.length,
      ]),
    ];
    const expected = (cut: number, read: SendOptions['read']) => {
      if (cut < headLength) return 'PROTOCOL maybe';
      return cut === response.length || read === 'record' ? 'ok' : 'PROTOCOL yes';
    };
    for (const read of ['whole', 'record'] as const) {
      it(`reports the outcome, and sent, as the bytes before the cut decide (${read})`, async () => {
        for (const cut of cuts) {
          await withRawServer(
            (socket) => socket.end(response.slice(0, cut)),
            async ({ url, requestCount }) => {
              const result = await sendTo(executor, url, { read });
              expect(outcomeOf(result), `cut at ${cut}`).to.equal(expected(cut, read));
              if (cut >= headLength)
                expect(result.response?.truncated, `cut at ${cut}`).to.equal(cut < response.length);
              expect(requestCount()).to.equal(1);
            },
          );
        }
      });
    }
  });
});
