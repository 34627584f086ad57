// oxlint-disable-next-line no-restricted-imports -- it reads certificates and seals nothing
import { X509Certificate } from 'node:crypto';
import type { Failure } from '../../domain/failures.ts';
import type { ClientIdentity } from '../http-client.ts';

const MAY_BE_ITS_FAULT: readonly Failure['code'][] = ['TLS', 'PROTOCOL'];

/**
 * Returns a failure before the response head. Where the client certificate that was shown has expired, the message says
 * so: many endpoints close the connection for that and give no reason.
 */
export function withExpiry(failure: Failure, identity: ClientIdentity | undefined, nowMs: number): Failure {
  if (identity === undefined || !MAY_BE_ITS_FAULT.includes(failure.code)) return failure;
  const endsAt = endOf(identity);
  if (endsAt === undefined || endsAt.getTime() > nowMs) return failure;
  const day = endsAt.toISOString().slice(0, 10);
  return { ...failure, message: `${failure.message}; the client certificate has expired on ${day}` };
}

// The certificate was read when it was saved, but what was saved may not be what is stored now.
function endOf({ certificate }: ClientIdentity): Date | undefined {
  try {
    return new Date(new X509Certificate(certificate).validTo);
  } catch {
    return undefined;
  }
}
