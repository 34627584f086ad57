// oxlint-disable-next-line no-restricted-imports -- it reads certificates and keys, and seals nothing
import { createPrivateKey, X509Certificate, type KeyObject } from 'node:crypto';
import type { CertificateProblem } from '../../domain/auth/validate-client-certificate.ts';
import { errorCode } from '../../errors.ts';
import { certificatesIn, createClientContext } from './tls-context.ts';

const PRIVATE_KEY = /-----BEGIN (?:[A-Z]+ )?PRIVATE KEY-----/;
/** RSA signs once for each handshake, on the event loop: 3 ms with 4,096 bits, 46 ms with 8,192. */
const MAX_KEY_BITS = 4_096;
const ENCRYPTED = /-----BEGIN ENCRYPTED PRIVATE KEY-----|^Proc-Type: 4,ENCRYPTED/m;

/**
 * Returns what keeps a client certificate from being used with a private key (both PEM), or undefined when they fit. The
 * certificates of the chain may follow the first. An expired certificate passes: the endpoint judges that. The text holds
 * nothing of the values.
 */
export function checkClientCertificate(
  certificate: string,
  privateKey: string,
): CertificateProblem | undefined {
  const first = readChain(certificate);
  if (typeof first === 'string') return { part: 'certificate', problem: first };
  const key = readKey(privateKey);
  if (typeof key === 'string') return { part: 'private_key', problem: key };
  if (!first.checkPrivateKey(key)) return { part: 'private_key', problem: NO_FIT };
  try {
    createClientContext({ certificate, privateKey });
    return undefined;
  } catch (error) {
    return { part: 'certificate', problem: `can't be used by TLS (${errorCode(error) ?? 'unknown error'})` };
  }
}

const NO_FIT = 'does not fit the certificate; of a chain, the certificate of the key must come first';

function readChain(pem: string): X509Certificate | string {
  const texts = certificatesIn(pem);
  if (texts.length === 0) return 'must hold a certificate as PEM ("-----BEGIN CERTIFICATE-----")';
  try {
    return texts.map((text) => new X509Certificate(text))[0] as X509Certificate;
  } catch {
    return 'holds a certificate that can not be read';
  }
}

function readKey(pem: string): KeyObject | string {
  if (ENCRYPTED.test(pem)) return 'must hold a private key without a passphrase';
  if (!PRIVATE_KEY.test(pem)) return 'must hold a private key as PEM ("-----BEGIN PRIVATE KEY-----")';
  try {
    const key = createPrivateKey(pem);
    const { modulusLength: bits = 0 } = key.asymmetricKeyDetails ?? {};
    return bits > MAX_KEY_BITS ? `must not hold a private key of more than ${MAX_KEY_BITS} bits` : key;
  } catch {
    return 'holds a private key that can not be read';
  }
}
