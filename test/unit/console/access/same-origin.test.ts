import { expect } from 'chai';
import { comesFromHere } from '../../../../src/console/access/same-origin.ts';

const HOST = 'console.example:8443';

describe('comesFromHere', () => {
  const check = (origin?: string, site?: string) => comesFromHere({ host: HOST, origin, site });

  it('returns true when the browser says that the page or the person made the request', () => {
    expect(check(undefined, 'same-origin')).to.equal(true);
    expect(check(undefined, 'none')).to.equal(true);
    expect(check(`https://${HOST}`)).to.equal(true);
    expect(check('https://CONSOLE.example:8443')).to.equal(true);
  });

  it('returns true when nothing is said: programs send neither, and pages without a referrer send null', () => {
    expect(check()).to.equal(true);
    expect(check('null')).to.equal(true);
  });

  it('returns false for other sites, and for other hosts and ports of the same site', () => {
    expect(check(undefined, 'cross-site')).to.equal(false);
    expect(check(`https://${HOST}`, 'same-site')).to.equal(false);
    expect(check('https://console.example:9000')).to.equal(false);
    expect(check('https://evil.example')).to.equal(false);
    expect(check('https://console.example:8443.evil.example')).to.equal(false);
    expect(check('')).to.equal(false);
  });

  it('believes the browser more than the host, which a proxy may have changed', () => {
    expect(check('https://public.example', 'same-origin')).to.equal(true);
  });
});
