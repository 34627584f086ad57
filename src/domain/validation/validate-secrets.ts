import type { Violation } from '../../errors.ts';
import { signingSecretProblem } from './check-signing.ts';
import { entryPath, itemPath } from './field-path.ts';
import { MAX_SECRET_BYTES, MAX_SECRETS } from '../limits.ts';
import { secretNameProblem } from './names.ts';
import { MASK } from '../redaction/redact.ts';

/** What a request does to an agent's secrets, and what it finds. */
export interface SecretsChange {
  /** Set or replaced, by name. */
  readonly secrets: Readonly<Record<string, string>>;
  readonly removeSecrets: readonly string[];
  /** Names of the secrets that are stored now. */
  readonly storedNames: ReadonlySet<string>;
  /** Names that the agent's webhooks sign with. */
  readonly signingNames: ReadonlySet<string>;
}

function valueProblem(value: string, signs: boolean): string | undefined {
  if (value === '') return 'must not be empty; to remove a secret, name it in remove_secrets';
  if (Buffer.byteLength(value) > MAX_SECRET_BYTES) return `must not be larger than ${MAX_SECRET_BYTES} bytes`;
  if (value === MASK) return 'is a masked value: write the secret, or leave it out to keep it';
  return signs ? signingSecretProblem(value) : undefined;
}

function removeViolations({ secrets, removeSecrets }: SecretsChange): Violation[] {
  const field = 'remove_secrets';
  const looked = removeSecrets.slice(0, MAX_SECRETS);
  const tooMany =
    removeSecrets.length > MAX_SECRETS
      ? [{ field, description: `must not be more than ${MAX_SECRETS} names` }]
      : [];
  const both = looked.flatMap((name, i): Violation[] =>
    Object.hasOwn(secrets, name)
      ? [{ field: itemPath(field, i), description: 'is set in the same request' }]
      : [],
  );
  return [...tooMany, ...both];
}

/**
 * Checks the secrets of a request; `names` are those that the agent has afterwards. Removing a secret that the agent
 * does not have is fine, so that a request can be repeated. Descriptions never hold values.
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
      const problems = [secretNameProblem(name), valueProblem(value, signingNames.has(name))];
      return problems
        .filter((description) => description !== undefined)
        .map((description) => ({ field, description }));
    });
  return { names, violations: [...tooMany, ...each, ...removeViolations(change)] };
}
