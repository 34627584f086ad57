import { createHmac } from 'node:crypto';
import type { HmacSignature } from '../domain/auth/hmac-signature.ts';

/** What an HMAC is made of. */
interface HmacMessage {
  readonly hashAlgorithm: HmacSignature['hashAlgorithm'];
  readonly encoding: HmacSignature['encoding'];
  /** Its UTF-8 is the key. */
  readonly key: string;
  /** Its UTF-8 is signed. */
  readonly payload: string;
}

/** Returns an HMAC (RFC 2104) as hex digits or base64. */
export function signHmac({ hashAlgorithm, encoding, key, payload }: HmacMessage): string {
  return createHmac(hashAlgorithm, key).update(payload).digest(encoding);
}

/** A message that is signed: its `webhook-id`, its `webhook-timestamp` and the body that is sent. */
interface SignedMessage {
  readonly id: string;
  readonly timestampSecs: number;
  readonly body: string;
  /** Each secret is `whsec_` and the base64 of its key. */
  readonly secrets: readonly string[];
}

/**
 * Returns the `webhook-signature` header of Standard Webhooks 1.0. It has one signature for each secret, with a space
 * between them: `v1,` and the base64 of HMAC-SHA256 over `id.timestamp.body`.
 */
export function signStandardWebhook({ id, timestampSecs, body, secrets }: SignedMessage): string {
  return secrets
    .map((secret) => Buffer.from(secret.replace(/^whsec_/, ''), 'base64'))
    .map((key) => createHmac('sha256', key).update(`${id}.${timestampSecs}.${body}`).digest('base64'))
    .map((signature) => `v1,${signature}`)
    .join(' ');
}
