import { expect } from 'chai';
import fc from 'fast-check';
import * as pb from '../../../../src/gen/index.callhooks.v1.ts';
import { decodeRequest } from '../../../../src/grpc/decode-request.ts';
import { MAX_VALUES, measureMessage, UnfitMessage } from '../../../../src/grpc/limits/measure-message.ts';
import { readRequestShapes, type MessageShape } from '../../../../src/grpc/limits/message-shape.ts';
import { anyDamage } from '../../../support/arbitrary-wire.ts';

const shapes = readRequestShapes();
const shapeOf = (method: string): MessageShape => shapes.get(`/callhooks.v1.${method}`) as MessageShape;
const START = shapeOf('CallLifecycle/OnCallStart');
const CREATE = shapeOf('WebhookAdmin/CreateWebhook');

const startBytes = (request: object): Buffer =>
  Buffer.from(pb.OnCallStartRequest.encode(pb.OnCallStartRequest.fromPartial(request)).finish());
const createBytes = (request: object): Buffer =>
  Buffer.from(pb.CreateWebhookRequest.encode(pb.CreateWebhookRequest.fromPartial(request)).finish());

/** Counts what the walk counts, in the decoded value: every value below the top. */
function valuesBelow(value: unknown): number {
  if (value === null || typeof value !== 'object') return 0;
  return Object.values(value).reduce<number>((sum, child) => sum + 1 + valuesBelow(child), 0);
}

const refusalOf = (bytes: Uint8Array, shape: MessageShape): string => {
  try {
    measureMessage(bytes, shape);
  } catch (error) {
    if (error instanceof UnfitMessage) return `${error.field}: ${error.message}`;
    throw error;
  }
  throw new Error('the message was not refused');
};

const field = (no: number, value: Uint8Array): Buffer =>
  Buffer.concat([Buffer.of((no << 3) | 2, value.length), value]);
const times = (count: number, bytes: Uint8Array): Buffer =>
  Buffer.concat(Array.from({ length: count }, () => bytes));
/** Returns a field of more than 127 bytes. */
const longField = (no: number, value: Uint8Array): Buffer => {
  const { length } = value;
  const varint = Buffer.of((length & 127) | 128, ((length >> 7) & 127) | 128, (length >> 14) & 127);
  return Buffer.concat([Buffer.of((no << 3) | 2), varint, value]);
};

describe('measureMessage', () => {
  const tooMany = `takes the message beyond ${MAX_VALUES} values`;

  it('counts no values in a request of texts alone', () => {
    const bytes = startBytes({ agentUuid: 'a', conversationUuid: 'b', callerPhone: 'c' });
    expect(measureMessage(bytes, START)).to.deep.equal({ values: 0, memoryBytes: 2 * bytes.length });
  });

  it('counts every JSON value below the top, and 80 bytes for each', () => {
    const bytes = startBytes({
      metadata: { a: [1, {}, null], b: { c: 'x' } },
      dynamicVariables: { v: true },
    });
    expect(measureMessage(bytes, START)).to.deep.equal({
      values: 7,
      memoryBytes: 2 * bytes.length + 7 * 80,
    });
  });

  it('counts list elements, map entries and the JSON inside of them', () => {
    const bytes = createBytes({
      webhookConfig: {
        apiSchema: { requestHeaders: { a: '1', b: '2' }, requestBody: ['x', ['y']] },
        assignments: [{ attributeName: 'a', defaultValue: [1] }, {}],
        signingSecretNames: ['s', 't', 'u'],
      },
    });
    expect(measureMessage(bytes, CREATE).values).to.equal(2 + 3 + 2 + 1 + 3);
  });

  it('accepts 100,000 values and refuses one more, naming the field', () => {
    const list = (length: number) => startBytes({ metadata: { a: Array.from({ length }, () => ({})) } });
    expect(measureMessage(list(MAX_VALUES - 1), START).values).to.equal(MAX_VALUES);
    expect(refusalOf(list(MAX_VALUES), START)).to.equal(`metadata: ${tooMany}`);
  });

  const floods: readonly [what: string, bytes: Uint8Array, shape: MessageShape, field: string][] = [
    [
      'names of variables',
      startBytes({
        dynamicVariables: Object.fromEntries(Array.from({ length: 100_001 }, (_, i) => [`n${i}`, i])),
      }),
      START,
      'dynamic_variables',
    ],
    [
      'empty assignments',
      createBytes({ webhookConfig: { assignments: Array.from({ length: 100_001 }, () => ({})) } }),
      CREATE,
      'webhook_config',
    ],
    ['texts of one field', times(100_010, Buffer.of(0x0a, 0)), START, ''],
    ['fields that nobody knows', times(100_020, Buffer.of(0x78, 0)), START, ''],
    [
      'kinds of one value',
      longField(5, longField(1, longField(2, times(100_010, Buffer.of(0x20, 0))))),
      START,
      'metadata',
    ],
    ['packed numbers', longField(5, Buffer.alloc(100_001)), shapeOf('ExecutionLog/ListExecutions'), ''],
  ];
  for (const [what, bytes, shape, name] of floods) {
    it(`refuses more than 100,000 ${what}`, () => {
      expect(refusalOf(bytes, shape)).to.equal(`${name}: ${tooMany}`);
    });
  }

  it('refuses a second kind of a value that is a message', () => {
    const value = Buffer.concat([field(5, Buffer.alloc(0)), field(5, Buffer.alloc(0))]);
    const metadata = field(5, field(1, field(2, value)));
    expect(refusalOf(metadata, START)).to.equal('metadata: has struct_value twice');
  });

  it('refuses a field with the wire type of another one, but takes a list of numbers packed and one by one', () => {
    const text = Buffer.from('0801', 'hex');
    expect(refusalOf(text, START)).to.equal(': is not a valid protocol buffer message');
    const states = shapeOf('ExecutionLog/ListExecutions');
    for (const hex of ['2a020102', '28012802'])
      expect(measureMessage(Buffer.from(hex, 'hex'), states).values).to.be.within(2, 3);
  });

  const json = fc.jsonValue({ maxDepth: 6 }).filter((value) => !JSON.stringify(value).includes('__proto__'));

  it('counts as many values as the decoder makes', () => {
    fc.assert(
      fc.property(
        fc.dictionary(fc.string(), json),
        fc.dictionary(fc.string(), json),
        (metadata, dynamicVariables) => {
          fc.pre(!('__proto__' in { ...metadata }) || !Object.hasOwn(metadata, '__proto__'));
          const bytes = startBytes({ metadata, dynamicVariables });
          const decoded = decodeRequest((b) => pb.OnCallStartRequest.decode(b), bytes);
          expect(measureMessage(bytes, START).values).to.equal(
            valuesBelow(decoded.metadata) + valuesBelow(decoded.dynamicVariables),
          );
        },
      ),
      { numRuns: 500 },
    );
  });

  it('lets nothing pass that the decoder refuses or leaves unread, but text that is not UTF-8', () => {
    const message = createBytes({
      agentUuid: 'a',
      webhookType: 1,
      webhookConfig: {
        apiSchema: { url: 'u', requestHeaders: { a: '1' }, requestBody: { a: [1, 'x', null, { b: true }] } },
        assignments: [{ attributeName: 'a', defaultValue: 1.5 }],
        responseTimeoutSecs: 3,
        signingSecretNames: ['s'],
      },
    });
    fc.assert(
      fc.property(fc.array(anyDamage, { minLength: 1, maxLength: 3 }), (damages) => {
        const bytes = damages.reduce((damaged, damage) => damage(damaged), message);
        try {
          measureMessage(bytes, CREATE);
        } catch (error) {
          expect(error).to.be.instanceOf(UnfitMessage);
          return;
        }
        try {
          decodeRequest((b) => pb.CreateWebhookRequest.decode(b), bytes);
        } catch (error) {
          expect((error as Error).message).to.equal('the request holds text that is not UTF-8');
        }
      }),
      { numRuns: 5000 },
    );
  });
});
