import { createPrivateKey, X509Certificate, type KeyObject } from 'node:crypto';
import { createSecureContext } from 'node:tls';

/** Where the TLS files of the gRPC port lie. */
export interface TlsPaths {
  /** The certificate of this server, and behind it those of the authorities between it and the root. */
  readonly certificate: string;
  readonly key: string;
  /** The authorities whose client certificates are accepted. Clients need no certificate when it is undefined. */
  readonly clientCa: string | undefined;
}

/** What the TLS files hold, as PEM. */
export interface TlsFiles {
  readonly certificate: string;
  readonly key: string;
  readonly clientCa: string | undefined;
}

/** Which variable names each file. */
export const TLS_VARIABLES = {
  certificate: 'CALLHOOKS_TLS_CERT_FILE',
  key: 'CALLHOOKS_TLS_KEY_FILE',
  clientCa: 'CALLHOOKS_TLS_CLIENT_CA_FILE',
} as const;

/** Returns what is wrong with the files, each as a sentence that begins with a variable's name. It shows no key. */
export function tlsProblems({ certificate, key, clientCa }: TlsFiles): string[] {
  const problems: string[] = [];
  const attempt = <T>(file: keyof TlsFiles, read: () => T): T | undefined => {
    try {
      return read();
    } catch (error) {
      problems.push(`${TLS_VARIABLES[file]} ${(error as Error).message}`);
    }
  };
  const [leaf] = attempt('certificate', () => readCertificates(certificate)) ?? [];
  const privateKey = attempt('key', () => readPrivateKey(key));
  if (clientCa !== undefined) attempt('clientCa', () => readCertificates(clientCa));
  if (leaf !== undefined && privateKey !== undefined && !leaf.checkPrivateKey(privateKey))
    problems.push(`${TLS_VARIABLES.key} does not fit the certificate of ${TLS_VARIABLES.certificate}`);
  // OpenSSL has rules of its own, such as the least size of a key.
  if (problems.length === 0) attempt('certificate', () => openContext({ certificate, key, clientCa }));
  return problems;
}

/** Returns until when the certificate of the server is valid, in epoch milliseconds. Expects files without problems. */
export function certificateExpiresAtMs({ certificate }: TlsFiles): number {
  return new X509Certificate(certificate).validToDate.getTime();
}

const PEM_BEGIN = /-----BEGIN CERTIFICATE-----/g;
const PEM_BLOCK = /-----BEGIN CERTIFICATE-----[^-]+-----END CERTIFICATE-----/g;

function readCertificates(pem: string): X509Certificate[] {
  const blocks = pem.match(PEM_BLOCK) ?? [];
  if (blocks.length === 0) throw new Error('holds no PEM certificate');
  // OpenSSL would take the complete ones, and clients would miss the rest of the chain.
  if (blocks.length !== pem.match(PEM_BEGIN)?.length) throw new Error('ends within a certificate');
  return blocks.map((block, index) => {
    try {
      return new X509Certificate(block);
    } catch (error) {
      throw new Error(`holds a certificate (number ${index + 1}) that can't be read`, { cause: error });
    }
  });
}

function readPrivateKey(pem: string): KeyObject {
  try {
    return createPrivateKey(pem);
  } catch (error) {
    throw new Error("holds no private key that can be read (one with a passphrase can't)", { cause: error });
  }
}

function openContext({ certificate, key, clientCa }: TlsFiles): void {
  try {
    createSecureContext({ cert: certificate, key, ca: clientCa });
  } catch (error) {
    throw new Error(`is refused by OpenSSL: ${(error as Error).message}`, { cause: error });
  }
}
