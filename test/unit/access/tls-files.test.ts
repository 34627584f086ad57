import { generateKeyPairSync } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { expect } from 'chai';
import { certificateExpiresAtMs, tlsProblems, type TlsFiles } from '../../../src/access/tls-files.ts';

const pem = (name: string) => readFileSync(new URL(`../../support/certs/${name}`, import.meta.url), 'utf8');
const GOOD: TlsFiles = {
  certificate: pem('endpoint.pem'),
  key: pem('endpoint.key'),
  clientCa: pem('client-ca.pem'),
};
const passphraseKey = generateKeyPairSync('ec', {
  namedCurve: 'prime256v1',
  publicKeyEncoding: { type: 'spki', format: 'pem' },
  privateKeyEncoding: { type: 'pkcs8', format: 'pem', cipher: 'aes-256-cbc', passphrase: 'hunter2' },
}).privateKey;

describe('tlsProblems', () => {
  const good: [title: string, files: Partial<TlsFiles>][] = [
    ['a certificate with its key', {}],
    ['files without client authorities', { clientCa: undefined }],
    [
      'a chain with text around its certificates',
      { certificate: `leaf\n${GOOD.certificate}\nca\n${pem('ca.pem')}` },
    ],
    ['several client authorities', { clientCa: pem('client-ca.pem') + pem('ca.pem') }],
    [
      'a certificate that has expired, which is better than none',
      { certificate: pem('expired.pem'), key: pem('expired.key') },
    ],
  ];
  for (const [title, files] of good) {
    it(`finds nothing wrong with ${title}`, () => {
      expect(tlsProblems({ ...GOOD, ...files })).to.deep.equal([]);
    });
  }

  const bad: [title: string, files: Partial<TlsFiles>, problem: RegExp][] = [
    ['an empty certificate', { certificate: '' }, /^CALLHOOKS_TLS_CERT_FILE holds no PEM certificate$/],
    ['an empty key', { key: '' }, /^CALLHOOKS_TLS_KEY_FILE holds no private key/],
    [
      'a certificate that was written half',
      { certificate: GOOD.certificate.slice(0, 300) },
      /_CERT_FILE holds no/,
    ],
    [
      'a chain of which the second certificate was written half',
      { certificate: GOOD.certificate + pem('ca.pem').slice(0, 300) },
      /_CERT_FILE ends within a certificate$/,
    ],
    ['a key that was written half', { key: GOOD.key.slice(0, 100) }, /_KEY_FILE holds no private key/],
    [
      'a key of another certificate',
      { key: pem('self-signed.key') },
      /_KEY_FILE does not fit the certificate/,
    ],
    [
      'a chain whose first certificate is the authority',
      { certificate: pem('ca.pem') + GOOD.certificate },
      /does not fit/,
    ],
    ['a key with a passphrase', { key: passphraseKey }, /one with a passphrase can't/],
    ['a certificate in place of the key', { key: GOOD.certificate }, /_KEY_FILE holds no private key/],
    [
      'a certificate with other bytes in it',
      { certificate: GOOD.certificate.replace(/\n.{10}/, '\nAAAAAAAAAA') },
      /holds a certificate \(number 1\) that can't be read/,
    ],
    [
      'client authorities without a certificate',
      { clientCa: 'nothing' },
      /^CALLHOOKS_TLS_CLIENT_CA_FILE holds no/,
    ],
  ];
  for (const [title, files, problem] of bad) {
    it(`finds ${title}`, () => {
      const problems = tlsProblems({ ...GOOD, ...files });
      expect(problems).to.have.length(1);
      expect(problems[0]).to.match(problem);
    });
  }

  it('finds a key that OpenSSL takes for too weak', () => {
    const weak = { certificate: pem('weak.pem'), key: pem('weak.key'), clientCa: undefined };
    expect(tlsProblems(weak)[0]).to.match(/_CERT_FILE is refused by OpenSSL: .*key too small/);
  });
});

describe('certificateExpiresAtMs', () => {
  it('returns the end of the first certificate', () => {
    const chain = { ...GOOD, certificate: pem('expired.pem') + pem('ca.pem') };
    expect(certificateExpiresAtMs(chain)).to.equal(Date.UTC(2001, 0, 1));
  });
});
