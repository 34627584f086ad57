import { createHmac } from 'node:crypto';

/** What a signature covers: the `webhook-id`, the `webhook-timestamp` and the body as it is sent. */
export interface SignedMessage {
  readonly id: string;
  readonly timestampSecs: number;
  readonly body: string;
  /** Each `whsec_` and base64 of the key. */
  readonly secrets: readonly string[];
}

/**
 * The `webhook-signature` header of Standard Webhooks 1.0: `v1,` and base64 of HMAC-SHA256 over
 * `id.timestamp.body`, one for each secret, with a space between them.
 */
export const signStandardWebhook = ({ id, timestampSecs, body, secrets }: SignedMessage): string =>
  secrets
    .map((secret) => Buffer.from(secret.replace(/^whsec_/, ''), 'base64'))
    .map((key) => createHmac('sha256', key).update(`${id}.${timestampSecs}.${body}`).digest('base64'))
    .map((signature) => `v1,${signature}`)
    .join(' ');
