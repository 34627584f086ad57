import { expect } from 'chai';
import { cameOverHttps, isLoopbackHost } from '../../../../src/console/access/hosts.ts';

describe('isLoopbackHost', () => {
  for (const host of [
    'localhost',
    'LocalHost:9464',
    '127.0.0.1',
    '127.0.0.1:80',
    '127.1.2.3:9464',
    '[::1]',
    '[::1]:9464',
  ])
    it(`returns true for ${host}`, () => expect(isLoopbackHost(host)).to.equal(true));

  for (const host of [
    ...[
      undefined,
      '',
      'evil.example',
      'evil.example:9464',
      'localhost.evil.example',
      '127.0.0.1.evil.example',
    ],
    ...[
      '127.evil.example',
      'evil.example#localhost',
      'localhost@evil.example',
      'localhost:9464.evil.example',
    ],
    ...['0.0.0.0', '[::]', '10.0.0.1', '169.254.169.254', 'localhost:', 'localhost:123456', 'xlocalhost'],
    ...[' localhost', 'localhost\n', '[::1', '2130706433'],
  ])
    it(`returns false for ${JSON.stringify(host)}`, () => expect(isLoopbackHost(host)).to.equal(false));
});

describe('cameOverHttps', () => {
  it('returns true when the first proxy says https', () => {
    for (const text of ['https', 'HTTPS', ' https , http', 'https,http'])
      expect(cameOverHttps(text)).to.equal(true);
  });

  it('returns false for everything else', () => {
    for (const text of [undefined, '', 'http', 'http, https', 'httpss', 'wss'])
      expect(cameOverHttps(text)).to.equal(false);
  });
});
