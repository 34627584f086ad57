import { readFileSync } from 'node:fs';
import { expect } from 'chai';
import { assign, type Assigned } from '../../../../src/domain/assignments/assign.ts';
import { compileAssignments } from '../../../../src/domain/assignments/compile-assignments.ts';
import { readResponse } from '../../../../src/domain/response/response-json.ts';
import type { Assignment } from '../../../../src/domain/agent.ts';
import type { JsonObject, JsonValue } from '../../../../src/domain/json.ts';

interface Text {
  char: string;
  bytes: number;
}
interface RuleOptions {
  required?: boolean;
  default_value?: JsonValue;
  assign_null?: boolean;
  skip_empty?: boolean;
}
interface Case {
  name: string;
  status: number;
  headers?: Record<string, string>;
  variables?: { repeat: { count: number; bytes: number } };
  body:
    | string
    | { repeat: Text & { key: string } }
    | { object: Record<string, JsonValue | Text> }
    | { hex: string };
  /** Lists the declared variables, for a rule of `*`. */
  declare?: string[];
  assignments: [string, string, RuleOptions?][];
  expect: {
    state: 'SUCCEEDED' | 'FAILED';
    assigned?: JsonObject;
    missed?: string[];
    reasons?: string[];
    failure?: string;
    from_default?: string[];
  };
}

const casesOf = (file: string): Case[] =>
  JSON.parse(readFileSync(new URL(`../../../vectors/${file}`, import.meta.url), 'utf8')).cases;

const textOf = ({ char, bytes }: Text): string => char.repeat(bytes / Buffer.byteLength(char));

const isText = (value: JsonValue | Text): value is Text =>
  typeof value === 'object' && value !== null && 'char' in value && 'bytes' in value;

const bodyOf = ({ body }: Case): Uint8Array => {
  if (typeof body === 'string') return Buffer.from(body);
  if ('hex' in body) return Buffer.from(body.hex, 'hex');
  if ('repeat' in body) return Buffer.from(JSON.stringify({ [body.repeat.key]: textOf(body.repeat) }));
  const members = Object.entries(body.object).map(([key, value]) => [
    key,
    isText(value) ? textOf(value) : value,
  ]);
  return Buffer.from(JSON.stringify(Object.fromEntries(members)));
};

const variablesOf = ({ variables }: Case): JsonObject => {
  const { count = 0, bytes = 0 } = variables?.repeat ?? {};
  return Object.fromEntries(Array.from({ length: count }, (_, i) => [`v${i}`, 'x'.repeat(bytes)]));
};

const rulesOf = ({ assignments }: Case): Assignment[] =>
  assignments.map(([attributeName, dynamicVariable, more = {}]) => ({
    attributeName,
    dynamicVariable,
    required: more.required ?? false,
    ...('default_value' in more ? { defaultValue: more.default_value } : {}),
    assignNull: more.assign_null ?? false,
    skipEmpty: more.skip_empty ?? false,
  }));

const assignBy = (
  rules: Assignment[],
  body: JsonValue | undefined,
  variables: JsonObject = {},
  declared: string[] = [],
): Assigned => assign(compileAssignments(rules, declared), body, variables);

/** Handles status and body as an execution does, in short. The rest of it is tested over real sockets. */
const run = (vector: Case) => {
  const { status, headers = {} } = vector;
  const failed = (code: string) => ({ failure: code, assigned: {}, sources: {}, missed: [] });
  if (status >= 300 && status < 400) return failed('REDIRECT');
  if (status >= 400) return failed('HTTP_STATUS');
  const rules = rulesOf(vector);
  if (rules.length === 0) return { assigned: {}, sources: {}, missed: [] };
  const list = Object.entries(headers).map(([name, value]) => ({ name, value }));
  const read = readResponse({ status, headers: list, body: bodyOf(vector) }, (text) => text);
  if (!read.ok) return failed('INVALID_RESPONSE');
  const result = assignBy(rules, read.value, variablesOf(vector), vector.declare);
  return result.ok
    ? result
    : { failure: result.failure.code, assigned: {}, sources: {}, missed: result.missed };
};

const check = (vector: Case): void => {
  const { expect: expected } = vector;
  const result = run(vector);
  const failure = 'failure' in result ? `FAILURE_CODE_${result.failure}` : undefined;
  expect(failure === undefined ? 'SUCCEEDED' : 'FAILED', failure).to.equal(expected.state);
  expect(failure).to.equal(expected.failure);
  if (expected.assigned) expect(result.assigned).to.deep.equal(expected.assigned);
  if (expected.missed) expect(result.missed.map((it) => it.attributeName)).to.deep.equal(expected.missed);
  if (expected.reasons) {
    expect(result.missed.map(({ reason }) => `MISS_REASON_${reason.toUpperCase()}`)).to.deep.equal(
      expected.reasons,
    );
  }
  const defaults = new Set(expected.from_default);
  const sourceOf = (name: string) => [name, defaults.has(name) ? 'assignment_default' : 'assignment'];
  if (expected.from_default) {
    expect(result.sources).to.deep.equal(Object.fromEntries(Object.keys(result.assigned).map(sourceOf)));
  }
};

for (const file of ['assignments.json', 'assignments-more.json']) {
  describe(`assign, by ${file}`, () => {
    for (const vector of casesOf(file)) it(vector.name, () => check(vector));
  });
}

describe('assign', () => {
  it('names a missing required attribute and the reason, without its value', () => {
    const rule = { attributeName: 'customer.id', dynamicVariable: 'id', required: true };
    const messageFor = (body: JsonValue | undefined): string | undefined => {
      const result = assignBy([rule], body);
      return result.ok ? undefined : result.failure.message;
    };
    expect(messageFor({})).to.equal('the required attribute "customer.id" is not in the response');
    expect(messageFor(undefined)).to.equal(
      'the response is empty, and has no required attribute "customer.id"',
    );
    expect(messageFor({ customer: { id: 'hunter2'.repeat(4000) } })).to.equal(
      'the required attribute "customer.id" is too large for a dynamic variable',
    );
  });

  it('measures a large value once when many rules find it', () => {
    let reads = 0;
    const large = Object.defineProperty({}, 'text', {
      enumerable: true,
      get: () => {
        reads += 1;
        return 'x'.repeat(20_000);
      },
    });
    const rules = Array.from({ length: 64 }, (_, i) => ({
      attributeName: 'large',
      dynamicVariable: `v${i}`,
      required: false,
    }));
    const result = assignBy(rules, { large: large as JsonObject });
    expect(result.missed.map(({ reason }) => reason)).to.deep.equal(rules.map(() => 'too_large'));
    // The first rule reads it for its bound, once more before it is measured, and to measure it.
    expect(reads).to.equal(3);
  });

  it('asks an object for the declared names only, however many members it has', () => {
    const vars = new Proxy<JsonObject>(
      { a: 1, b: 2 },
      {
        ownKeys: () => {
          throw new Error('the members were listed');
        },
      },
    );
    const rule = { attributeName: 'vars', dynamicVariable: '*', required: true };
    const result = assignBy([rule], { vars }, {}, ['a', 'c']);
    expect(result).to.deep.include({ ok: true, assigned: { a: 1 }, missed: [] });
  });

  it('sets sent to yes when a required attribute is missing', () => {
    const result = assignBy([{ attributeName: 'a', dynamicVariable: 'a', required: true }], undefined);
    expect(result.ok ? undefined : result.failure.sent).to.equal('yes');
  });

  it('does not change the variables that it is given', () => {
    const variables = Object.freeze({ a: 1 });
    expect(
      assignBy([{ attributeName: 'a', dynamicVariable: 'a', required: false }], { a: 2 }, variables).ok,
    ).to.equal(true);
    expect(variables).to.deep.equal({ a: 1 });
  });
});
