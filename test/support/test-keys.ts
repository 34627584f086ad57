/** Encryption keys that only tests use, as CALLHOOKS_ENCRYPTION_KEYS takes them. */
export const TEST_KEYS = `test:${Buffer.alloc(32, 7).toString('base64')}`;
