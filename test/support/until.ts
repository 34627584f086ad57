import { setTimeout as wait } from 'node:timers/promises';

/**
 * Asks `look` again and again until its answer is neither false nor undefined, and returns that answer. Rejects after
 * `timeoutMs` with `what`, so that a message reads "waited 20000 ms for: the row to be SENDING".
 */
export async function until<T>(
  what: string,
  look: () => Promise<T | false | undefined> | T | false | undefined,
  { timeoutMs = 20_000, everyMs = 20 }: { timeoutMs?: number; everyMs?: number } = {},
): Promise<T> {
  const giveUpAtMs = performance.now() + timeoutMs;
  for (;;) {
    const found = await look();
    if (found !== undefined && found !== false) return found;
    if (performance.now() > giveUpAtMs) throw new Error(`waited ${timeoutMs} ms for: ${what}`);
    await wait(everyMs);
  }
}
