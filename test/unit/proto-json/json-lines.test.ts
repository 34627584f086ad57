import { expect } from 'chai';
import { linesOfJson } from '../../../src/proto-json/json-lines.ts';

const TEXT = `{ "apiSchema": {
    "url": "https://{a}",
    "request_headers": {
      "X-Plan": "gold"
    },
    "request_body": { "odd key": [
      1, { "d":
        "x" } ] }
  },
  "assignments": [
    { "attribute_name": "a" },
    { "attribute_name": "b",
      "dynamic_variable": "c" }
  ]
}`;

describe('linesOfJson', () => {
  const rows: [title: string, field: string, line: number | undefined][] = [
    ['a field', 'api_schema.url', 2],
    ['a field that the file spells in camel case', 'api_schema', 1],
    ['an entry of a map', 'api_schema.request_headers[X-Plan]', 4],
    ['a key with a blank', 'api_schema.request_body["odd key"]', 6],
    ['an item of a list in it', 'api_schema.request_body["odd key"][1].d', 7],
    ['an item of a list', 'assignments[1]', 12],
    ['a field of an item', 'assignments[1].dynamic_variable', 13],
    ['the thing around a field that is missing', 'assignments[0].dynamic_variable', 11],
    ['nothing for a field of which nothing is there', 'rejection.equals', undefined],
    ['nothing for the whole', '', undefined],
  ];
  const lineOf = linesOfJson(TEXT);
  for (const [title, field, line] of rows) {
    it(`returns the line of ${title}`, () => {
      expect(lineOf(field)).to.equal(line);
    });
  }

  it('reads the same lines with line ends of Windows', () => {
    expect(linesOfJson(TEXT.replaceAll('\n', '\r\n'))('assignments[1]')).to.equal(12);
  });

  it('reads a long key once, however many values lie below it', () => {
    const items = Array.from({ length: 20_000 }, () => '[1]');
    const text = `{ "${'k'.repeat(60_000)}": [\n${items.join(',')}] }`;
    expect(linesOfJson(text)(`["${'k'.repeat(60_000)}"][19999][0]`)).to.equal(2);
  });
});
