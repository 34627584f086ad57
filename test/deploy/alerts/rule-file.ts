import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

/** The file of the alert rules. */
export const RULE_FILE = fileURLToPath(
  new URL('../../../deploy/prometheus/callhooks.rules.yml', import.meta.url),
);

/** Returns the names of all alerts, in the order of the file. */
export function alertNames(): readonly string[] {
  return Array.from(
    readFileSync(RULE_FILE, 'utf8').matchAll(/^ *- alert: (\w+)$/gm),
    ([, name = '']) => name,
  );
}
