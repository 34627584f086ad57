import { hash } from 'node:crypto';

/** Returns the SHA-256 of a text in base64url, from which the text can't be read back. */
export function hashText(text: string): string {
  return hash('sha256', text, 'base64url');
}
