import { createHmac } from 'node:crypto';

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
