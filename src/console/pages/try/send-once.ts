import type { TestWebhookResponse } from '../../../gen/index.callhooks.v1.ts';
import { CallhooksError } from '../../../errors.ts';

/** The answer to a sent test. */
export interface SentTest {
  /** It is undefined when the test was sent before, and its answer is kept no more. */
  readonly reply: TestWebhookResponse | undefined;
  readonly sentAt: Date;
  /** Reports whether the test was sent by an earlier request, and this is the answer to that one. */
  readonly isRepeat: boolean;
}

/** Sends each test once. */
export interface SendOnce {
  /**
   * Sends a test, unless one with this key was sent before: then it returns the answer to that one. A test that was refused
   * may be sent again.
   */
  run(key: string, send: () => Promise<TestWebhookResponse>): Promise<SentTest>;
}

const KEY = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/;

/** Reports whether a text is a key that a page has made. */
export function isSendKey(text: string): boolean {
  return KEY.test(text);
}

// A key takes 100 bytes. An answer can take some 100 KiB.
const MAX_KEYS = 1_000;
const MAX_ANSWERS = 8;

interface Sent {
  readonly sentAt: Date;
  reply: Promise<TestWebhookResponse> | undefined;
}

/** Makes what sends each test once. It knows the last 1,000 tests, and keeps the answers to the last 8 of them. */
export function createSendOnce(): SendOnce {
  const known = new Map<string, Sent>();
  const begin = (key: string, send: () => Promise<TestWebhookResponse>): Sent => {
    const sent: Sent = { sentAt: new Date(), reply: send() };
    known.set(key, sent);
    const keys = [...known.keys()];
    const withoutAnswer = known.get(keys.at(-MAX_ANSWERS - 1) ?? '');
    if (withoutAnswer !== undefined) withoutAnswer.reply = undefined;
    if (keys.length > MAX_KEYS) known.delete(keys[0] as string);
    return sent;
  };
  return {
    run: async (key, send) => {
      const earlier = known.get(key);
      const { sentAt, reply } = earlier ?? begin(key, send);
      try {
        return { reply: await reply, sentAt, isRepeat: earlier !== undefined };
      } catch (error) {
        if (error instanceof CallhooksError) known.delete(key);
        throw error;
      }
    },
  };
}
