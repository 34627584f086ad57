import { expect } from 'chai';
import { readEgress } from '../../../../src/http/egress/egress-settings.ts';
import { parseProxyUrl } from '../../../../src/http/egress/proxy-url.ts';

const SETTINGS = {
  egressAllow: ['10.0.0.0/8', 'crm.internal'],
  egressDeny: ['*.bad.example'],
  egressHttpsOnly: false,
  egressProxy: parseProxyUrl('http://10.0.0.1:3128'),
  egressNoProxy: ['10.0.0.0/8', 'near.internal'],
  egressProxyResolves: true,
};

describe('readEgress', () => {
  it('returns no proxy when none is set', () => {
    const { proxy } = readEgress({ ...SETTINGS, egressProxy: undefined });
    expect(proxy).to.equal(undefined);
  });

  it('returns the proxy with its exceptions, and why entries of the allow list open nothing', () => {
    const { proxy, idle } = readEgress({ ...SETTINGS, egressAllow: ['224.0.0.0/4'] });
    expect(proxy?.server.host).to.equal('10.0.0.1');
    expect(proxy?.resolvesNames).to.equal(true);
    expect(proxy?.exceptions.map(({ text }) => text)).to.deep.equal(SETTINGS.egressNoProxy);
    expect(idle).to.have.length(1);
  });

  // Where the proxy resolves names, an entry for addresses opens no special-use name: no address of it is checked here.
  const saves: readonly (readonly [
    url: string,
    resolvedHere: 'ok' | 'refused',
    byProxy: 'ok' | 'refused',
  ])[] = [
    ['http://crm.example/', 'ok', 'ok'],
    ['http://x.bad.example/', 'refused', 'refused'],
    ['http://10.0.0.1/', 'ok', 'ok'],
    ['http://192.168.0.1/', 'refused', 'refused'],
    ['http://crm.internal/', 'ok', 'ok'],
    ['http://far.internal/', 'ok', 'refused'],
    ['http://near.internal/', 'ok', 'ok'],
    ['http://crm/', 'ok', 'refused'],
    ['http://localhost/', 'refused', 'refused'],
  ];
  for (const [url, resolvedHere, byProxy] of saves) {
    it(`returns a policy by which a save of ${url} is ${byProxy} when the proxy resolves names, else ${resolvedHere}`, () => {
      const saved = (egressProxyResolves: boolean): string =>
        readEgress({ ...SETTINGS, egressProxyResolves }).policy.checkUrl(url) === undefined
          ? 'ok'
          : 'refused';
      expect([saved(false), saved(true)]).to.deep.equal([resolvedHere, byProxy]);
    });
  }
});
