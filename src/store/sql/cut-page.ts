const MAX_PAGE_BYTES = 1024 * 1024;

/**
 * Returns the first `pageSize` of these rows, or fewer where they come to more than 1 MiB. At least one row is returned,
 * so that every page goes on. `isCut` says whether there were more.
 */
export function cutPage<R>(
  rows: readonly R[],
  pageSize: number,
  bytesOf: (row: R) => number,
): { readonly items: readonly R[]; readonly isCut: boolean } {
  const items: R[] = [];
  let bytes = 0;
  for (const row of rows) {
    bytes += bytesOf(row);
    if (items.length === pageSize || (items.length > 0 && bytes > MAX_PAGE_BYTES))
      return { items, isCut: true };
    items.push(row);
  }
  return { items, isCut: false };
}
