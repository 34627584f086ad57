import { MASK } from '../redaction/redact.ts';
import { asText, type Escape } from './escape.ts';
import { isSecret, type Placeholder, type Template } from './template.ts';

/** A placeholder with the escape of the place where it stands. */
export interface CompiledPlaceholder {
  readonly placeholder: Placeholder;
  readonly escape: Escape;
  /** The text that stands here in a record when the value is a secret. */
  readonly masked: string;
}

/** A template that is ready to be rendered: literals in their final form, and placeholders with their escapes. */
export type CompiledTemplate = readonly (string | CompiledPlaceholder)[];

/**
 * Compiles a template. `writeLiteral` brings its own text into final form now, and `escape` will write the values of its
 * placeholders for each run.
 */
export function compileTemplate(
  template: Template,
  escape: Escape,
  writeLiteral: (text: string) => string = asText,
): CompiledTemplate {
  return template.map((part) =>
    typeof part === 'string' ? writeLiteral(part) : { placeholder: part, escape, masked: MASK },
  );
}

/** Returns a template with each run of neighbouring literals joined into one. */
export function joinLiterals(template: CompiledTemplate): CompiledTemplate {
  const joined: (string | CompiledPlaceholder)[] = [];
  for (const part of template) {
    const last = joined.at(-1);
    if (typeof part === 'string' && typeof last === 'string') joined[joined.length - 1] = last + part;
    else joined.push(part);
  }
  return joined;
}

/** Reports whether a secret may land in a template. */
export function hasSecret(template: CompiledTemplate): boolean {
  return template.some((part) => typeof part === 'object' && isSecret(part.placeholder));
}
