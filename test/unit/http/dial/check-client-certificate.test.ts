import { createPrivateKey, generateKeyPairSync, randomBytes } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { expect } from 'chai';
import { checkClientCertificate } from '../../../../src/http/dial/check-client-certificate.ts';

function pem(name: string): string {
  return readFileSync(new URL(`../../../support/certs/${name}`, import.meta.url), 'utf8');
}

const CERTIFICATE = pem('client.pem');
const KEY = pem('client.key');
const AUTHORITY = pem('client-ca.pem');
const BODY = /(?<=-----BEGIN [A-Z ]+-----\n).*\n/;

function encryptedKey(type: 'pkcs8' | 'pkcs1'): string {
  const privateKeyEncoding = { type, format: 'pem', cipher: 'aes-256-cbc', passphrase: 'x' } as const;
  const publicKeyEncoding = { type: 'spki', format: 'pem' } as const;
  return generateKeyPairSync('rsa', { modulusLength: 2048, privateKeyEncoding, publicKeyEncoding })
    .privateKey;
}

/** Returns a key of this size. Its numbers are drawn and not computed, because real ones take seconds. */
function drawnKey(bits: number): string {
  const draw = (length: number): string => {
    const bytes = randomBytes(length);
    bytes[0] = 0xff;
    bytes[length - 1] = 0xff;
    return bytes.toString('base64url');
  };
  const [whole, half] = [bits / 8, bits / 16];
  const primes = { p: draw(half), q: draw(half), dp: draw(half), dq: draw(half), qi: draw(half) };
  const key = { kty: 'RSA', e: 'AQAB', n: draw(whole), d: draw(whole), ...primes };
  return createPrivateKey({ key, format: 'jwk' }).export({ type: 'pkcs8', format: 'pem' }).toString();
}

describe('checkClientCertificate', () => {
  const accepted: [title: string, certificate: string, key: string][] = [
    ['a certificate with its key', CERTIFICATE, KEY],
    ['a chain that begins with the certificate', `${CERTIFICATE}${AUTHORITY}`, KEY],
    ['both in one text', `${KEY}${CERTIFICATE}`, `${KEY}${CERTIFICATE}`],
    [
      'texts around the PEM, and no line break at the end',
      `Subject: x\n${CERTIFICATE.trimEnd()}`,
      KEY.trimEnd(),
    ],
    ['line breaks of Windows', CERTIFICATE.replaceAll('\n', '\r\n'), KEY.replaceAll('\n', '\r\n')],
    ['an expired certificate', pem('expired-client.pem'), pem('expired-client.key')],
  ];
  for (const [title, certificate, key] of accepted)
    it(`accepts ${title}`, () => {
      expect(checkClientCertificate(certificate, key)).to.equal(undefined);
    });

  const refused: [title: string, certificate: string, key: string, part: string, problem: RegExp][] = [
    ['a key of 4,112 bits', CERTIFICATE, drawnKey(4_112), 'private_key', /more than 4096 bits/],
    ['a text that is no PEM', 'nonsense', KEY, 'certificate', /a certificate as PEM/],
    ['an empty text', '', '', 'certificate', /a certificate as PEM/],
    ['a key in the place of the certificate', KEY, KEY, 'certificate', /a certificate as PEM/],
    ['a damaged certificate', CERTIFICATE.replace(BODY, 'AAAA\n'), KEY, 'certificate', /can not be read/],
    [
      'a damaged certificate of the chain',
      `${CERTIFICATE}${AUTHORITY.replace(BODY, 'AAAA\n')}`,
      KEY,
      'certificate',
      /can not be read/,
    ],
    ['a key that is no PEM', CERTIFICATE, 'nonsense', 'private_key', /a private key as PEM/],
    [
      'a certificate in the place of the key',
      CERTIFICATE,
      CERTIFICATE,
      'private_key',
      /a private key as PEM/,
    ],
    ['a damaged key', CERTIFICATE, KEY.replace(BODY, 'AAAA\n'), 'private_key', /can not be read/],
    ['a key with a passphrase', CERTIFICATE, encryptedKey('pkcs8'), 'private_key', /without a passphrase/],
    [
      'a key with a passphrase in the older form',
      CERTIFICATE,
      encryptedKey('pkcs1'),
      'private_key',
      /without a passphrase/,
    ],
    ['a key of another certificate', CERTIFICATE, pem('endpoint.key'), 'private_key', /does not fit/],
    [
      'a chain that begins with the authority',
      `${AUTHORITY}${CERTIFICATE}`,
      KEY,
      'private_key',
      /come first/,
    ],
    ['a key that is too weak', pem('weak.pem'), pem('weak.key'), 'certificate', /by TLS \(ERR_\w+\)/],
  ];
  for (const [title, certificate, key, part, problem] of refused)
    it(`refuses ${title}`, () => {
      const found = checkClientCertificate(certificate, key);
      expect(found?.part).to.equal(part);
      expect(found?.problem).to.match(problem);
    });
});
