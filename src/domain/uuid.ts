const UUID = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/;
const NIL = '00000000-0000-0000-0000-000000000000';

/**
 * The UUID in lower case; undefined for what is none. Version and variant bits are not looked at, so that every
 * platform's ids pass; the nil UUID (RFC 9562, 5.9) does not.
 */
export function parseUuid(text: string): string | undefined {
  const uuid = text.toLowerCase();
  return UUID.test(uuid) && uuid !== NIL ? uuid : undefined;
}
