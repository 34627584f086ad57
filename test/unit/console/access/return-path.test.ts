import { expect } from 'chai';
import { loginPath, toReturnPath } from '../../../../src/console/access/return-path.ts';

describe('toReturnPath', () => {
  for (const path of [
    '/console',
    '/console/executions',
    '/console/executions?agent_uuid=a0000000-0000-4000-8000-000000000001&page_token=a-b_c%3D',
    '/console/conversations/c0000000-0000-4000-8000-000000000001',
    '/console/search?q=2026-11-28T12:00:00Z',
  ])
    it(`returns ${path}`, () => expect(toReturnPath(path)).to.equal(path));

  for (const text of [
    ...['', null, undefined, 'console', '/', '/metrics', '/consoles', '//evil.example', '/\\evil.example'],
    ...['https://evil.example/console', 'javascript:alert(1)', '/console//evil.example', '/console/\\evil'],
    ...[
      '/console/../metrics',
      '/console/./x',
      '/console/..%2fmetrics',
      '/console/%2e%2e/metrics',
      '/console/.x',
    ],
    ...['/console\r\nset-cookie: a=b', '/console?a=\r\nb', '/console?a=\u0000', '/console\n', '/console/a b'],
    ...[
      '/console@evil.example',
      '/console#@evil',
      '/console?to=//evil.example',
      '/console/login?to=%2Fconsole',
    ],
    ...['/console/logout', '/console/assets/x.js', `/console?q=${'a'.repeat(2_000)}`, '/console/é'],
  ])
    it(`returns the first page for ${JSON.stringify(text)?.slice(0, 60)}`, () =>
      expect(toReturnPath(text)).to.equal('/console'));
});

describe('loginPath', () => {
  it('keeps a page in the query, and leaves out the first page and what is no page', () => {
    expect(loginPath('/console/agents?page_size=5')).to.equal(
      '/console/login?to=%2Fconsole%2Fagents%3Fpage_size%3D5',
    );
    expect(loginPath('/console')).to.equal('/console/login');
    expect(loginPath('//evil.example')).to.equal('/console/login');
  });
});
