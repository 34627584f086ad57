import { expect } from 'chai';
import type { JsonValue } from '../../../../src/domain/json.ts';
import {
  validateWebhookConfig,
  type WebhookConfigContext,
} from '../../../../src/domain/validation/validate-webhook-config.ts';
import { draftOf, type ConfigJson } from '../../../support/webhook-drafts.ts';

const plain: WebhookConfigContext = {
  webhookType: 'pre_call',
  path: 'webhook_config',
  declaredVariables: new Set(['v']),
  secretNames: new Set(),
};

const fieldsOf = (config: ConfigJson): string[] =>
  validateWebhookConfig(draftOf(config), plain).violations.map(({ field }) => field);

const withSchema = (schema: ConfigJson['api_schema'], more: ConfigJson = {}): ConfigJson => ({
  api_schema: { url: 'https://api.example.com/x', method: 'POST', ...schema },
  ...more,
});

const S = 'webhook_config.api_schema';

describe('validateWebhookConfig, at its limits', () => {
  const url = (bytes: number): string => 'https://api.example.com/'.padEnd(bytes, 'x');
  const names = (count: number): Record<string, string> =>
    Object.fromEntries(Array.from({ length: count }, (_, i) => [`X-${i}`, '']));
  const rules = (count: number): ConfigJson['assignments'] =>
    Array.from({ length: count }, () => ({ attribute_name: 'a', dynamic_variable: 'v' }));
  const nested = (depth: number): JsonValue => (depth === 0 ? 1 : { a: nested(depth - 1) });
  const long = 'n'.repeat(129);

  const rows: [string, ConfigJson, ConfigJson, string][] = [
    ['a URL of 4,096 bytes', withSchema({ url: url(4096) }), withSchema({ url: url(4097) }), `${S}.url`],
    [
      'URL in bytes, not characters',
      withSchema({ url: `${url(4094)}é` }),
      withSchema({ url: `${url(4095)}é` }),
      `${S}.url`,
    ],
    [
      '32 headers',
      withSchema({ request_headers: names(32) }),
      withSchema({ request_headers: names(33) }),
      `${S}.request_headers`,
    ],
    [
      'a header name of 128 bytes',
      withSchema({ request_headers: { [long.slice(1)]: '' } }),
      withSchema({ request_headers: { [long]: '' } }),
      `${S}.request_headers[${'n'.repeat(64)}…]`,
    ],
    [
      'a header template of 4 KiB',
      withSchema({ request_headers: { 'X-A': 'x'.repeat(4096) } }),
      withSchema({ request_headers: { 'X-A': 'x'.repeat(4097) } }),
      `${S}.request_headers[X-A]`,
    ],
    [
      'a text body of 64 KiB',
      withSchema({ request_body: 'x'.repeat(65_536) }),
      withSchema({ request_body: 'x'.repeat(65_537) }),
      `${S}.request_body`,
    ],
    [
      'a JSON body of 64 KiB',
      withSchema({ request_body: ['x'.repeat(65_532)] }),
      withSchema({ request_body: ['x'.repeat(65_533)] }),
      `${S}.request_body`,
    ],
    [
      'a body depth of 24',
      withSchema({ request_body: nested(24) }),
      withSchema({ request_body: nested(25) }),
      `${S}.request_body${'.a'.repeat(24)}`,
    ],
    [
      '64 assignments',
      withSchema({}, { assignments: rules(64) ?? [] }),
      withSchema({}, { assignments: rules(65) ?? [] }),
      'webhook_config.assignments',
    ],
    [
      'an attribute name of 256 bytes',
      withSchema({}, { assignments: [{ attribute_name: 'a'.repeat(256), dynamic_variable: 'v' }] }),
      withSchema({}, { assignments: [{ attribute_name: 'a'.repeat(257), dynamic_variable: 'v' }] }),
      'webhook_config.assignments[0].attribute_name',
    ],
    [
      'a default value of 16 KiB',
      withSchema(
        {},
        { assignments: [{ attribute_name: 'a', dynamic_variable: 'v', default_value: 'x'.repeat(16_382) }] },
      ),
      withSchema(
        {},
        { assignments: [{ attribute_name: 'a', dynamic_variable: 'v', default_value: 'x'.repeat(16_383) }] },
      ),
      'webhook_config.assignments[0].default_value',
    ],
    [
      'a default value of depth 24',
      withSchema(
        {},
        { assignments: [{ attribute_name: 'a', dynamic_variable: 'v', default_value: nested(24) }] },
      ),
      withSchema(
        {},
        { assignments: [{ attribute_name: 'a', dynamic_variable: 'v', default_value: nested(25) }] },
      ),
      `webhook_config.assignments[0].default_value${'.a'.repeat(24)}`,
    ],
  ];
  for (const [title, within, beyond, field] of rows) {
    it(`accepts ${title}, and refuses more`, () => {
      expect(fieldsOf(within)).to.deep.equal([]);
      expect(fieldsOf(beyond)).to.deep.equal([field]);
    });
  }

  const numbers: [string, number][] = [
    ['NaN', NaN],
    ['infinity', Infinity],
  ];
  for (const [title, value] of numbers) {
    it(`refuses ${title} as a time limit and in a body`, () => {
      const config = withSchema({ request_body: { a: [value] } }, { response_timeout_secs: value });
      expect(fieldsOf(config)).to.deep.equal([
        `${S}.request_body.a[0]`,
        'webhook_config.response_timeout_secs',
      ]);
    });
  }
});
