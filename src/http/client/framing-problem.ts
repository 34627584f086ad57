const LENGTH = 'Content-Length';
const CODING = 'Transfer-Encoding';

/**
 * Returns what is wrong with the headers that frame the body, for a head that the parser refused, or undefined if they are
 * fine. undici hides the parser's reason when a length stands before the mistake. `bytes` are those in which the parser
 * stopped; the rest of the head may be missing.
 */
export function framingProblem(bytes: Uint8Array): string | undefined {
  const head = Buffer.from(bytes).toString('latin1').split('\r\n\r\n', 1)[0] ?? '';
  const lengths = head.match(/^content-length[ \t]*:/gim)?.length ?? 0;
  if (lengths > 1) return `it has ${lengths} ${LENGTH} headers`;
  if (lengths === 1 && /^transfer-encoding[ \t]*:/im.test(head)) return `it has both ${LENGTH} and ${CODING}`;
  return undefined;
}
