import type { Violation } from '../../errors.ts';
import { itemPath } from './field-path.ts';
import { MAX_SIGNING_SECRETS } from '../limits.ts';

const PREFIX = 'whsec_';
const MIN_KEY_BYTES = 24;
const MAX_KEY_BYTES = 64;

/** Which rule a secret breaks as a signing secret (Standard Webhooks: `whsec_` and base64 of 24 to 64 bytes). */
export function signingSecretProblem(value: string): string | undefined {
  const text = value.slice(PREFIX.length);
  const key = Buffer.from(text, 'base64');
  // Node's decoder skips what is no base64; only the canonical spelling comes back the same.
  const isKey = value.startsWith(PREFIX) && key.toString('base64') === text;
  return isKey && key.length >= MIN_KEY_BYTES && key.length <= MAX_KEY_BYTES
    ? undefined
    : `a signing secret must be "${PREFIX}" followed by base64 of ${MIN_KEY_BYTES} to ${MAX_KEY_BYTES} bytes`;
}

/**
 * The violations of `signing_secret_names`. A value is checked where `secretValue` knows it now; the save of a secret
 * checks it again.
 */
export function signingViolations(
  names: readonly string[],
  field: string,
  secretNames: ReadonlySet<string>,
  secretValue: ((name: string) => string | undefined) | undefined,
): Violation[] {
  const problemOf = (name: string, i: number): string | undefined => {
    if (!secretNames.has(name)) return 'must be the name of a secret of the agent';
    if (names.indexOf(name) < i) return 'is named twice';
    const value = secretValue?.(name);
    return value === undefined ? undefined : signingSecretProblem(value);
  };
  const tooMany =
    names.length > MAX_SIGNING_SECRETS
      ? [{ field, description: `must not have more than ${MAX_SIGNING_SECRETS} secrets` }]
      : [];
  const each = names.slice(0, MAX_SIGNING_SECRETS).flatMap((name, i): Violation[] => {
    const description = problemOf(name, i);
    return description === undefined ? [] : [{ field: itemPath(field, i), description }];
  });
  return [...tooMany, ...each];
}
