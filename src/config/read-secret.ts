import { readTextFile } from './schema.ts';

/**
 * Returns the text of a secret variable: its own value, or that of the file that `NAME_FILE` names.
 * @throws RangeError with the problem, when both are set or the file can't be read
 */
export function readSecret(
  env: Readonly<Record<string, string | undefined>>,
  name: string,
): string | undefined {
  const file = env[`${name}_FILE`];
  if (!file) return env[name];
  if (env[name]) throw new RangeError(`${name} and ${name}_FILE are both set: unset one of them`);
  try {
    return readTextFile(file);
  } catch (error) {
    throw new RangeError(`${name}_FILE ${(error as RangeError).message}`, { cause: error });
  }
}
