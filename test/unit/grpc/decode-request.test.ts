import { expect } from 'chai';
import fc from 'fast-check';
import { CallhooksError } from '../../../src/errors.ts';
import { AgentAdminService, CreateAgentRequest } from '../../../src/gen/callhooks/v1/agent_admin.ts';
import { OnCallStartRequest } from '../../../src/gen/callhooks/v1/call_lifecycle.ts';
import { Assignment } from '../../../src/gen/callhooks/v1/webhook.ts';
import * as services from '../../../src/gen/index.callhooks.v1.ts';
import { decodeRequest, limitsOf, measureRequest } from '../../../src/grpc/decode-request.ts';
import { readRequestShapes, type MessageShape } from '../../../src/grpc/limits/message-shape.ts';

const MAX_BYTES = 4 << 20;
const shapes = readRequestShapes();
const shapeOf = (method: string): MessageShape => shapes.get(`/callhooks.v1.${method}`) as MessageShape;
const START = shapeOf('CallLifecycle/OnCallStart');
const startOf = (bytes: Uint8Array): OnCallStartRequest => {
  measureRequest(bytes, MAX_BYTES, START);
  return decodeRequest((b) => OnCallStartRequest.decode(b), bytes);
};

const refusalOf = (decode: () => unknown): CallhooksError => {
  try {
    decode();
  } catch (error) {
    if (error instanceof CallhooksError) return error;
    throw error;
  }
  throw new Error('the message was not refused');
};

const nested = (depth: number): unknown => (depth === 0 ? 1 : { a: nested(depth - 1) });
const withVariables = (depth: number): Uint8Array =>
  OnCallStartRequest.encode(
    OnCallStartRequest.fromPartial({ dynamicVariables: nested(depth) as Record<string, unknown> }),
  ).finish();
const bytes = (...parts: (number | string)[]): Buffer =>
  Buffer.concat(
    parts.map((part) => (typeof part === 'number' ? Buffer.of(part) : Buffer.from(part, 'latin1'))),
  );

describe('A request message', () => {
  it('keeps text unchanged, with its byte order marks and emoji', () => {
    const request = OnCallStartRequest.fromPartial({
      callerPhone: '\ufeff+49 😀',
      metadata: { clé: '\ufeffé' },
    });
    expect(startOf(OnCallStartRequest.encode(request).finish())).to.deep.equal(request);
  });

  it('reads an empty message as an empty request', () => {
    expect(startOf(new Uint8Array()).agentUuid).to.equal('');
  });

  it('decodes JSON of depth 30, so that the violation can name its path', () => {
    expect(startOf(withVariables(30)).dynamicVariables).to.deep.equal(nested(30));
  });

  it('reads a Value without a kind as null, in objects, in lists and as a field', () => {
    // { a: Value{}, b: [Value{}], c: no value at all }
    const metadata = bytes(
      0x0a,
      5,
      0x0a,
      1,
      'a',
      0x12,
      0,
      0x0a,
      9,
      0x0a,
      1,
      'b',
      0x12,
      4,
      0x32,
      2,
      0x0a,
      0,
      0x0a,
      3,
      0x0a,
      1,
      'c',
    );
    const message = Buffer.concat([bytes(0x2a, metadata.length), metadata]);
    expect(startOf(message).metadata).to.deep.equal({ a: null, b: [null], c: null });
    const assignment = bytes(0x2a, 0);
    expect(Assignment.decode(assignment).defaultValue).to.equal(null);
  });

  it('drops the key __proto__ at any depth and changes no prototype', () => {
    const source = JSON.parse('{"a":{"__proto__":{"polluted":1},"b":2},"__proto__":{"polluted":1}}');
    const entry = (key: string, value: Buffer): Buffer =>
      field(1, Buffer.concat([field(1, Buffer.from(key)), field(2, value)]));
    const field = (no: number, value: Buffer): Buffer =>
      Buffer.concat([Buffer.of((no << 3) | 2, value.length), value]);
    const encode = (value: unknown): Buffer =>
      typeof value === 'number'
        ? Buffer.of(0x11, 0, 0, 0, 0, 0, 0, 0xf0, 0x3f)
        : field(5, struct(value as object));
    const struct = (value: object): Buffer =>
      Buffer.concat(Object.entries(value).map(([key, child]) => entry(key, encode(child))));
    const { metadata } = startOf(field(5, struct(source)));
    expect(JSON.stringify(metadata)).to.equal('{"a":{"b":1}}');
    expect(Object.getPrototypeOf(metadata?.['a'])).to.equal(Object.prototype);
    expect('polluted' in {}).to.equal(false);
  });

  const refused: [what: string, message: Uint8Array, description: string, field?: string][] = [
    [
      'bytes that are not a message',
      bytes('\xff\xff\xff\xff\xff\xff'),
      'is not a valid protocol buffer message',
    ],
    ['a message that ends early', bytes(0x0a, 0x24, 'abc'), 'is not a valid protocol buffer message'],
    ['a zero tag', bytes(0x00, 0x0a, 0x00), 'is not a valid protocol buffer message'],
    [
      'the end of a group that never began',
      bytes(0x0c, 0x0a, 0x00),
      'is not a valid protocol buffer message',
    ],
    ['groups that never end', Buffer.alloc(4 << 20, 0x7b), 'is not a valid protocol buffer message'],
    ['invalid UTF-8', bytes(0x0a, 0x02, '\xc3\x28'), 'holds text that is not UTF-8'],
    ['a surrogate in UTF-8', bytes(0x0a, 0x03, '\xed\xa0\x80'), 'holds text that is not UTF-8'],
    [
      'JSON of depth 60',
      withVariables(60),
      'is nested too deeply: JSON may have a depth of 24',
      'dynamic_variables',
    ],
    [
      'JSON of depth 1,000',
      withVariables(1000),
      'is nested too deeply: JSON may have a depth of 24',
      'dynamic_variables',
    ],
    [
      'a zero byte inside of a message',
      bytes(0x22, 0x04, 0x00, 0x0a, 0x01, 'a'),
      'is not a valid protocol buffer message',
      'dynamic_variables',
    ],
    [
      'a tag with the number 0 in two bytes',
      bytes(0x22, 0x02, 0x80, 0x00),
      'is not a valid protocol buffer message',
      'dynamic_variables',
    ],
    [
      'a group that ends inside of a message',
      bytes(0x22, 0x02, 0x0b, 0x0c),
      'is not a valid protocol buffer message',
      'dynamic_variables',
    ],
    [
      'a length that leads beyond its message',
      bytes(0x22, 0x02, 0x0a, 0x03, 0x0a, 0x01, 'a'),
      'is not a valid protocol buffer message',
      'dynamic_variables',
    ],
    ['a message that comes twice', bytes(0x22, 0x00, 0x22, 0x00), 'has dynamic_variables twice'],
  ];
  for (const [what, message, description, field = ''] of refused) {
    it(`refuses ${what}`, () => {
      const { reason, details } = refusalOf(() => startOf(message));
      expect(reason).to.equal('VALIDATION_FAILED');
      expect(details.violations).to.deep.equal([{ field, description }]);
    });
  }

  for (const [maxBytes, name] of [
    [4096, '4 KiB'],
    [1 << 20, '1 MiB'],
    [4 << 20, '4 MiB'],
  ] as const) {
    it(`may have ${name}, and is refused with one byte more`, () => {
      const text = 'x'.repeat(maxBytes - 10);
      const whole = OnCallStartRequest.encode(OnCallStartRequest.fromPartial({ callerPhone: text })).finish();
      const fit = 'x'.repeat(maxBytes - (whole.length - text.length));
      const encode = (callerPhone: string) =>
        OnCallStartRequest.encode(OnCallStartRequest.fromPartial({ callerPhone })).finish();
      measureRequest(encode(fit), maxBytes, START);
      const { reason, message, details } = refusalOf(() =>
        measureRequest(encode(`${fit}x`), maxBytes, START),
      );
      expect([reason, message]).to.deep.equal(['VALIDATION_FAILED', `the request is larger than ${name}`]);
      expect(details.violations).to.deep.equal([{ field: '', description: `is larger than ${name}` }]);
    });
  }

  it('decodes or refuses random bytes and damaged messages', () => {
    const CREATE = shapeOf('AgentAdmin/CreateAgent');
    const decode = AgentAdminService.createAgent.requestDeserialize;
    const valid = CreateAgentRequest.encode(
      CreateAgentRequest.fromPartial({
        agent: {
          displayName: 'x',
          dynamicVariables: { a: [1, { b: null }] },
          webhooks: [{ disabled: true }],
        },
        secrets: { KEY: 'v' },
      }),
    ).finish();
    const damaged = fc.tuple(fc.nat(valid.length - 1), fc.nat(255)).map(([at, byte]) => {
      const copy = Buffer.from(valid);
      copy[at] = byte;
      return copy;
    });
    const check = (message: Uint8Array): void => {
      try {
        measureRequest(message, MAX_BYTES, CREATE);
      } catch (error) {
        expect(error).to.be.instanceOf(CallhooksError);
        return;
      }
      try {
        decodeRequest(decode, message);
      } catch (error) {
        expect((error as Error).message).to.equal('the request holds text that is not UTF-8');
      }
    };
    fc.assert(fc.property(fc.oneof(fc.uint8Array({ maxLength: 200 }), damaged), check), { numRuns: 2000 });
  });
});

const [READ, WRITE, CALL] = [4 * 1024, 1024 * 1024, 4 * 1024 * 1024];

describe('limitsOf', () => {
  const rows: Readonly<Record<string, readonly [maxRequestBytes: number, isLimited: boolean]>> = {
    'AgentAdmin/CreateAgent': [WRITE, true],
    'AgentAdmin/GetAgent': [READ, true],
    'AgentAdmin/ListAgents': [READ, true],
    'AgentAdmin/UpdateAgent': [WRITE, true],
    'AgentAdmin/DeleteAgent': [WRITE, true],
    'WebhookAdmin/CreateWebhook': [WRITE, true],
    'WebhookAdmin/GetWebhook': [READ, true],
    'WebhookAdmin/ListWebhooks': [READ, true],
    'WebhookAdmin/UpdateWebhook': [WRITE, true],
    'WebhookAdmin/DeleteWebhook': [WRITE, true],
    'WebhookAdmin/TestWebhook': [CALL, false],
    'CallLifecycle/OnCallStart': [CALL, false],
    'CallLifecycle/OnCallEnd': [CALL, false],
    'ExecutionLog/GetExecution': [READ, false],
    'ExecutionLog/ListExecutions': [READ, true],
    'ExecutionLog/WatchExecutions': [READ, false],
  };
  for (const [name, [maxRequestBytes, isLimited]] of Object.entries(rows)) {
    it(`returns the limits of ${name}`, () => {
      expect(limitsOf(`/callhooks.v1.${name}`)).to.deep.equal({
        maxRequestBytes,
        isLimited,
        reservesItself: name.startsWith('CallLifecycle/') || name.endsWith('/TestWebhook'),
        isRead: maxRequestBytes === READ,
      });
    });
  }

  it('has a row here for every method of the API', () => {
    const { AgentAdminService, WebhookAdminService, CallLifecycleService, ExecutionLogService } = services;
    const all = [AgentAdminService, WebhookAdminService, CallLifecycleService, ExecutionLogService].flatMap(
      (service) =>
        Object.values<{ path: string }>(service).map(({ path }) => path.slice('/callhooks.v1.'.length)),
    );
    expect(new Set(Object.keys(rows))).to.deep.equal(new Set(all));
  });
});
