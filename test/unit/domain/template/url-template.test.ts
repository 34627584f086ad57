import { expect } from 'chai';
import { originOfTemplate, parseUrlTemplate } from '../../../../src/domain/template/url-template.ts';

describe('originOfTemplate', () => {
  const rows: [title: string, text: string, origin: string | undefined][] = [
    ['the origin of a URL with placeholders', 'https://a.example/{{x}}?y={{z.0}}', 'https://a.example'],
    ['no default port', 'https://a.example:443/', 'https://a.example'],
    ['another port', 'http://a.example:8080/{{x}}', 'http://a.example:8080'],
    ['the origin as the WHATWG parser writes it', 'HTTPS://Bücher.example/', 'https://xn--bcher-kva.example'],
    ['undefined for a placeholder in the host', 'https://{{x}}.example/', undefined],
    ['undefined for a backslash', 'https:\\\\a.example/', undefined],
    ['undefined for a user', 'https://u@a.example/', undefined],
    ['undefined for a broken template', 'https://a.example/{{', undefined],
    ['undefined for an empty text', '', undefined],
  ];
  for (const [title, text, origin] of rows) {
    it(`returns ${title}`, () => {
      expect(originOfTemplate(text)).to.equal(origin);
    });
  }
});

describe('parseUrlTemplate', () => {
  const refused: [url: string, reason: RegExp][] = [
    ['', /absolute/],
    ['/x', /absolute/],
    ['ftp://a.example/', /http/],
    ['https://', /http/],
    ['https://a.example/x#', /fragment/],
    ['https://a.example/{{a}}#{{b}}', /fragment/],
    ['https://{{a}}/', /path and the query/],
    ['https://a.example{{a}}', /path and the query/],
    ['https://a.example:{{a}}/', /path and the query/],
    ['https://{{a}}@a.example/', /path and the query/],
    ['{{a}}', /path and the query/],
    ['https:{{a}}/x', /path and the query/],
    ['https:/{{a}}/x', /path and the query/],
    ['https:///{{a}}/x', /path and the query/],
    ['https://u:p@a.example/', /Authorization/],
    ['https://a.example\\@b.example/', /backslash/],
    ['https://a.example/{{a}}/../x', /"\.\."/],
    ['https://a.example/\\{{a}}', /backslash.*%7B%7B/],
  ];
  for (const [url, reason] of refused) {
    it(`refuses ${JSON.stringify(url)}`, () => {
      const parsed = parseUrlTemplate(url);
      expect(!parsed.ok && parsed.error).to.match(reason);
    });
  }

  it('accepts a URL that holds texts like its own stand-ins', () => {
    const parsed = parseUrlTemplate('https://ph0z.example/ph0z/{{a}}phx1z?PH={{b}}');
    expect(parsed.ok && parsed.url.origin).to.equal('https://ph0z.example');
  });
});
