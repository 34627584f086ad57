/** What a mark stands for: `{body}`, `{timestamp}`, `{execution_uuid}`, `{signature}`. */
export type Mark = 'body' | 'timestamp' | 'execution_uuid' | 'signature';

/** A text with marks, taken apart: literals, and marks as objects. */
export type MarkedText = readonly (string | { readonly mark: Mark })[];

/** A parsed text, or the rule that it breaks. */
type ParsedMarks =
  | { readonly ok: true; readonly parts: MarkedText }
  | { readonly ok: false; readonly error: string };

/** Parses a text with marks in single braces. Each `{` must begin one of the marks; there is no escape. */
export function parseMarkedText(text: string, marks: readonly Mark[]): ParsedMarks {
  const parts: (string | { mark: Mark })[] = [];
  let done = 0;
  for (let at = text.indexOf('{'); at !== -1; at = text.indexOf('{', done)) {
    const mark = marks.find((each) => text.startsWith(`{${each}}`, at));
    if (mark === undefined) return refusal(at, marks);
    if (at > done) parts.push(text.slice(done, at));
    parts.push({ mark });
    done = at + mark.length + 2;
  }
  if (done < text.length) parts.push(text.slice(done));
  return { ok: true, parts };
}

function refusal(at: number, marks: readonly Mark[]): ParsedMarks {
  const known = marks.map((mark) => `{${mark}}`).join(', ');
  return { ok: false, error: `"{" must begin one of ${known}; character ${at + 1} begins none of them` };
}

/** Returns the marks of a text in order of use. */
export function marksOf(parts: MarkedText): readonly Mark[] {
  return parts.flatMap((part) => (typeof part === 'string' ? [] : [part.mark]));
}

/** Returns a text with the values of its marks. */
export function fillMarks(parts: MarkedText, values: Readonly<Record<Mark, string>>): string {
  let text = '';
  for (const part of parts) text += typeof part === 'string' ? part : values[part.mark];
  return text;
}
