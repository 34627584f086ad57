import { expect } from 'chai';
import { parseDatabaseUrl } from '../../../../src/store/sql/database-url.ts';

const BASE = 'mysql://user:hunter2@db.example.com/callhooks';
const ENCODED = /percent-encoded/;

describe('parseDatabaseUrl', () => {
  it('returns the parts of a URL, decoded, with the default port and mode', () => {
    expect(parseDatabaseUrl('mysql://us%40er:p%3Fss%23@db.example.com/call%20hooks')).to.deep.equal({
      ...{ host: 'db.example.com', port: 3306, user: 'us@er', password: 'p?ss#' },
      ...{ database: 'call hooks', sslMode: 'PREFERRED' },
    });
  });

  it('takes mariadb:, a port, and an IPv6 address without its brackets', () => {
    const { host, port } = parseDatabaseUrl('mariadb://user:hunter2@[fd00::1]:3307/callhooks');
    expect([host, port]).to.deep.equal(['fd00::1', 3307]);
  });

  for (const mode of ['DISABLED', 'PREFERRED', 'REQUIRED', 'VERIFY_CA', 'VERIFY_IDENTITY'])
    it(`takes ssl-mode=${mode}, in lower case too`, () => {
      for (const given of [mode, mode.toLowerCase()])
        expect(parseDatabaseUrl(`${BASE}?ssl-mode=${given}`).sslMode).to.equal(mode);
    });

  const refused: [title: string, url: string, problem: RegExp][] = [
    ['another scheme', 'postgres://user:hunter2@host/callhooks', /^must be mysql:/],
    ['a text that is no URL', 'hunter2', /^must be mysql:/],
    ['no database', 'mysql://user:hunter2@host', /^must name a host and a database/],
    ['no host', 'mysql:///callhooks', /^must name a host and a database/],
    ['an unknown mode', `${BASE}?ssl-mode=ON`, /one ssl-mode of DISABLED, PREFERRED, REQUIRED, VERIFY_CA/],
    ['an empty mode', `${BASE}?ssl-mode=`, /one ssl-mode of/],
    ['two modes', `${BASE}?ssl-mode=REQUIRED&ssl-mode=DISABLED`, /one ssl-mode of/],
    ['a parameter of other programs', `${BASE}?sslmode=require`, /ssl-mode alone, and not sslmode$/],
    ['several parameters', `${BASE}?charset=utf8&ssl=true&ssl-mode=REQUIRED`, /and not charset, ssl$/],
    ['an address for VERIFY_IDENTITY', 'mysql://u:hunter2@10.0.0.1/c?ssl-mode=VERIFY_IDENTITY', /VERIFY_CA$/],
    ['an IPv6 address for it', 'mysql://u:hunter2@[::1]/c?ssl-mode=VERIFY_IDENTITY', /its host/],
    ['a question mark in the password', 'mysql://user:12/34?hunter2@host/callhooks', ENCODED],
    ['a hash in the password', 'mysql://user:12/34#hunter2@host/callhooks', ENCODED],
    ['a bare percent sign', 'mysql://user:hunter2%@host/callhooks', ENCODED],
  ];
  for (const [title, url, problem] of refused)
    it(`refuses ${title}, without showing the password`, () => {
      expect(() => parseDatabaseUrl(url))
        .to.throw(RangeError)
        .with.property('message')
        .that.matches(problem)
        .and.not.contains('hunter2');
    });
});
