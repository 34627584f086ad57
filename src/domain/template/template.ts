/** A placeholder of a template: `{{customer.address.city}}`. */
export interface Placeholder {
  readonly segments: readonly string[];
  /** The dotted path as it is written, without braces and blanks. */
  readonly text: string;
}

/**
 * A parsed template: literal texts and placeholders in order. Neighbouring literals are one string, and none is empty.
 */
export type Template = readonly (string | Placeholder)[];

/** A parsed template, or the rule that its text breaks. The error gives the position and never the text. */
type ParsedTemplate =
  | { readonly ok: true; readonly template: Template }
  | { readonly ok: false; readonly error: string };

const OPEN = '{{';

/**
 * Parses a template. With `escapes`, `\{{` is a literal `{{`. Any other `{{` has to begin a placeholder. There is no
 * other escape: `\\{{` is a backslash and a literal `{{`.
 */
export function parseTemplate(text: string, options: { readonly escapes: boolean }): ParsedTemplate {
  const template: (string | Placeholder)[] = [];
  let literal = '';
  let done = 0;
  for (let at = text.indexOf(OPEN); at !== -1; at = text.indexOf(OPEN, done)) {
    if (options.escapes && text[at - 1] === '\\') {
      literal += text.slice(done, at - 1) + OPEN;
      done = at + OPEN.length;
      continue;
    }
    const found = placeholderAt(text, at);
    if (found === undefined) return refusal(at, options.escapes);
    literal += text.slice(done, at);
    if (literal !== '') template.push(literal);
    template.push(found.placeholder);
    literal = '';
    done = found.end;
  }
  literal += text.slice(done);
  if (literal !== '') template.push(literal);
  return { ok: true, template };
}

const PLACEHOLDER = /\{\{[ \t]*([\w-]{1,64}(?:\.[\w-]{1,64}){0,15})[ \t]*\}\}/y;

function placeholderAt(text: string, at: number): { placeholder: Placeholder; end: number } | undefined {
  PLACEHOLDER.lastIndex = at;
  const path = PLACEHOLDER.exec(text)?.[1];
  if (path === undefined) return undefined;
  return { placeholder: { segments: path.split('.'), text: path }, end: PLACEHOLDER.lastIndex };
}

const RULE =
  '"{{" must begin a placeholder like {{name}} or {{name.path.0}} ' +
  '(at most 16 segments of 1 to 64 letters, digits, "_" or "-")';

function refusal(at: number, escapes: boolean): ParsedTemplate {
  const literal = escapes ? 'a literal "{{" is written "\\{{"' : 'a literal "{{" is written "%7B%7B"';
  return { ok: false, error: `${RULE}; ${literal}; the template breaks this rule at character ${at + 1}` };
}

/** Reports whether a placeholder stands for a secret of the agent. */
export function isSecret({ segments }: Placeholder): boolean {
  return segments[0] === 'secret';
}

/** Returns the placeholders of a template in order of use; a placeholder that is used twice is there twice. */
export function placeholdersOf(template: Template): readonly Placeholder[] {
  return template.filter((part) => typeof part !== 'string');
}

/** Returns the placeholder of a template that is one placeholder and nothing else; undefined for any other template. */
export function wholePlaceholder(template: Template): Placeholder | undefined {
  const [only] = template;
  return template.length === 1 && typeof only === 'object' ? only : undefined;
}
