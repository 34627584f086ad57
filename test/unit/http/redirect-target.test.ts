import { expect } from 'chai';
import { locationsOf, redirectTarget } from '../../../src/http/redirect-target.ts';

const FROM = 'https://a.example:8443/hooks/one?x=1';

describe('locationsOf', () => {
  const raw = [
    Buffer.from('Location'),
    Buffer.from('/a'),
    Buffer.from('x'),
    Buffer.from('y'),
    'LOCATION',
    '/b',
  ];
  for (const status of [301, 302, 303]) {
    it(`returns every location of ${status}, in any case`, () => {
      expect(locationsOf(status, raw)).to.deep.equal(['/a', '/b']);
    });
  }
  for (const status of [200, 300, 304, 305, 306, 307, 308, 399, 404]) {
    it(`returns undefined for ${status}`, () => expect(locationsOf(status, raw)).to.equal(undefined));
  }

  it('returns an empty list when there is none', () => expect(locationsOf(302, [])).to.deep.equal([]));

  it('returns the bytes as Latin-1', () => {
    expect(locationsOf(302, ['location', Buffer.from('/é')])).to.deep.equal(['/Ã©']);
  });
});

describe('redirectTarget', () => {
  const targets: [title: string, location: string, url: string][] = [
    ['an absolute URL', 'https://b.example/x?y=1', 'https://b.example/x?y=1'],
    ['an absolute path', '/next', 'https://a.example:8443/next'],
    ['a relative path', 'two?y', 'https://a.example:8443/hooks/two?y'],
    ['a query alone', '?y=2', 'https://a.example:8443/hooks/one?y=2'],
    ['a URL without a scheme', '//b.example/x', 'https://b.example/x'],
    ['dots that leave the path', '../../../x', 'https://a.example:8443/x'],
    ['a fragment, without it', '/next#part', 'https://a.example:8443/next'],
    ['a fragment alone as the same URL', '#part', FROM],
    ['UTF-8 beyond ASCII, percent-encoded', '/cafÃ©', 'https://a.example:8443/caf%C3%A9'],
    ['a name beyond ASCII, in A-labels', 'https://bÃ¼cher.example/', 'https://xn--bcher-kva.example/'],
    ['a blank, percent-encoded', '/a b', 'https://a.example:8443/a%20b'],
    ['a literal address in another spelling', 'https://0x7f.1/', 'https://127.0.0.1/'],
  ];
  for (const [title, location, url] of targets) {
    it(`returns ${title}`, () => {
      const found = redirectTarget([location], FROM);
      expect('url' in found && found.url).to.equal(url);
      expect('target' in found && found.target.origin).to.equal(new URL(url).origin);
    });
  }

  const problems: [title: string, locations: string[], problem: RegExp][] = [
    ['no location', [], /no Location/],
    ['an empty location', [''], /no Location/],
    ['two locations', ['/a', '/b'], /several/],
    ['the same location twice', ['/a', '/a'], /several/],
    ['a text that is no URL', ['https://'], /not a valid URL/],
    ['a port that is none', ['https://b.example:99999/'], /not a valid URL/],
    ['a user', ['https://user@b.example/'], /user name/],
    ['a user and a password in a URL without a scheme', ['//user:pass@b.example/'], /user name/],
    ['another scheme', ['ftp://b.example/'], /neither http nor https/],
    ['a scheme of scripts', ['javascript:alert(1)'], /neither http nor https/],
    ['a file', ['file:///etc/passwd'], /neither http nor https/],
    ['a backslash', ['https:\\\\b.example\\x'], /backslash/],
    ['a backslash in a path', ['/\\b.example/'], /backslash/],
    ['a tab', ['/a\tb'], /control/],
    ['bytes that are no UTF-8', ['/caf\u00e9'], /not UTF-8/],
    ['4,097 bytes', [`/${'x'.repeat(4_096)}`], /4096/],
    ['4,096 bytes that are longer as a URL', [`/${' '.repeat(4_094)}x`], /4096/],
    ['port 0', ['https://b.example:0/'], /port 0/],
    ['a way from https to http', ['http://a.example:8443/next'], /from https to http/],
  ];
  for (const [title, locations, problem] of problems) {
    it(`refuses ${title}`, () => {
      const found = redirectTarget(locations, FROM);
      expect('problem' in found && found.problem).to.match(problem);
    });
  }

  it('leads from http to https', () => {
    const found = redirectTarget(['https://a.example/'], 'http://a.example/');
    expect('url' in found && found.url).to.equal('https://a.example/');
  });

  it('repeats nothing of a location in its problem', () => {
    for (const location of [
      'https://secret@b/',
      'ftp://secret/',
      `/${'secret'.repeat(1_000)}`,
      'https://secret:x/',
    ])
      expect(JSON.stringify(redirectTarget([location], FROM))).to.not.contain('secret');
  });
});
