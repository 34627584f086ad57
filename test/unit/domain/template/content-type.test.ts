import { expect } from 'chai';
import { classifyContentType } from '../../../../src/domain/template/content-type.ts';

describe('classifyContentType', () => {
  const kinds: [value: string, kind: string][] = [
    ['application/json', 'json'],
    ['Application/JSON; charset=utf-8', 'json'],
    ['text/json', 'json'],
    ['application/problem+json', 'json'],
    ['application/vnd.api+json;v="1"; Charset="UTF-8"', 'json'],
    ['application/x-ndjson', 'json'],
    ['application/ndjson; charset=utf-8', 'json'],
    ['application/x-json', 'json'],
    ['text/x-json', 'json'],
    ['application/jsonl', 'json'],
    ['application/json-seq', 'json'],
    ['application/geo+json-seq', 'json'],
    ['application/x-www-form-urlencoded', 'form'],
    ['text/html', 'xml'],
    ['TEXT/HTML; charset=utf-8', 'xml'],
    ['application/xhtml+xml', 'xml'],
    ['application/xml', 'xml'],
    ['text/xml; charset=utf8', 'xml'],
    ['image/svg+xml', 'xml'],
    ['application/soap+xml; action=x', 'xml'],
    ['text/plain', 'text'],
    ['text/csv;charset=UTF-8', 'text'],
    ['application/jsonp', 'text'],
    ['application/json5', 'text'],
    ['application/xml-dtd', 'text'],
  ];
  for (const [value, kind] of kinds) {
    it(`returns ${kind} for ${value}`, () =>
      expect(classifyContentType(value)).to.deep.equal({ ok: true, kind }));
  }

  const refused: [value: string, reason: RegExp][] = [
    ['', /media type/],
    ['json', /media type/],
    ['application/', /media type/],
    ['a b/c', /media type/],
    ['application/json, text/plain', /media type/],
    ['multipart/form-data; boundary=x', /multipart/],
    ['Multipart/Mixed', /multipart/],
    ['text/plain; charset=iso-8859-1', /UTF-8/],
    ['application/json ; charset = "utf-16"', /UTF-8/],
    ['text/plain; charset=', /UTF-8/],
    ['text/plain; charset=utf-8; charset=latin1', /UTF-8/],
  ];
  for (const [value, reason] of refused) {
    it(`refuses ${JSON.stringify(value)}`, () => {
      const classified = classifyContentType(value);
      expect(!classified.ok && classified.error).to.match(reason);
    });
  }
});
