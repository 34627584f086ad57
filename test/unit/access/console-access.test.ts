import { expect } from 'chai';
import { consoleAccessOf, consoleUrl, type ConsoleSettings } from '../../../src/access/console-access.ts';
import { API_TOKENS } from '../../support/tokens.ts';

const BASE: ConsoleSettings = {
  console: true,
  apiTokens: undefined,
  opsListen: { isLoopback: true },
  auth: undefined,
  insecure: false,
};
const REACHED = { isLoopback: false };

describe('consoleAccessOf', () => {
  const access = (settings: Partial<ConsoleSettings>) => consoleAccessOf({ ...BASE, ...settings });

  it('returns undefined when the console or its port is off', () => {
    expect(access({ console: false, apiTokens: API_TOKENS })).to.equal(undefined);
    expect(access({ opsListen: undefined, apiTokens: API_TOKENS })).to.equal(undefined);
  });

  it('returns undefined when others reach the port and nobody needs a token by mistake', () => {
    expect(access({ opsListen: REACHED })).to.equal(undefined);
  });

  it('lets everybody in on loopback by a name of loopback, also with CALLHOOKS_AUTH=none', () => {
    const open = { tokens: undefined, namesLoopbackOnly: true, allowsPlaintext: false };
    expect(access({})).to.deep.equal(open);
    expect(access({ auth: 'none' })).to.deep.equal(open);
  });

  it('lets everybody in by any name on other addresses with CALLHOOKS_AUTH=none', () => {
    const open = { tokens: undefined, namesLoopbackOnly: false, allowsPlaintext: false };
    expect(access({ auth: 'none', opsListen: REACHED })).to.deep.equal(open);
  });

  it('asks for a token by any name where there are tokens, and for TLS unless CALLHOOKS_INSECURE=true', () => {
    const asked = { tokens: API_TOKENS, namesLoopbackOnly: false, allowsPlaintext: false };
    expect(access({ apiTokens: API_TOKENS })).to.deep.equal(asked);
    expect(access({ apiTokens: API_TOKENS, opsListen: REACHED, insecure: true })).to.deep.equal({
      ...asked,
      allowsPlaintext: true,
    });
  });
});

describe('consoleUrl', () => {
  it('returns the URL for a browser on this machine', () => {
    expect(consoleUrl('127.0.0.1:9464')).to.equal('http://127.0.0.1:9464/console');
    expect(consoleUrl('[::1]:9464')).to.equal('http://[::1]:9464/console');
    expect(consoleUrl('0.0.0.0:9464')).to.equal('http://127.0.0.1:9464/console');
    expect(consoleUrl('[::]:9464')).to.equal('http://127.0.0.1:9464/console');
  });
});
