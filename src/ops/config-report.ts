import { settingOf, VARIABLE_NAMES, type VariableName } from '../config/schema.ts';

type Environment = Readonly<Record<string, string | undefined>>;

/** Returns the settings in effect, one a line. A secret is shown as set or not set. Expects a valid environment. */
export function configReport(env: Environment): string {
  const width = Math.max(...VARIABLE_NAMES.map((name) => name.length));
  return VARIABLE_NAMES.map((name) => `${name.padEnd(width)}  ${inEffect(env, name)}\n`).join('');
}

/** Returns how many stored values each key encrypts, one key a line, also for keys that encrypt none. */
export function keyReport(keyIds: readonly string[], counts: ReadonlyMap<string, number>): string {
  const ids = [...new Set([...keyIds, ...counts.keys()])];
  if (ids.length === 0) return 'there is no encryption key yet, and nothing is encrypted\n';
  const line = (id: string) =>
    `key ${id}: ${counts.get(id) ?? 0} stored values${keyIds.includes(id) ? '' : ' (KEY MISSING)'}\n`;
  return ids.map(line).join('');
}

function inEffect(env: Environment, name: VariableName): string {
  const setting = settingOf(name);
  // The backticks of the documentation are noise on a terminal.
  const fallback = setting.default.replaceAll('`', '');
  const text = env[name]?.trim();
  if (!setting.secret)
    return text || (fallback.startsWith('(') ? fallback : `${fallback || '(none)'}  (default)`);
  const file = env[`${name}_FILE`]?.trim();
  if (file) return `set, from ${file}`;
  return text ? 'set' : `not set ${fallback}`;
}
