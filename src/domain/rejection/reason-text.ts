import type { JsonValue } from '../json.ts';
import { MAX_REJECT_REASON_BYTES } from '../limits.ts';
import type { Masker } from '../redaction/redact.ts';
import { cutText, RECORD_MARGIN_BYTES } from '../redaction/redacted-record.ts';

const CONTROL_CHARACTERS = /[\p{Cc}\u2028\u2029]+/gu;

/**
 * Returns a value of a response as the reason of a rejection, in at most 256 bytes of UTF-8, cut at a character. A number or
 * a bool is written as a text; null, a list or an object is no reason. Secrets are masked. One blank stands for control
 * characters and line breaks, because the reason goes into log lines and onto screens.
 */
export function reasonText(value: JsonValue | undefined, mask: Masker): string {
  if (value === undefined || value === null || typeof value === 'object') return '';
  const text = String(value);
  const near = text.slice(0, MAX_REJECT_REASON_BYTES + RECORD_MARGIN_BYTES).toWellFormed();
  // A secret may hold line breaks, so it is masked before they are replaced.
  const masked = mask(near, near.length < text.length).replace(CONTROL_CHARACTERS, ' ');
  return cutText(masked.trim(), MAX_REJECT_REASON_BYTES).trimEnd();
}
