import { expect } from 'chai';
import { createLoginLimit } from '../../../../src/console/access/login-limit.ts';

describe('createLoginLimit', () => {
  let nowMs = 0;
  const clock = () => nowMs;
  beforeEach(() => {
    nowMs = 0;
  });
  const admitted = (limit: ReturnType<typeof createLoginLimit>, address: string, tries: number) =>
    Array.from({ length: tries }, () => limit.take(address)).filter((waitSecs) => waitSecs === 0).length;

  it('admits 20 tries of an address at once, and then two a second', () => {
    const limit = createLoginLimit(clock);
    expect(admitted(limit, '192.0.2.1', 30)).to.equal(20);
    expect(limit.take('192.0.2.1')).to.equal(1);
    nowMs += 1_000;
    expect(admitted(limit, '192.0.2.1', 30)).to.equal(2);
    nowMs += 3_600_000;
    expect(admitted(limit, '192.0.2.1', 30)).to.equal(20);
  });

  it('goes on with other addresses meanwhile', () => {
    const limit = createLoginLimit(clock);
    admitted(limit, '192.0.2.1', 1_000);
    expect(limit.take('192.0.2.2')).to.equal(0);
  });

  it('takes an IPv6 network of 64 bits for one address, however it is written', () => {
    const limit = createLoginLimit(clock);
    const addresses = ['2001:db8:0:1::1', '2001:db8:0:1:a:b:c:d', '2001:db8:0:1:ffff::', '2001:db8:0:1::2'];
    expect(addresses.reduce((sum, address) => sum + admitted(limit, address, 10), 0)).to.equal(20);
    expect(limit.take('2001:db8:0:2::1')).to.equal(0);
    expect(limit.take('::1')).to.equal(0);
  });

  it('tells IPv4 addresses apart that a socket of IPv6 shows', () => {
    const limit = createLoginLimit(clock);
    admitted(limit, '::ffff:192.0.2.1', 30);
    expect(limit.take('::ffff:192.0.2.2')).to.equal(0);
  });

  it('admits 100 tries of all addresses, and is full again two seconds after a flood of them', () => {
    const limit = createLoginLimit(clock);
    const flood = (count: number) =>
      Array.from({ length: count }, (_, n) => limit.take(`10.${n >> 16}.${(n >> 8) & 255}.${n & 255}`));
    expect(flood(100_000).filter((waitSecs) => waitSecs === 0)).to.have.length(100);
    expect(limit.take('192.0.2.9')).to.equal(1);
    nowMs += 2_000;
    expect(flood(1_000).filter((waitSecs) => waitSecs === 0)).to.have.length(100);
  });
});
