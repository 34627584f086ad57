const UUID = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/;
const NIL = '00000000-0000-0000-0000-000000000000';

/**
 * Returns a UUID in lower case, or undefined for a text that is none. It does not look at version and variant bits, so
 * that the ids of every platform pass. The nil UUID (RFC 9562, 5.9) does not pass.
 */
export function parseUuid(text: string): string | undefined {
  const uuid = text.toLowerCase();
  return UUID.test(uuid) && uuid !== NIL ? uuid : undefined;
}
