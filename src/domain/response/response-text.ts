import type { HttpHeader } from '../execution.ts';

const OPTIONS = { fatal: true, ignoreBOM: true } as const;
const utf8 = new TextDecoder('utf-8', OPTIONS);

/**
 * Returns a body as text, with its byte order marks: as UTF-8, or in the charset that its content type declares (a name of
 * the WHATWG Encoding standard) if the bytes are not UTF-8. A byte order mark of UTF-16 goes before the content type.
 * Returns undefined if the bytes are no text in either of them. A body that `isCut` may end within a character.
 */
export function responseText(
  bytes: Uint8Array,
  headers: readonly HttpHeader[],
  isCut = false,
): string | undefined {
  const text = isCut ? decode('utf-8', bytes, true) : decodeUtf8(bytes);
  // UTF-16 of ASCII letters is valid UTF-8 with a NUL beside each letter.
  if (text !== undefined && !bytes.includes(0)) return text;
  const charset = utf16Mark(bytes) ?? declaredCharset(headers);
  if (charset === undefined) return text;
  return decode(charset, bytes, isCut) ?? text;
}

function decodeUtf8(bytes: Uint8Array): string | undefined {
  try {
    return utf8.decode(bytes);
  } catch {
    return undefined;
  }
}

// The constructor throws for an unknown charset. As part of a stream, the bytes may end within a character.
function decode(charset: string, bytes: Uint8Array, isCut: boolean): string | undefined {
  try {
    return new TextDecoder(charset, OPTIONS).decode(bytes, { stream: isCut });
  } catch {
    return undefined;
  }
}

function utf16Mark([first, second]: Uint8Array): string | undefined {
  if (first === 0xff && second === 0xfe) return 'utf-16le';
  return first === 0xfe && second === 0xff ? 'utf-16be' : undefined;
}

/** Returns the first content type of a response, if it has one. */
export function contentTypeOf(headers: readonly HttpHeader[]): string | undefined {
  return headers.find(({ name }) => name.toLowerCase() === 'content-type')?.value;
}

/** Returns the charset that the content type declares, if it declares one. */
export function declaredCharset(headers: readonly HttpHeader[]): string | undefined {
  return /;[ \t]*charset[ \t]*=[ \t]*"?([^\s";,]{1,40})/i.exec(contentTypeOf(headers) ?? '')?.[1];
}
