import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { expect } from 'chai';
import fc from 'fast-check';
import { asCurl } from '../../../../src/explain/copy/as-curl.ts';
import { RequestRecord } from '../../../../src/gen/index.callhooks.v1.ts';
import { describeWithTools } from '../../../support/describe-with-tools.ts';
import { startReceiver } from '../../../support/receiver.ts';
import { argumentsOf } from './run-shell.ts';

const MASK = '••••••';
const CURL = spawnSync('curl', ['--version']).status === 0;

/** Makes the record of a request. */
function record(parts: Partial<RequestRecord>): RequestRecord {
  const { body = '' } = parts;
  return {
    ...RequestRecord.fromPartial({ method: 'POST', url: 'https://crm.example.com/lookup' }),
    bodySize: BigInt(Buffer.byteLength(body)),
    ...parts,
  };
}

const commentsOf = (command: string) => command.split('\n').filter((line) => line.startsWith('#'));

describe('asCurl', function () {
  this.timeout(30_000); // starts shells

  it('writes method, URL, headers and body', () => {
    const headers = [{ name: 'content-type', value: 'application/json' }];
    expect(asCurl(record({ headers, body: '{"a":"it\'s"}' }))).to.equal(
      [
        String.raw`curl -i -g -X POST \ `.trim(),
        String.raw`  --url https://crm.example.com/lookup \ `.trimEnd(),
        String.raw`  -H 'content-type: application/json' \ `.trimEnd(),
        String.raw`  --data-raw '{"a":"it'\''s"}'`,
      ].join('\n'),
    );
  });

  it('puts a variable of the shell in the place of each masked value, and names it', () => {
    const headers = [
      { name: 'authorization', value: `Bearer ${MASK}` },
      { name: 'X-Api-Key', value: MASK },
    ];
    const url = `https://crm.example.com/?key=${MASK}&x=1`;
    const command = asCurl(record({ url, headers, body: `${MASK}, ${MASK}` }));
    expect(commentsOf(command)).to.deep.equal([
      '# The record masks secrets. Set these variables first: SECRET_URL, SECRET_AUTHORIZATION, SECRET_X_API_KEY, SECRET_BODY, SECRET_BODY_2',
    ]);
    const env = {
      ...{ SECRET_URL: 'u v', SECRET_AUTHORIZATION: '$(id)', SECRET_X_API_KEY: '*', SECRET_BODY: "'" },
      SECRET_BODY_2: '"',
    };
    expect(argumentsOf('curl', command, env)).to.deep.equal([
      [
        ...['-i', '-g', '-X', 'POST', '--url', 'https://crm.example.com/?key=u v&x=1'],
        ...['-H', 'authorization: Bearer $(id)', '-H', 'X-Api-Key: *'],
        ...['-H', 'content-type:', '--data-raw', `', "`],
      ],
    ]);
  });

  it('sends nothing while such a variable is not set', () => {
    const command = asCurl(record({ headers: [{ name: 'authorization', value: MASK }] }));
    expect(() => argumentsOf('curl', command)).to.throw('SECRET_AUTHORIZATION');
  });

  const notes: [title: string, parts: Partial<RequestRecord>, comment: string][] = [
    [
      'that the body is not text',
      { bodyBinary: true, bodySize: 12n },
      '# The body is not text, and not on record: 12 bytes.',
    ],
    ['that the body is not on record', { bodySize: 12n }, '# The body is not on record: 12 bytes.'],
    [
      'that the body is cut',
      { body: 'abc', bodySize: 5_000n, truncated: true },
      '# The record of the body is cut: 3 bytes of 5000 bytes.',
    ],
    ['that the body had a NUL', { body: 'a\0b' }, '# The body had zero bytes, which a command can not have.'],
    [
      'that a header has a masked name',
      { headers: [{ name: MASK, value: 'x' }] },
      '# 1 header of the record can not be sent by curl.',
    ],
    [
      'that a header names a file',
      { headers: [{ name: '@/etc/passwd', value: 'x' }] },
      '# 1 header of the record can not be sent by curl.',
    ],
  ];
  for (const [title, parts, comment] of notes) {
    it(`says ${title}`, () => {
      const command = asCurl(record(parts));
      expect(commentsOf(command)).to.deep.equal([comment]);
      expect(command).not.to.contain('/etc/passwd');
    });
  }

  it('passes every record on as it is, and runs nothing else', () => {
    const text = fc.oneof(
      fc.string({ unit: 'binary' }),
      fc.constantFrom(
        "'$(id)'",
        '`id`',
        '\n# x\nid',
        '-o/tmp/x',
        '@/etc/passwd',
        "'; id; '",
        '\u001b[201~id\n',
        "'",
      ),
    );
    const plain = text.map((value) => value.replaceAll('\0', '').toWellFormed());
    const line = plain.map((value) => value.replaceAll(/[\r\n]/g, ''));
    const headers = fc.array(fc.record({ name: fc.stringMatching(/^x-[a-z]{1,8}$/), value: line }), {
      maxLength: 4,
    });
    fc.assert(
      fc.property(plain, plain, headers, plain, (method, url, headers, body) => {
        const [call = [], ...more] = argumentsOf('curl', asCurl(record({ method, url, headers, body })));
        expect(more).to.deep.equal([]);
        expect(call.slice(call.indexOf('--url'))).to.deep.equal([
          ...['--url', url],
          ...headers.flatMap(({ name, value }) => ['-H', value === '' ? `${name};` : `${name}: ${value}`]),
          ...(body === '' ? [] : ['-H', 'content-type:', '--data-raw', body]),
        ]);
      }),
      { numRuns: 200 },
    );
  });

  describeWithTools({ missing: CURL ? [] : ['curl'], target: 'test' }, 'run by a shell and curl', () => {
    it('sends the request that is on record', async () => {
      const receiver = await startReceiver();
      try {
        const url = `${receiver.url}/a/{b}?c=[1-2]`;
        const headers = [
          { name: 'x-note', value: 'it\'s "so"' },
          { name: 'x-empty', value: '' },
          { name: 'accept-encoding', value: 'gzip' },
          { name: 'content-length', value: '3' },
        ];
        const command = asCurl(record({ method: 'PUT', url, headers, body: '@/etc/passwd\n$(id)\u0007\n' }));
        const child = spawn('sh', ['-c', command], { env: { PATH: process.env['PATH'] }, stdio: 'ignore' });
        expect((await once(child, 'exit'))[0]).to.equal(0);
        const [request] = receiver.requests;
        expect(request).to.include({
          ...{ method: 'PUT', url: '/a/{b}?c=[1-2]', body: '@/etc/passwd\n$(id)\u0007\n' },
        });
        expect(request?.headers).to.include({ 'x-note': 'it\'s "so"', 'x-empty': '' });
        expect(request?.headers).not.to.have.property('content-type');
      } finally {
        await receiver.close();
      }
    });
  });
});
