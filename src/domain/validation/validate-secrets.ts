import { violationsOf, type Violation } from '../../errors.ts';
import { entryPath, itemPath } from './field-path.ts';
import { MAX_SECRET_BYTES, MAX_SECRETS, MAX_SIGNING_SECRETS } from '../limits.ts';
import { nameProblem } from './names.ts';
import { MASK } from '../redaction/redact.ts';

/** What a request changes of an agent's secrets, and what is stored of them. */
export interface SecretsChange {
  /** The secrets that are set or replaced, by name. */
  readonly secrets: Readonly<Record<string, string>>;
  readonly removeSecrets: readonly string[];
  /** Names of the secrets that are stored now. */
  readonly storedNames: ReadonlySet<string>;
  /** Names of the secrets that the agent's webhooks sign with. */
  readonly signingNames: ReadonlySet<string>;
}

/**
 * Validates the secrets of a request. `names` are those that the agent has afterwards. A request may remove a secret
 * that the agent does not have, so that it can be repeated. Descriptions never hold values.
 */
export function validateSecrets(change: SecretsChange): {
  readonly names: ReadonlySet<string>;
  readonly violations: readonly Violation[];
} {
  const { secrets, removeSecrets, storedNames, signingNames } = change;
  const removed = new Set(removeSecrets);
  const kept = [...storedNames].filter((name) => !removed.has(name));
  const names = new Set([...kept, ...Object.keys(secrets)]);
  const tooMany =
    names.size > MAX_SECRETS
      ? [{ field: 'secrets', description: `an agent must not have more than ${MAX_SECRETS} secrets` }]
      : [];
  const each = Object.entries(secrets)
    .slice(0, MAX_SECRETS)
    .flatMap(([name, value]): Violation[] => {
      const field = entryPath('secrets', name);
      return [
        ...violationsOf(field, nameProblem(name)),
        ...violationsOf(field, valueProblem(value, signingNames.has(name))),
      ];
    });
  return { names, violations: [...tooMany, ...each, ...removeViolations(change)] };
}

const BLANK_END = /^\s|\s$/;

function valueProblem(value: string, signs: boolean): string | undefined {
  if (value === '') return 'must not be empty; to remove a secret, name it in remove_secrets';
  if (Buffer.byteLength(value) > MAX_SECRET_BYTES) return `must not be larger than ${MAX_SECRET_BYTES} bytes`;
  if (value === MASK) return 'is a masked value: write the secret, or leave it out to keep it';
  if (BLANK_END.test(value)) {
    return 'must not begin or end with a blank or a line break (the last line break of a file is one)';
  }
  return signs ? signingSecretProblem(value) : undefined;
}

function removeViolations({ secrets, removeSecrets }: SecretsChange): Violation[] {
  const field = 'remove_secrets';
  const both = removeSecrets
    .slice(0, MAX_SECRETS)
    .flatMap((name, i) =>
      violationsOf(
        itemPath(field, i),
        Object.hasOwn(secrets, name) ? 'is set in the same request' : undefined,
      ),
    );
  const isTooMany = removeSecrets.length > MAX_SECRETS;
  return [
    ...violationsOf(field, isTooMany ? `must not be more than ${MAX_SECRETS} names` : undefined),
    ...both,
  ];
}

const UNKNOWN_SECRET = 'must be the name of a secret of the agent';

/** Returns the rule that a field breaks which has to name a secret of the agent, or undefined. */
export function secretNameProblem(name: string, secretNames: ReadonlySet<string>): string | undefined {
  if (name === '') return 'is required';
  return secretNames.has(name) ? undefined : UNKNOWN_SECRET;
}

/**
 * Returns the violations of `signing_secret_names`. A secret's value is validated where `secretValue` knows it now; the
 * save of a secret validates it again.
 */
export function signingViolations(
  names: readonly string[],
  field: string,
  secretNames: ReadonlySet<string>,
  secretValue: ((name: string) => string | undefined) | undefined,
): Violation[] {
  const problemOf = (name: string, i: number): string | undefined => {
    if (!secretNames.has(name)) return UNKNOWN_SECRET;
    if (names.indexOf(name) < i) return 'is named twice';
    const value = secretValue?.(name);
    return value === undefined ? undefined : signingSecretProblem(value);
  };
  const isTooMany = names.length > MAX_SIGNING_SECRETS;
  return [
    ...violationsOf(field, isTooMany ? `must not have more than ${MAX_SIGNING_SECRETS} secrets` : undefined),
    ...names
      .slice(0, MAX_SIGNING_SECRETS)
      .flatMap((name, i) => violationsOf(itemPath(field, i), problemOf(name, i))),
  ];
}

const PREFIX = 'whsec_';
const MIN_KEY_BYTES = 24;
const MAX_KEY_BYTES = 64;

// Standard Webhooks: `whsec_` and base64 of 24 to 64 bytes.
function signingSecretProblem(value: string): string | undefined {
  const text = value.slice(PREFIX.length);
  const key = Buffer.from(text, 'base64');
  // Node's decoder skips characters that are no base64; only the canonical form comes back the same.
  const isKey = value.startsWith(PREFIX) && key.toString('base64') === text;
  return isKey && key.length >= MIN_KEY_BYTES && key.length <= MAX_KEY_BYTES
    ? undefined
    : `a signing secret must be "${PREFIX}" followed by base64 of ${MIN_KEY_BYTES} to ${MAX_KEY_BYTES} bytes`;
}
