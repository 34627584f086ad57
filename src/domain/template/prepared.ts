import type { Spell } from './escape.ts';
import type { Placeholder, Template } from './template.ts';
import { MASK } from '../redaction/redact.ts';

/** A placeholder with the way its value is written where it stands. */
export interface Slot {
  readonly placeholder: Placeholder;
  readonly spell: Spell;
  /** What stands here instead of a secret in a record. */
  readonly masked: string;
}

/** Text that is ready to be walked: literals, already in their final form, and slots. */
export type Prepared = readonly (string | Slot)[];

/** Prepares a template: `literal` brings its own text into final form once, `spell` writes the values. */
export function prepare(
  template: Template,
  spell: Spell,
  literal: (text: string) => string = (text) => text,
): Prepared {
  return template.map((part) =>
    typeof part === 'string' ? literal(part) : { placeholder: part, spell, masked: MASK },
  );
}

/** The same with neighbouring literals joined. */
export function joinLiterals(parts: Prepared): Prepared {
  const joined: (string | Slot)[] = [];
  for (const part of parts) {
    const last = joined.at(-1);
    if (typeof part === 'string' && typeof last === 'string') joined[joined.length - 1] = last + part;
    else joined.push(part);
  }
  return joined;
}

/** Whether a secret may land in it. */
export function hasSecret(parts: Prepared): boolean {
  return parts.some((part) => typeof part === 'object' && part.placeholder.segments[0] === 'secret');
}
