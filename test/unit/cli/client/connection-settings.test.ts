import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect } from 'chai';
import type { ClientOptionValues } from '../../../../src/cli/client/client-options.ts';
import { connectionSettings } from '../../../../src/cli/client/connection-settings.ts';
import { UsageError } from '../../../../src/cli/frame/command.ts';

const NONE: ClientOptionValues = {
  ...{ address: undefined, tls: false, 'ca-file': undefined, 'cert-file': undefined, 'key-file': undefined },
  ...{ 'server-name': undefined, timeout: undefined, insecure: false },
};

const CA_FILE = join(import.meta.dirname, '../../../support/certs/ca.pem');

describe('connectionSettings', () => {
  let folder: string;
  let file: string;
  before(() => {
    folder = mkdtempSync(join(tmpdir(), 'callhooks-'));
    file = join(folder, 'token');
    writeFileSync(file, 'chk_secret\n');
  });
  after(() => rmSync(folder, { recursive: true }));

  const read = (options: Partial<ClientOptionValues>, env = {}) =>
    connectionSettings({ ...NONE, ...options }, env, 30);

  it('takes loopback, plaintext and no token where nothing is said', () => {
    expect(read({})).to.deep.equal({
      ...{ address: '127.0.0.1:50051', token: undefined, tls: undefined, timeoutMs: 30_000 },
    });
  });

  it('takes the address from the environment, and from --address before it', () => {
    const env = { CALLHOOKS_ADDRESS: 'a.example:1' };
    expect(read({}, env).address).to.equal('a.example:1');
    expect(read({ address: 'b.example:2' }, env).address).to.equal('b.example:2');
  });

  it('takes the token from the environment or from the file that it names', () => {
    expect(read({}, { CALLHOOKS_TOKEN: 'chk_a' }).token).to.equal('chk_a');
    expect(read({}, { CALLHOOKS_TOKEN_FILE: file }).token).to.equal('chk_secret');
  });

  for (const option of ['ca-file', 'server-name'] as const) {
    it(`uses TLS with --${option}`, () => {
      expect(read({ [option]: CA_FILE }).tls).not.to.equal(undefined);
    });
  }

  it('takes the seconds of --timeout', () => {
    expect(read({ timeout: '1.5' }).timeoutMs).to.equal(1500);
  });

  const remote = { CALLHOOKS_ADDRESS: '10.0.0.1:50051', CALLHOOKS_TOKEN: 'chk_a' };
  it('sends a token to another machine over TLS, or in plaintext with --insecure', () => {
    expect(read({ tls: true }, remote).token).to.equal('chk_a');
    expect(read({ insecure: true }, remote).token).to.equal('chk_a');
  });

  const refused: [title: string, options: Partial<ClientOptionValues>, env: object, problem: string][] = [
    ['a token in plaintext to another machine', {}, remote, 'use --tls, or --insecure'],
    [
      'a file of authorities without a certificate',
      { 'ca-file': '/dev/null' },
      {},
      'has no certificate in PEM',
    ],
    ['both variables of the token', {}, { CALLHOOKS_TOKEN: 'a', CALLHOOKS_TOKEN_FILE: 'b' }, 'both set'],
    ['a token of two words', {}, { CALLHOOKS_TOKEN: 'a b' }, 'one word'],
    ['a token file that is not there', {}, { CALLHOOKS_TOKEN_FILE: '/nowhere' }, 'ENOENT'],
    [
      'a bad address in the environment',
      {},
      { CALLHOOKS_ADDRESS: 'a' },
      'CALLHOOKS_ADDRESS must be host:port',
    ],
    ['a bad --address', { address: 'http://a:1' }, {}, '--address must be host:port'],
    ['a certificate without its key', { 'cert-file': 'a' }, {}, "can't be read"],
    ['a timeout of zero', { timeout: '0' }, {}, '--timeout must be seconds'],
  ];
  for (const [title, options, env, problem] of refused) {
    it(`throws for ${title}`, () => {
      expect(() => read(options, env)).to.throw(UsageError, problem);
    });
  }

  it('never has the token in a problem', () => {
    expect(() => read({}, remote))
      .to.throw()
      .with.property('message')
      .that.does.not.contain('chk_a');
  });
});
