import { setTimeout as wait } from 'node:timers/promises';

/**
 * Asks again and again until the answer is neither false nor undefined, and gives it; rejects after `timeoutMs`,
 * saying what it waited for.
 */
export const until = async <T>(
  what: string,
  look: () => Promise<T | false | undefined> | T | false | undefined,
  { timeoutMs = 20_000, everyMs = 50 }: { timeoutMs?: number; everyMs?: number } = {},
): Promise<T> => {
  const giveUpAtMs = performance.now() + timeoutMs;
  for (;;) {
    const found = await look();
    if (found !== undefined && found !== false) return found;
    if (performance.now() > giveUpAtMs) throw new Error(`waited ${timeoutMs} ms for: ${what}`);
    await wait(everyMs);
  }
};
