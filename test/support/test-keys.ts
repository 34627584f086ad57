/** Returns an encryption key as CALLHOOKS_ENCRYPTION_KEYS takes it, all of whose 32 bytes are `fill`. */
export function keyOf(id: string, fill: number): string {
  return `${id}:${Buffer.alloc(32, fill).toString('base64')}`;
}

/** The encryption keys of tests that need no others. */
export const TEST_KEYS = keyOf('test', 7);
