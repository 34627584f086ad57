import type { Socket } from 'node:net';
import { brotliCompressSync, constants, deflateRawSync, deflateSync, gzipSync } from 'node:zlib';
import { expect } from 'chai';
import type { SendOptions, SendResult } from '../../src/http/http-client.ts';
import { guardedExecutor, outcomeOf, sendTo } from '../support/guarded-executor.ts';
import { withRawServer, type OnRequest } from '../support/raw-server.ts';
import { until } from '../support/until.ts';

const JSON_BODY = Buffer.from('{"name":"Ada Lovelace"}');
const LARGE_JSON = Buffer.from(
  JSON.stringify({ list: Array.from({ length: 5_000 }, (_, i) => `item ${i}`) }),
);
const RECORD = { read: 'record' } as const;
const text = ({ response }: SendResult) => Buffer.from(response?.body ?? []).toString('utf8');

function headOf(coding: string, length: number | undefined): string {
  const framing = length === undefined ? 'Transfer-Encoding: chunked' : `Content-Length: ${length}`;
  return `HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Encoding: ${coding}\r\n${framing}\r\n\r\n`;
}

describe('the HTTP executor, for a body with content codings', () => {
  const executor = guardedExecutor();
  after(() => executor.close());

  const sendCoded = async (
    coding: string,
    body: Uint8Array,
    options: Partial<SendOptions> & { limitMs?: number } = {},
  ): Promise<SendResult> => {
    let result: SendResult | undefined;
    await withRawServer(
      (socket) => {
        socket.write(headOf(coding, body.length));
        socket.write(body);
      },
      async ({ url }) => {
        result = await sendTo(executor, url, options);
      },
    );
    return result as SendResult;
  };

  const good: readonly (readonly [title: string, coding: string, coded: Uint8Array])[] = [
    ['gzip', 'gzip', gzipSync(JSON_BODY)],
    ['x-gzip', 'x-gzip', gzipSync(JSON_BODY)],
    ['gzip in capitals', 'GZIP', gzipSync(JSON_BODY)],
    [
      'gzip of two members',
      'gzip',
      Buffer.concat([gzipSync(JSON_BODY.subarray(0, 9)), gzipSync(JSON_BODY.subarray(9))]),
    ],
    ['gzip with zeros behind it', 'gzip', Buffer.concat([gzipSync(JSON_BODY), Buffer.alloc(512)])],
    ['deflate', 'deflate', deflateSync(JSON_BODY)],
    ['deflate without the header of zlib', 'deflate', deflateRawSync(JSON_BODY)],
    ['br', 'br', brotliCompressSync(JSON_BODY)],
    ['gzip, then br', 'gzip, br', brotliCompressSync(gzipSync(JSON_BODY))],
    ['gzip three times', 'gzip, gzip,gzip', gzipSync(gzipSync(gzipSync(JSON_BODY)))],
    ['gzip beside identity', 'identity, gzip', gzipSync(JSON_BODY)],
    ...['identity', 'utf-8', 'UTF-8', 'none', '', ',', 'binary', '8bit'].map(
      (name) => [`no coding, named ${JSON.stringify(name)}`, name, JSON_BODY] as const,
    ),
  ];
  for (const [title, coding, coded] of good) {
    it(`returns the body without ${title}`, async () => {
      const result = await sendCoded(coding, coded);
      expect(outcomeOf(result), result.failure?.message).to.equal('ok');
      expect(text(result)).to.equal(JSON_BODY.toString());
      expect(result.response).to.include({ bodyBytes: coded.length, truncated: false });
    });
  }

  for (const [coding, code] of [
    ['gzip', gzipSync],
    ['deflate', deflateSync],
    ['br', brotliCompressSync],
  ] as const) {
    it(`returns a body that ${coding} makes much smaller`, async () => {
      const result = await sendCoded(coding, code(LARGE_JSON), { maxBodyBytes: LARGE_JSON.length });
      expect(outcomeOf(result), result.failure?.message).to.equal('ok');
      expect(text(result)).to.equal(LARGE_JSON.toString());
    });

    it(`fails as RESPONSE_TOO_LARGE when ${coding} holds one byte more than the limit`, async () => {
      const result = await sendCoded(coding, code(LARGE_JSON), { maxBodyBytes: LARGE_JSON.length - 1 });
      expect(outcomeOf(result)).to.equal('RESPONSE_TOO_LARGE yes');
      expect(result.failure?.message).to.contain(
        `larger than ${LARGE_JSON.length - 1} bytes when it is decoded`,
      );
      expect(result.response).to.include({ truncated: true });
      expect(text(result)).to.equal(LARGE_JSON.toString().slice(0, -1));
    });
  }

  for (const name of ['gzip', 'br', 'zstd', 'gzip, gzip, gzip, gzip']) {
    it(`returns an empty body in chunks that is named ${name}`, async () => {
      await withRawServer(
        (socket) => socket.write(`${headOf(name, undefined)}0\r\n\r\n`),
        async ({ url }) => {
          const result = await sendTo(executor, url);
          expect(outcomeOf(result), result.failure?.message).to.equal('ok');
          expect(result.response).to.include({ bodyBytes: 0, truncated: false });
        },
      );
    });
  }

  const gzip = gzipSync(LARGE_JSON);
  const bad: readonly (readonly [title: string, coding: string, coded: Uint8Array, message: RegExp])[] = [
    ['an unknown coding', 'zstd', JSON_BODY, /content coding "zstd", which callhooks can't undo/],
    ['a coding with a strange name', '<script>', JSON_BODY, /content coding "unknown"/],
    ['more than three codings', 'gzip, gzip, gzip, gzip', gzip, /has 4 content codings; at most 3/],
    ['JSON that is named gzip', 'gzip', JSON_BODY, /is not gzip, though its Content-Encoding says so/],
    ['JSON that is named br', 'br', JSON_BODY, /can't be decoded as br: it is damaged/],
    [
      'JSON that is named deflate',
      'deflate',
      JSON_BODY,
      /can't be decoded as deflate: it is damaged, or not deflate at all/,
    ],
    ['gzip that is cut off', 'gzip', gzip.subarray(0, -9), /can't be decoded as gzip: it ends too early/],
    [
      'gzip without its last byte',
      'gzip',
      gzip.subarray(0, -1),
      /can't be decoded as gzip: it ends too early/,
    ],
    ['gzip with a wrong checksum', 'gzip', Buffer.concat([gzip.subarray(0, -8), Buffer.alloc(8)]), /damaged/],
    ['gzip with bytes behind it', 'gzip', Buffer.concat([gzip, Buffer.from('<!-- -->')]), /damaged/],
    [
      'deflate with bytes behind it',
      'deflate',
      Buffer.concat([deflateSync(JSON_BODY), Buffer.from('x')]),
      /can't be decoded as deflate: more bytes follow behind its end/,
    ],
    [
      'br with bytes behind it',
      'br',
      Buffer.concat([brotliCompressSync(JSON_BODY), Buffer.from('x')]),
      /can't be decoded as br: more bytes follow behind its end/,
    ],
    ['br that is cut off', 'br', brotliCompressSync(JSON_BODY).subarray(0, -4), /as br: it ends too early/],
    ['codings in a wrong order', 'br, gzip', brotliCompressSync(gzipSync(JSON_BODY)), /is not gzip/],
  ];
  for (const [title, coding, coded, message] of bad) {
    it(`fails as INVALID_RESPONSE for ${title}`, async () => {
      const result = await sendCoded(coding, coded, { maxBodyBytes: LARGE_JSON.length });
      expect(outcomeOf(result)).to.equal('INVALID_RESPONSE yes');
      expect(result.failure?.message).to.match(message);
    });

    it(`returns ${title} for the record, without a failure`, async () => {
      const result = await sendCoded(coding, coded, RECORD);
      expect(outcomeOf(result)).to.equal('ok');
      expect(result.response?.body).to.not.have.length(0);
    });
  }

  it('returns the decoded beginning of a large body for the record', async () => {
    for (const [coding, code] of [
      ['gzip', gzipSync],
      ['br', brotliCompressSync],
    ] as const) {
      const result = await sendCoded(coding, code(LARGE_JSON), { ...RECORD, recordBytes: 4_096 });
      expect(outcomeOf(result)).to.equal('ok');
      expect(text(result)).to.equal(LARGE_JSON.toString().slice(0, 4_096));
      expect(result.response?.truncated).to.equal(true);
    }
  });

  it('returns what was decoded of a body of which only a part was read for the record', async () => {
    const coded = gzipSync(Buffer.from(Array.from({ length: 9_000 }, (_, i) => `${i * 7919}`).join()));
    const result = await sendCoded('gzip', coded, { ...RECORD, recordBytes: 2_000 });
    expect(text(result)).to.match(/^0,7919,15838,/);
    expect(result.response?.body).to.have.length(2_000);
  });

  it('asks for memory for the coded and the decoded bytes, and stops at the limit', async () => {
    const bomb = gzipSync(gzipSync(Buffer.alloc(50_000_000)));
    let asked = 0;
    const reserveBytes = (bytes: number) => (asked += bytes) > 0;
    const result = await sendCoded('gzip, gzip', bomb, { reserveBytes, maxBodyBytes: 60_000 });
    expect(outcomeOf(result)).to.equal('RESPONSE_TOO_LARGE yes');
    expect(asked).to.be.within(60_000, 2 * 60_000 + bomb.length);
  });

  it('fails as OVERLOADED when no memory is left for the decoded body', async () => {
    const coded = gzipSync(LARGE_JSON);
    let left = coded.length + 1_000;
    const reserveBytes = (bytes: number) => (left -= bytes) >= 0;
    const result = await sendCoded('gzip', coded, { reserveBytes, maxBodyBytes: 1_000_000 });
    expect(outcomeOf(result)).to.equal('OVERLOADED yes');
  });

  it('decodes the body behind a redirect', async () => {
    const coded = gzipSync(JSON_BODY);
    const onRequest: OnRequest = (socket, connection) => {
      if (connection === 0) socket.end('HTTP/1.1 302 Found\r\nLocation: /x\r\nContent-Length: 0\r\n\r\n');
      else socket.write(Buffer.concat([Buffer.from(headOf('gzip', coded.length)), coded]));
    };
    await withRawServer(onRequest, async ({ url }) => {
      const redirects = { max: 1, firstOriginHeaders: [], enterOrigin: () => true };
      const result = await sendTo(executor, url, { redirects });
      expect(outcomeOf(result), result.failure?.message).to.equal('ok');
      expect(text(result)).to.equal(JSON_BODY.toString());
    });
  });

  it('leaves a connection to its next request when the deadline passes before the body is decoded', async () => {
    const params = { [constants.BROTLI_PARAM_QUALITY]: 1, [constants.BROTLI_PARAM_LGWIN]: 24 };
    const costly = brotliCompressSync(Buffer.alloc(32_000_000), { params });
    const coded = Buffer.concat([Buffer.from(headOf('br', costly.length)), costly]);
    const later: Socket[] = [];
    let count = 0;
    const onRequest: OnRequest = (socket) => (++count <= 200 ? socket.write(coded) : later.push(socket));
    await withRawServer(onRequest, async ({ url, connections }) => {
      const first = Array.from({ length: 200 }, () => sendTo(executor, url, { limitMs: 500 }));
      await until('the first requests', () => count === 200);
      const next = Array.from({ length: 20 }, () => sendTo(executor, url, { limitMs: 20_000 }));
      await until('the next requests', () => later.length === 20);
      const outcomes = (await Promise.all(first)).map(outcomeOf);
      expect(outcomes).to.include('TIMEOUT yes');
      for (const socket of later) socket.write('HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}');
      expect(new Set((await Promise.all(next)).map(outcomeOf))).to.deep.equal(new Set(['ok']));
      expect(connections.length, 'some connections were used again').to.be.lessThan(220);
    });
  });

  it('decodes a thousand bodies at once', async () => {
    const coded = gzipSync(LARGE_JSON);
    await withRawServer(
      (socket) => {
        socket.write(headOf('gzip', coded.length));
        socket.write(coded);
      },
      async ({ url }) => {
        const options = { maxBodyBytes: LARGE_JSON.length, limitMs: 30_000 };
        const results = await Promise.all(
          Array.from({ length: 1_000 }, () => sendTo(executor, url, options)),
        );
        expect(new Set(results.map(outcomeOf))).to.deep.equal(new Set(['ok']));
        expect(results.every((result) => result.response?.body.length === LARGE_JSON.length)).to.equal(true);
      },
    );
  });

  it('decodes the body of one origin before the costly bodies of another one are done', async () => {
    const params = { [constants.BROTLI_PARAM_QUALITY]: 1, [constants.BROTLI_PARAM_LGWIN]: 24 };
    const costly = brotliCompressSync(Buffer.alloc(32_000_000), { params });
    const answer = (coding: string, body: Uint8Array) => (socket: Socket) => {
      socket.write(headOf(coding, body.length));
      socket.write(body);
    };
    await withRawServer(answer('br', costly), async (costlyServer) => {
      let ended = 0;
      const sent = Array.from({ length: 100 }, async () => {
        const result = await sendTo(executor, costlyServer.url, { limitMs: 30_000 });
        ended++;
        return outcomeOf(result);
      });
      await until('a costly body to end', () => ended > 0 && costlyServer.requestCount() === 100);
      await withRawServer(answer('gzip', gzipSync(JSON_BODY)), async ({ url }) => {
        expect(outcomeOf(await sendTo(executor, url))).to.equal('ok');
        expect(ended).to.be.lessThan(90);
      });
      expect(new Set(await Promise.all(sent))).to.deep.equal(new Set(['RESPONSE_TOO_LARGE yes']));
    });
  });

  it('fails as TIMEOUT at its deadline, while other bodies are decoded, and asks for no memory later', async () => {
    const coded = gzipSync(Buffer.alloc(4_000_000));
    await withRawServer(
      (socket) => {
        socket.write(headOf('gzip', coded.length));
        socket.write(coded);
      },
      async ({ url }) => {
        const late: string[] = [];
        const results = await Promise.all(
          Array.from({ length: 200 }, async () => {
            let isOver = false;
            const reserveBytes = () => {
              if (isOver) late.push('asked');
              return true;
            };
            const result = await sendTo(executor, url, {
              reserveBytes,
              maxBodyBytes: 4_000_000,
              limitMs: 150,
            });
            isOver = true;
            return result;
          }),
        );
        const outcomes = new Set(results.map(outcomeOf));
        expect(['ok', 'TIMEOUT yes', 'TIMEOUT no', 'TIMEOUT maybe']).to.include.members([...outcomes]);
        expect(outcomes).to.include('TIMEOUT yes');
        // The decoder goes on with what waits for it. It is done when a later body is.
        expect(outcomeOf(await sendTo(executor, url, { maxBodyBytes: 4_000_000, limitMs: 30_000 }))).to.equal(
          'ok',
        );
        expect(late).to.deep.equal([]);
      },
    );
  });
});
