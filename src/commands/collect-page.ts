import type { Page } from '../store/agent-store.ts';

const MAX_PAGE_BYTES = 1024 * 1024;

/** How one page of a list is read. */
export interface PageSource<T, K> {
  /** Reads up to `limit` items after a key, in the list's order. */
  readonly read: (limit: number, after: K | undefined) => Promise<Page<T, K>>;
  readonly keyOf: (item: T) => K;
  /** Items read at once: small where an item can be large, so that not all of a full page lies in memory. */
  readonly chunkSize: number;
}

/**
 * Reads up to `pageSize` items, but ends the page where its JSON would pass 1 MiB (one item always fits) and where the
 * store itself stopped early. `next` is absent at the end of the list only.
 */
export async function fillPage<T, K>(
  source: PageSource<T, K>,
  pageSize: number,
  start: K | undefined,
): Promise<Page<T, K>> {
  const items: T[] = [];
  let bytes = 0;
  let after = start;
  for (;;) {
    const limit = Math.min(source.chunkSize, pageSize - items.length);
    const page = await source.read(limit, after);
    for (const item of page.items) {
      bytes += Buffer.byteLength(JSON.stringify(item));
      if (items.length > 0 && bytes > MAX_PAGE_BYTES) return { items, next: after as K };
      items.push(item);
      after = source.keyOf(item);
    }
    if (page.next === undefined) return { items };
    const isShort = page.items.length < limit;
    if (isShort || items.length >= pageSize) return { items, next: page.next };
  }
}
