import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { expect } from 'chai';
import { CommandError } from '../../../src/cli/frame/command.ts';
import { healthTarget } from '../../../src/cli/healthcheck.ts';
import { settingOf } from '../../../src/config/schema.ts';

const FILE = fileURLToPath(new URL('../../support/certs/endpoint.pem', import.meta.url));
const TLS = { CALLHOOKS_LISTEN: '0.0.0.0:443', CALLHOOKS_TLS_CERT_FILE: FILE };

describe('healthTarget', () => {
  const rows: [string, Record<string, string>, string][] = [
    ['the default of CALLHOOKS_LISTEN', {}, settingOf('CALLHOOKS_LISTEN').default],
    ['CALLHOOKS_LISTEN', { CALLHOOKS_LISTEN: ' 10.1.2.3:7 ' }, '10.1.2.3:7'],
    ['loopback for every IPv4 address', { CALLHOOKS_LISTEN: '0.0.0.0:7' }, '127.0.0.1:7'],
    ['loopback for every IPv6 address', { CALLHOOKS_LISTEN: '[::]:7' }, '[::1]:7'],
    ['CALLHOOKS_LISTEN when the health port is off', { CALLHOOKS_HEALTH_LISTEN: 'off' }, '127.0.0.1:50051'],
    ['the health port first', { ...TLS, CALLHOOKS_HEALTH_LISTEN: '0.0.0.0:8' }, '127.0.0.1:8'],
    [
      'the health port where clients need a certificate',
      { ...TLS, CALLHOOKS_TLS_CLIENT_CA_FILE: FILE, CALLHOOKS_HEALTH_LISTEN: '[::]:8' },
      '[::1]:8',
    ],
  ];
  for (const [title, env, address] of rows) {
    it(`returns ${title}, in plaintext`, () => {
      expect(healthTarget(env)).to.deep.equal({ address, certificate: undefined });
    });
  }

  it('returns the certificate of the server where it serves TLS', () => {
    const certificate = readFileSync(FILE, 'utf8');
    expect(healthTarget(TLS)).to.deep.equal({ address: '127.0.0.1:443', certificate });
  });

  const refused: [string, Record<string, string>, string][] = [
    ['a free port', { CALLHOOKS_LISTEN: '127.0.0.1:0' }, 'free port'],
    ['no address', { CALLHOOKS_LISTEN: 'here' }, 'CALLHOOKS_LISTEN must be host:port'],
    ['no file', { CALLHOOKS_TLS_CERT_FILE: '/nowhere.pem' }, "can't be read (ENOENT)"],
    ['client certificates', { ...TLS, CALLHOOKS_TLS_CLIENT_CA_FILE: FILE }, 'set CALLHOOKS_HEALTH_LISTEN'],
  ];
  for (const [title, env, problem] of refused) {
    it(`throws with exit code 78 for ${title}`, () => {
      expect(() => healthTarget(env))
        .to.throw(CommandError, problem)
        .with.property('exitCode', 78);
    });
  }
});
