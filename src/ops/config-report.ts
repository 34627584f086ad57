import { tracingReport } from '../config/tracing.ts';
import { settingOf, VARIABLE_NAMES, type VariableName } from '../config/schema.ts';

type Environment = Readonly<Record<string, string | undefined>>;

/** Returns the settings in effect, one a line. A secret is shown as set or not set. Expects a valid environment. */
export function configReport(env: Environment): string {
  const width = Math.max(...VARIABLE_NAMES.map((name) => name.length));
  const settings = VARIABLE_NAMES.map((name) => `${name.padEnd(width)}  ${inEffect(env, name)}\n`);
  return `${settings.join('')}${tracingReport(env)}`;
}

/** Describes the keys of a process and of its database. */
interface KeyFacts {
  /** The ids of the keys that this process has. The first key encrypts. */
  readonly keyIds: readonly string[];
  /** The ids under which the database was used with another key. */
  readonly wrongIds: readonly string[];
  /** How many stored values each key encrypts. */
  readonly counts: ReadonlyMap<string, number>;
}

/** Returns how many stored values each key encrypts, one key a line, also for keys that encrypt none. */
export function keyReport({ keyIds, wrongIds, counts }: KeyFacts): string {
  const ids = [...new Set([...keyIds, ...counts.keys()])];
  if (ids.length === 0) return 'there is no encryption key yet, and nothing is encrypted\n';
  const note = (id: string): string => {
    if (!keyIds.includes(id)) return ' (KEY MISSING)';
    return wrongIds.includes(id) ? ' (WRONG KEY)' : '';
  };
  return ids.map((id) => `key ${id}: ${counts.get(id) ?? 0} stored values${note(id)}\n`).join('');
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
