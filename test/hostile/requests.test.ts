import { connect as openSession } from 'node:http2';
import { gzipSync } from 'node:zlib';
import { expect } from 'chai';
import * as pb from '../../src/gen/index.callhooks.v1.ts';
import { headersOf } from '../grpc/http2-calls.ts';
import { makeAgent, newCall } from '../support/calls.ts';
import { errorOf } from '../support/rpc.ts';
import { reportAttack } from './support/report.ts';
import { expectShortWork } from './support/time-rules.ts';
import { startWatchedServer, type WatchedServer } from './support/watched-server.ts';

const START = '/callhooks.v1.CallLifecycle/OnCallStart';
const CREATE = '/callhooks.v1.WebhookAdmin/CreateWebhook';
// The table shows the truth. This bound fits a machine that does other things too.
const MOST_BUSY_MS = 250;

const startBytes = (request: object): Uint8Array =>
  pb.OnCallStartRequest.encode(pb.OnCallStartRequest.fromPartial(request)).finish();
const listOf = (length: number): object[] => Array.from({ length }, () => ({}));
const namesOf = (length: number) => Object.fromEntries(Array.from({ length }, (_, i) => [`n${i}`, i]));

/** Returns a field of a message, with a length of four bytes. */
const longField = (no: number, value: Uint8Array): Buffer => {
  const { length } = value;
  const varint = [0, 7, 14].map((shift) => ((length >> shift) & 127) | 128);
  return Buffer.concat([Buffer.of((no << 3) | 2, ...varint, length >> 21), value]);
};
/** Makes a configuration of so many empty assignments. */
const emptyAssignments = (count: number): Buffer =>
  longField(3, Buffer.alloc(2 * count, Buffer.of(0x12, 0x00)));

const deepMetadata = (depth: number): Buffer => {
  let value: Buffer = Buffer.alloc(0);
  for (let i = 0; i < depth; i += 1) value = longField(6, longField(1, value));
  return longField(5, longField(1, longField(2, value)));
};

describe('A request message', () => {
  let server: WatchedServer;
  before(async () => {
    server = await startWatchedServer();
  });
  after(() => server.close());

  const call = { agentUuid: '0198c0de-0000-7000-8000-000000000001' };
  const rows: readonly (readonly [attack: string, path: string, bytes: () => Uint8Array, refusal: string])[] =
    [
      [
        '340,000 empty objects in metadata',
        START,
        () => startBytes({ ...call, metadata: { a: listOf(340_000) } }),
        'metadata takes the message beyond 100000 values',
      ],
      [
        '180,000 names of variables',
        START,
        () => startBytes({ ...call, dynamicVariables: namesOf(180_000) }),
        'dynamic_variables takes the message beyond 100000 values',
      ],
      [
        '500,000 empty assignments',
        CREATE,
        () => emptyAssignments(500_000),
        'webhook_config takes the message beyond 100000 values',
      ],
      [
        'a zero byte in dynamic_variables',
        START,
        () => Buffer.of(0x22, 4, 0, 0x0a, 1, 0x61),
        'dynamic_variables is not a valid protocol buffer message',
      ],
      [
        'JSON of depth 5,000',
        START,
        () => deepMetadata(5_000),
        'metadata is nested too deeply: JSON may have a depth of 24',
      ],
    ];
  for (const [attack, path, bytes, refusal] of rows) {
    it(`is refused as VALIDATION_FAILED with ${attack}, 10 at once`, async function () {
      this.timeout(60_000);
      const message = bytes();
      const { result, toll } = await server.measure(() =>
        Promise.all(Array.from({ length: 10 }, () => errorOf(server.rpc.raw(path, message)))),
      );
      const [first] = result;
      reportAttack({ attack: `${attack}, 10 at once`, ...toll, record: `${first?.code} ${first?.reason}` });
      for (const error of result) {
        expect([error.code, error.reason]).to.deep.equal(['INVALID_ARGUMENT', 'VALIDATION_FAILED']);
        expect(error.message).to.equal(refusal);
      }
      await expectShortWork(toll, MOST_BUSY_MS);
    });
  }

  it('is refused when 4 KB of gzip hold 2 million empty assignments', async function () {
    this.timeout(60_000);
    const zipped = gzipSync(emptyAssignments(2_000_000));
    const head = Buffer.alloc(5);
    head.writeUInt8(1, 0);
    head.writeUInt32BE(zipped.length, 1);
    const session = openSession(`http://127.0.0.1:${server.port}`);
    const { result, toll } = await server.measure(
      () =>
        new Promise((resolve, reject) => {
          const stream = session.request({ ...headersOf(CREATE), 'grpc-encoding': 'gzip' });
          stream.on('error', reject);
          stream.on('response', (headers) => resolve(decodeURI(String(headers['grpc-message']))));
          stream.end(Buffer.concat([head, zipped]));
        }),
    );
    session.close();
    reportAttack({ attack: '2 million assignments in 4 KB of gzip', ...toll, record: String(result) });
    expect(result).to.equal('the request is larger than 1 MiB');
    await expectShortWork(toll, MOST_BUSY_MS);
  });

  const legal: readonly (readonly [what: string, metadata: object])[] = [
    ['99,000 empty objects', { a: listOf(99_000) }],
    ['60,000 names', namesOf(60_000)],
    ['1 MB of text', { a: 'x'.repeat(1_000_000) }],
  ];
  for (const [what, metadata] of legal) {
    it(`is served with metadata of ${what}, 10 at once`, async function () {
      this.timeout(60_000);
      const agent = await makeAgent(server.rpc, {});
      const calls = Array.from({ length: 10 }, () => ({ ...newCall(agent), metadata: metadata as never }));
      const { result, toll } = await server.measure(() =>
        Promise.all(calls.map((one) => server.rpc.calls.onCallStart(one))),
      );
      reportAttack({ attack: `(legal) metadata of ${what}, 10 at once`, ...toll, record: 'OK' });
      expect(new Set(result.map(({ decision }) => decision))).to.deep.equal(
        new Set([pb.CallDecision.CALL_DECISION_PROCEED]),
      );
      await expectShortWork(toll, MOST_BUSY_MS);
    });
  }
});
