import { expect } from 'chai';
import { parseProxyUrl } from '../../../../src/http/egress/proxy-url.ts';
import { parseIp } from '../../../../src/http/egress/ip-address.ts';

const basic = (pair: string) => `Basic ${Buffer.from(pair).toString('base64')}`;

describe('parseProxyUrl', () => {
  const read: readonly (readonly [text: string, server: object])[] = [
    ['http://proxy.corp.example:3128', { protocol: 'http:', host: 'proxy.corp.example', port: 3128 }],
    ['HTTP://Proxy.Corp.Example.:3128/', { protocol: 'http:', host: 'proxy.corp.example', port: 3128 }],
    ['http://proxy:80', { protocol: 'http:', host: 'proxy', port: 80 }],
    ['https://proxy:443', { protocol: 'https:', host: 'proxy', port: 443 }],
    ['https://proxy:80', { protocol: 'https:', host: 'proxy', port: 80 }],
    [
      'http://10.0.0.1:8080',
      { protocol: 'http:', host: '10.0.0.1', literal: parseIp('10.0.0.1'), port: 8080 },
    ],
    [
      'http://[fd12::1]:8080',
      { protocol: 'http:', host: 'fd12::1', literal: parseIp('fd12::1'), port: 8080 },
    ],
    [
      'http://user:pass@proxy:1',
      { protocol: 'http:', host: 'proxy', port: 1, authorization: basic('user:pass') },
    ],
    ['http://user@proxy:1', { protocol: 'http:', host: 'proxy', port: 1, authorization: basic('user:') }],
    ['http://:pass@proxy:1', { protocol: 'http:', host: 'proxy', port: 1, authorization: basic(':pass') }],
    [
      'http://us%40er:p%3A%2F%C3%A4@proxy:1',
      { protocol: 'http:', host: 'proxy', port: 1, authorization: basic('us@er:p:/ä') },
    ],
  ];
  for (const [text, server] of read) {
    it(`reads ${text}`, () => {
      expect(parseProxyUrl(text)).to.deep.equal(server);
    });
  }

  const refused: readonly (readonly [text: string, problem: RegExp])[] = [
    ['', /^must be http:\/\/host:port or https:\/\/host:port, with user:password@/],
    ['proxy', /^must be http/],
    ['proxy:3128', /^must be http/],
    ['ftp://hunter2@proxy:21', /^must be http/],
    ['socks5://proxy:1080', /^must be http/],
    ['http://proxy:99999', /^must be http/],
    ['http://', /^must be http/],
    ['http://proxy', /^has no port: it must be http/],
    ['http://user:80@proxy', /^has no port: /],
    ['http://proxy:0', /^has port 0: /],
    ['http://proxy:1/path', /^has a path: /],
    ['http://proxy:1?', /^has a query: /],
    ['http://proxy:1#', /^has a fragment: /],
    ['http://proxy/x?hunter2=1#a', /^has a path, and has a query, and has a fragment, and has no port: /],
    ['http://a..b:1', /^has a host with an empty label: /],
    ['http://user:hun ter2@proxy:1', /^has white space or a backslash/],
    ['http://user:hunter2\\@proxy:1', /./],
    ['http://user:hunter2%@proxy:1', /^has a % in its user or password that is not percent-encoded as %25: /],
    ['http://us%3Aer:hunter2@proxy:1', /^has a user with a colon, which Basic can not carry: /],
    ['http://user:hunter2%0D%0A@proxy:1', /^has a control character in its user or password: /],
  ];
  for (const [text, problem] of refused) {
    it(`refuses ${JSON.stringify(text)} without showing it`, () => {
      expect(() => parseProxyUrl(text))
        .to.throw(RangeError, problem)
        .with.property('message')
        .that.does.not.match(/hun|proxy:/);
    });
  }
});
