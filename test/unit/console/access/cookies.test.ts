import { expect } from 'chai';
import { readCookies, writeCookie } from '../../../../src/console/access/cookies.ts';

describe('readCookies', () => {
  it('returns the values with exactly this name, in their order', () => {
    const header = 'a=1; callhooks_form=x=y;callhooks_form=z; callhooks_formx=no; callhooks_form';
    expect(readCookies(header, 'callhooks_form')).to.deep.equal(['x=y', 'z']);
    expect(readCookies(undefined, 'callhooks_form')).to.deep.equal([]);
  });
});

describe('writeCookie', () => {
  it('keeps a cookie from scripts, other sites and other paths, and says Secure over https', () => {
    expect(writeCookie('callhooks_form', 'v', { isSecure: false })).to.equal(
      'callhooks_form=v; HttpOnly; SameSite=Strict; Path=/console',
    );
    expect(writeCookie('callhooks_session', 'v', { isSecure: true, maxAgeSecs: 5 })).to.equal(
      'callhooks_session=v; HttpOnly; SameSite=Strict; Path=/console; Max-Age=5; Secure',
    );
  });
});
