/** Returns the 16 bytes of a UUID text. Throws a TypeError for any other text: ids are checked before they get here. */
export function toBytes(uuid: string): Buffer {
  const hex =
    uuid.slice(0, 8) + uuid.slice(9, 13) + uuid.slice(14, 18) + uuid.slice(19, 23) + uuid.slice(24, 36);
  const bytes = Buffer.from(hex, 'hex');
  if (bytes.length !== 16 || uuid.length !== 36) throw new TypeError('not a UUID');
  return bytes;
}

/** Returns the UUID text (8-4-4-4-12, lower case) of 16 stored bytes. */
export function toUuid(bytes: Uint8Array): string {
  const hex = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('hex');
  return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-${hex.slice(12, 16)}-${hex.slice(16, 20)}-${hex.slice(20)}`;
}
