import { errorCode } from '../../errors.ts';

const UNKNOWN_AUTHORITY =
  'the certificate comes from an unknown authority; CALLHOOKS_CA_FILE names those to trust';
const NO_TLS = 'the endpoint does not speak TLS here';
const OLD_TLS = 'the endpoint offers no TLS version from 1.2 on';

const TLS_TEXTS: Readonly<Record<string, string>> = {
  CERT_HAS_EXPIRED: 'the certificate has expired',
  CERT_NOT_YET_VALID: 'the certificate is not valid yet',
  DEPTH_ZERO_SELF_SIGNED_CERT:
    'the certificate is self-signed; CALLHOOKS_CA_FILE names certificates to trust',
  SELF_SIGNED_CERT_IN_CHAIN: UNKNOWN_AUTHORITY,
  UNABLE_TO_GET_ISSUER_CERT_LOCALLY: UNKNOWN_AUTHORITY,
  UNABLE_TO_GET_ISSUER_CERT: UNKNOWN_AUTHORITY,
  UNABLE_TO_VERIFY_LEAF_SIGNATURE:
    'the endpoint leaves out the chain of its certificate, or the certificate comes from an unknown authority; CALLHOOKS_CA_FILE names those to trust',
  CERT_UNTRUSTED: UNKNOWN_AUTHORITY,
  INVALID_CA: UNKNOWN_AUTHORITY,
  CERT_REVOKED: 'the certificate is revoked',
  ECONNRESET: 'the endpoint closed the connection during the TLS handshake',
  EPROTO: NO_TLS,
  ERR_SSL_WRONG_VERSION_NUMBER: NO_TLS,
  ERR_SSL_PACKET_LENGTH_TOO_LONG: NO_TLS,
  ERR_SSL_UNSUPPORTED_PROTOCOL: OLD_TLS,
};

/** Returns why a TLS handshake with `host` failed, in words. */
export function tlsText(error: unknown, host: string): string {
  const code = errorCode(error) ?? 'unknown error';
  if (code === 'ERR_TLS_CERT_ALTNAME_INVALID') return `the certificate is not valid for ${host}`;
  return TLS_TEXTS[code] ?? alertText(error) ?? `the TLS handshake failed (${code})`;
}

const NO_CIPHER = 'shares no cipher with callhooks';

// The alerts of RFC 8446, 6.2 and RFC 5246, 7.2.2, by the names that OpenSSL gives them.
const ALERT_TEXTS: Readonly<Record<string, string>> = {
  CERTIFICATE_REQUIRED: 'the endpoint asks for a client certificate; auth.client_certificate sets one',
  // In TLS 1.2 this alert says that a certificate is missing.
  HANDSHAKE_FAILURE: `the endpoint refused the TLS handshake: it asks for a client certificate, or ${NO_CIPHER}`,
  INSUFFICIENT_SECURITY: `the endpoint ${NO_CIPHER}`,
  PROTOCOL_VERSION: OLD_TLS,
  UNRECOGNIZED_NAME: 'the endpoint has no certificate for this host name',
  NO_APPLICATION_PROTOCOL: 'the endpoint does not speak HTTP/1.1 here',
  ...Object.fromEntries(
    [
      ...['BAD_CERTIFICATE', 'UNSUPPORTED_CERTIFICATE', 'CERTIFICATE_REVOKED', 'CERTIFICATE_EXPIRED'],
      ...['CERTIFICATE_UNKNOWN', 'UNKNOWN_CA', 'ACCESS_DENIED', 'DECRYPT_ERROR'],
    ].map((alert) => [
      alert,
      `the endpoint refused the client certificate, or asks for one (${alert.toLowerCase().replaceAll('_', ' ')})`,
    ]),
  ),
};

const ALERT = /^ERR_SSL_(?:SSL\/TLS|SSLV3|TLSV1|TLSV13)_(?:ALERT_)?(\w+)$/;

/** Returns in words which alert of the endpoint ended TLS, or undefined if the error is no alert. */
export function alertText(error: unknown): string | undefined {
  const alert = ALERT.exec(errorCode(error) ?? '')?.[1];
  if (alert === undefined) return undefined;
  return (
    ALERT_TEXTS[alert] ?? `the endpoint ended TLS with the alert ${alert.toLowerCase().replaceAll('_', ' ')}`
  );
}
