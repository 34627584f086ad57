// Each balancer of the library puts its own heading before the cause that the one below it gives.
const HEADINGS = /^(?:\w+: )?(?:No connection established\. Last error: )+(?:\w*Error: )?/;
// This heading often has nothing below it.
const EMPTY_NOTE = /\.?\s*Resolution note:\s*$/;

/**
 * Returns what the library says about a failed RPC, without what it repeats. Of a failed connection this is one sentence, such
 * as `no connection could be made: connect ECONNREFUSED 127.0.0.1:50051`.
 */
export function plainDetails(details: string): string {
  const text = details.replace(EMPTY_NOTE, '');
  const cause = text.replace(HEADINGS, '');
  if (cause === text) return text;
  // The library has the text of null where it knows no cause.
  return cause === 'null' ? 'no connection could be made' : `no connection could be made: ${cause}`;
}
