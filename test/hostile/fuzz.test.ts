import { readFileSync } from 'node:fs';
import { create, createFileRegistry, fromBinary, toBinary, type DescMessage } from '@bufbuild/protobuf';
import { FileDescriptorProtoSchema, FileDescriptorSetSchema } from '@bufbuild/protobuf/wkt';
import { expect } from 'chai';
import fc from 'fast-check';
import type { WebhookConfig } from '../../src/domain/agent.ts';
import { assign } from '../../src/domain/assignments/assign.ts';
import { compileAssignments } from '../../src/domain/assignments/compile-assignments.ts';
import { jsonBytes, jsonDepth, type JsonValue } from '../../src/domain/json.ts';
import { MAX_RESPONSE_DEPTH, MAX_VARIABLE_BYTES } from '../../src/domain/limits.ts';
import { createMasker } from '../../src/domain/redaction/redact.ts';
import { toResponseRecord } from '../../src/domain/redaction/redacted-record.ts';
import { readResponse } from '../../src/domain/response/response-json.ts';
import { compileRequest } from '../../src/domain/template/compile-request.ts';
import { createPlaceholderValues } from '../../src/domain/template/render-template.ts';
import { renderRequest, type Rendering } from '../../src/domain/template/render-request.ts';
import { parseTemplate } from '../../src/domain/template/template.ts';
import { parseUrlTemplate } from '../../src/domain/template/url-template.ts';
import { CallhooksError } from '../../src/errors.ts';
import { FILE_DESCRIPTORS } from '../../src/gen/descriptors.ts';
import * as pb from '../../src/gen/index.callhooks.v1.ts';
import { decodeRequest, MAX_REQUEST_BYTES, measureRequest } from '../../src/grpc/decode-request.ts';
import { readRequestShapes, type MessageShape } from '../../src/grpc/limits/message-shape.ts';
import { goodJson } from '../support/arbitrary-json.ts';
import { anyDamage } from '../support/arbitrary-wire.ts';

/** The part of a generated method definition that is used here, whatever its messages are. */
interface AnyMethod {
  readonly path: string;
  readonly requestSerialize: (request: unknown) => Buffer;
  readonly requestDeserialize: (bytes: Buffer) => unknown;
}

/** A crash that was found once, which every run tries first. A failing run prints its seed and its path. */
interface KnownCrash {
  readonly property: string;
  readonly seed: number;
  readonly path: string;
}

const CRASHES = JSON.parse(
  readFileSync(new URL('fuzz-seeds.json', import.meta.url), 'utf8'),
) as readonly KnownCrash[];
// The time of all properties together.
const TOTAL_MS = Number(process.env['FUZZ_SECS'] ?? 60) * 1_000;

function piecesOf(...pieces: string[]): fc.Arbitrary<string> {
  const piece = fc.oneof(
    { weight: 4, arbitrary: fc.constantFrom(...pieces) },
    { weight: 1, arbitrary: fc.string({ unit: 'binary', maxLength: 6 }) },
  );
  return fc.array(piece, { maxLength: 24 }).map((all) => all.join(''));
}

const templateText = piecesOf(
  '{{',
  '}}',
  '{',
  '}',
  '\\',
  'v',
  '.',
  '0',
  'metadata',
  'secret.S',
  ' ',
  '\t',
  '-',
  '"',
);
const urlText = piecesOf(
  ...['http://', 'https:', '//', '/', '\\', '@', ':', '?', '#', '&', '=', '%2e', '%', '.', '..', 'a.example'],
  ...['{{v}}', '{{metadata.x}}', '[::1]', '127.1', ':80', '\t', '\n', 'ph0z', 'ｈ'],
);
const responseText = piecesOf(
  ...['{', '}', '[', ']', ',', ':', '"', '\\u', '\\', 'null', '1e999', '-0', '12345678901234567890', 'true'],
  ...['"a":', '\uFEFF', '__proto__', '%4d', '&#77;', 'MARKsecret', '\u0000', '"a"'],
);
const attributeName = piecesOf('a', '.', '0', '-1', '__proto__', 'length', '$', '[', ']', "'");

const SECRET = 'MARKsecret-1 "é';
const mask = createMasker([SECRET], [`Bearer ${SECRET}x`]);

const shapes = readRequestShapes();
const methods = [
  pb.AgentAdminService,
  pb.WebhookAdminService,
  pb.CallLifecycleService,
  pb.ExecutionLogService,
].flatMap((service) => Object.values(service) as readonly AnyMethod[]);
// A second decoder, which follows the descriptors and shares no code with the generated one.
const registry = createFileRegistry(
  create(FileDescriptorSetSchema, {
    file: Object.values(FILE_DESCRIPTORS).map((base64) =>
      fromBinary(FileDescriptorProtoSchema, Buffer.from(base64, 'base64')),
    ),
  }),
);

function requestType(path: string): DescMessage {
  const [, service = '', method = ''] = path.split('/');
  const found = registry.getService(service)?.methods.find(({ name }) => name === method);
  if (found === undefined) throw new Error(`there is no descriptor of ${path}`);
  return found.input;
}

// These messages have something of everything: maps, lists, JSON values, optional fields, nested messages.
const details = { metadata: { a: [1, 'é', null, { b: true }] }, dynamicVariables: { x: 1.5, y: { z: [] } } };
const webhookConfig = {
  apiSchema: { url: 'http://h/', method: 'POST', requestHeaders: { a: '1' }, requestBody: { a: ['x'] } },
  assignments: [{ attributeName: 'a', dynamicVariable: 'b', defaultValue: { c: 1 } }],
  responseTimeoutSecs: 2.5,
  signingSecretNames: ['s', 't'],
};
const webhook = { webhookUuid: 'w', webhookConfig, etag: 'e', createdAt: new Date(1) };
const content = {
  ...{ agentUuid: 'a', conversationUuid: 'c', webhookType: 1, webhookConfig, webhook, etag: 'e', send: true },
  ...{
    agent: { agentUuid: 'a', webhooks: [webhook], ...details },
    secrets: { K: 'v' },
    removeSecrets: ['L'],
  },
  ...{
    updateMask: ['webhook_config', 'disabled'],
    pageSize: 3,
    pageToken: 't',
    states: [1, 2],
    degraded: false,
  },
  ...{ acceptedAtFrom: new Date(2), callDuration: { seconds: 3n, nanos: 4 }, ...details },
};

/** Returns the request message of a method with as much of the content as it has fields for. */
function wholeRequest({ path, requestSerialize }: AnyMethod): Buffer {
  const name = `${path.slice(path.lastIndexOf('/') + 1)}Request` as keyof typeof pb;
  const { fromPartial } = pb[name] as unknown as { fromPartial(object: unknown): unknown };
  return requestSerialize(fromPartial(content));
}

/** Expects that a message is refused for a reason, or that another decoder reads from it what callhooks reads. */
function expectOneReading({ path, requestDeserialize: decode }: AnyMethod, bytes: Buffer): void {
  let read: unknown;
  try {
    measureRequest(bytes, MAX_REQUEST_BYTES, shapes.get(path) as MessageShape);
    read = decodeRequest(decode, bytes);
  } catch (error) {
    expect(error).to.be.instanceOf(CallhooksError);
    return;
  }
  const type = requestType(path);
  const others = toBinary(type, fromBinary(type, bytes, { readUnknownFields: false }));
  // The generated code keeps times to the millisecond, so what the other decoder has read goes through it too. Objects are
  // compared and not bytes, because a time beyond the years of a Date, which the service refuses later, can't be written.
  expect(decode(Buffer.from(others)), `${path} ${bytes.toString('hex')}`).to.deep.equal(read);
}

const properties: readonly (readonly [name: string, property: fc.IProperty<unknown[]>])[] = [
  [
    'templates',
    fc.property(templateText, goodJson, (text, v) => {
      const parsed = parseTemplate(text, { escapes: true });
      if (!parsed.ok) return;
      const result = render({ requestBody: { 'a key': text, b: [text, 1] } }, v);
      if (result.ok) expect(Object.keys(JSON.parse(result.request.body ?? '') as object)).to.have.length(2);
      else expect(result.failure.code).to.equal('RENDER');
    }) as fc.IProperty<unknown[]>,
  ],
  [
    'URLs',
    fc.property(urlText, goodJson, (text, v) => {
      const parsed = parseUrlTemplate(text);
      if (!parsed.ok) return;
      const result = render({ url: text }, v);
      if (!result.ok) return;
      const sent = new URL(result.request.url);
      expect(sent.origin).to.equal(parsed.url.origin);
      expect([sent.username, sent.password, sent.hash]).to.deep.equal(['', '', '']);
    }) as fc.IProperty<unknown[]>,
  ],
  [
    'paths',
    fc.property(fc.array(attributeName, { maxLength: 8 }), goodJson, (names, body) => {
      const rules = names.map((name, i) => ({
        attributeName: name,
        dynamicVariable: `v${i}`,
        required: false,
      }));
      const result = assign(compileAssignments(rules, []), body as JsonValue, {});
      expect(result.ok).to.equal(true);
      if (!result.ok) return;
      for (const value of Object.values(result.assigned))
        expect(jsonBytes(value)).to.be.at.most(MAX_VARIABLE_BYTES);
      expect(Object.keys(result.assigned).length + result.missed.length).to.equal(names.length);
    }) as fc.IProperty<unknown[]>,
  ],
  [
    'responses',
    fc.property(fc.oneof(responseText, fc.uint8Array()), fc.nat(64), (content, recordBytes) => {
      const body = typeof content === 'string' ? Buffer.from(content) : content;
      const text = Buffer.from(body).toString('latin1');
      const headers = [{ name: text, value: `${text}${SECRET}` }];
      const read = readResponse({ status: 200, headers: [], body }, mask);
      if (read.ok && read.value !== undefined)
        expect(jsonDepth(read.value)).to.be.at.most(MAX_RESPONSE_DEPTH);
      const bytes = Buffer.concat([body, Buffer.from(SECRET)]);
      const response = { status: 200, headers, body: bytes, bodyBytes: bytes.length, truncated: false };
      const record = toResponseRecord(response, mask, recordBytes);
      expect(JSON.stringify([record.headers, record.body])).not.to.contain('MARKsecret-1');
      expect(Buffer.byteLength(record.body)).to.be.at.most(recordBytes);
    }) as fc.IProperty<unknown[]>,
  ],
  [
    'protocol buffers',
    fc.property(
      fc.constantFrom(...methods),
      fc.array(anyDamage, { maxLength: 4 }),
      fc.oneof(fc.constant(undefined), fc.uint8Array({ maxLength: 64 })),
      (method, damages, noise) => {
        const message: Buffer = noise === undefined ? wholeRequest(method) : Buffer.from(noise);
        expectOneReading(
          method,
          damages.reduce((damaged, damage) => damage(damaged), message),
        );
      },
    ) as fc.IProperty<unknown[]>,
  ],
];

describe('Any text of a caller, an editor or an endpoint', () => {
  for (const [name, property] of properties) {
    it(`keeps the rules of ${name}, however random the text is`, function () {
      const timeMs = TOTAL_MS / properties.length;
      this.timeout(timeMs + 30_000);
      for (const { seed, path } of CRASHES.filter((crash) => crash.property === name))
        fc.assert(property, { seed, path, endOnFailure: true });
      fc.assert(property, {
        numRuns: 10_000_000,
        interruptAfterTimeLimit: timeMs,
        markInterruptAsFailure: false,
      });
    });
  }
});

function render(apiSchema: Partial<WebhookConfig['apiSchema']>, v: unknown): Rendering {
  const config: WebhookConfig = {
    apiSchema: { url: 'https://a.example/', method: 'POST', requestHeaders: {}, ...apiSchema },
    assignments: [],
    responseTimeoutSecs: 1,
    failurePolicy: 'proceed',
    signingSecretNames: [],
  };
  return renderRequest(
    compileRequest(config),
    createPlaceholderValues({
      webhookType: 'pre_call',
      agentUuid: 'a',
      conversationUuid: 'c',
      details: { callerPhone: '', metadata: { x: v as JsonValue }, dynamicVariables: {} },
      variables: { v: v as JsonValue },
      secrets: { S: SECRET },
    }),
  );
}
