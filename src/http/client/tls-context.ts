import { X509Certificate } from 'node:crypto';
import { createSecureContext, getCACertificates, type SecureContext } from 'node:tls';

/**
 * The TLS settings of every connection: TLS 1.2 or later, the usual authorities and those of `extraCa` (PEM), read once.
 * Throws a RangeError where `extraCa` holds no certificate or one that can't be read.
 */
export const createTlsContext = (extraCa?: string): SecureContext =>
  createSecureContext({
    minVersion: 'TLSv1.2',
    ca: [...getCACertificates('default'), ...(extraCa === undefined ? [] : splitPem(extraCa))],
  });

const CERTIFICATE = /-----BEGIN CERTIFICATE-----[^-]+-----END CERTIFICATE-----/g;

// Node.js ignores what it can't read in a bundle; an operator should hear of it at once.
const splitPem = (pem: string): readonly string[] => {
  const certificates = pem.match(CERTIFICATE) ?? [];
  if (certificates.length === 0) throw new RangeError('the CA bundle holds no certificate');
  for (const certificate of certificates) readCertificate(certificate);
  return certificates;
};

const readCertificate = (pem: string): void => {
  try {
    new X509Certificate(pem);
  } catch {
    throw new RangeError('the CA bundle holds a certificate that can not be read');
  }
};
