import { readFileSync } from 'node:fs';
import { expect } from 'chai';
import fc from 'fast-check';
import type { WebhookConfig } from '../../src/domain/agent.ts';
import { assign } from '../../src/domain/assignments.ts';
import { jsonBytes, jsonDepth, type JsonValue } from '../../src/domain/json.ts';
import { MAX_RESPONSE_DEPTH, MAX_VARIABLE_BYTES } from '../../src/domain/limits.ts';
import { createMasker } from '../../src/domain/redaction/redact.ts';
import { toResponseRecord } from '../../src/domain/redaction/redacted-record.ts';
import { readResponse } from '../../src/domain/response-json.ts';
import { compileRequest } from '../../src/domain/template/compile-request.ts';
import { createPlaceholderValues } from '../../src/domain/template/render-template.ts';
import { renderRequest, type Rendering } from '../../src/domain/template/render-request.ts';
import { parseTemplate } from '../../src/domain/template/template.ts';
import { parseUrlTemplate } from '../../src/domain/template/url-template.ts';
import { goodJson } from '../support/arbitrary-json.ts';

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
      const result = assign(rules, body as JsonValue, {});
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
      const read = readResponse({ status: 200, headers: [], body });
      if (read.ok && read.value !== undefined)
        expect(jsonDepth(read.value)).to.be.at.most(MAX_RESPONSE_DEPTH);
      const bytes = Buffer.concat([body, Buffer.from(SECRET)]);
      const response = { status: 200, headers, body: bytes, bodyBytes: bytes.length, truncated: false };
      const record = toResponseRecord(response, mask, recordBytes);
      expect(JSON.stringify([record.headers, record.body])).not.to.contain('MARKsecret-1');
      expect(Buffer.byteLength(record.body)).to.be.at.most(recordBytes);
    }) as fc.IProperty<unknown[]>,
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
