import type { Template } from '../template/template.ts';

// oxlint-disable-next-line no-control-regex -- control characters are what it is for
const CONTROL = /[\u0000-\u001f\u007f-\u009f]/;

/** Reports whether a text has a control character, which a username and a password must not have (RFC 7617, 2). */
export function hasControl(text: string): boolean {
  return CONTROL.test(text);
}

/** Reports whether a text has visible ASCII characters only. (The tokens of RFC 6750, 2.1 are fewer.) */
export function isVisibleAscii(text: string): boolean {
  return /^[!-~]*$/.test(text);
}

const BASIC = /^[ \t]*basic(?:[ \t]+|$)/i;
const BASE64_PART = /^[A-Za-z0-9+/=]*$/;

/**
 * Returns the rule that the value of an `authorization` header breaks: what follows the word `Basic` must be base64
 * (RFC 7617, 2), as far as it is known before placeholders are filled in. Returns undefined for every other scheme.
 */
export function basicHeaderProblem([first, ...rest]: Template): string | undefined {
  if (typeof first !== 'string' || !BASIC.test(first)) return undefined;
  const credentials = [first.replace(BASIC, ''), ...rest].map((part, at) =>
    typeof part === 'string' && at === rest.length ? part.trimEnd() : part,
  );
  const isBase64 =
    rest.length === 0
      ? isCanonical(credentials.join(''))
      : credentials.every((part) => typeof part !== 'string' || BASE64_PART.test(part));
  return isBase64 ? undefined : NOT_BASE64;
}

const NOT_BASE64 =
  'is no base64 after "Basic": write username and password into auth.basic, which encodes them';

function isCanonical(text: string): boolean {
  return text !== '' && Buffer.from(text, 'base64').toString('base64') === text;
}
