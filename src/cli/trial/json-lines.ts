const TOKEN = /"(?:[^"\\]|\\.)*"|[{}[\],:]|[^\s{}[\],:"]+|\n/gy;
const FIELD_SEGMENT = /(?:^|\.)([A-Za-z_]\w*)|\[("(?:[^"\\]|\\.)*"|[^\]]*)\]/g;

interface Container {
  readonly path: string;
  /** The index of the next item, or undefined in an object. */
  index: number | undefined;
  key: string | undefined;
}

/** Returns the line on which a field of the file stands, or on which the nearest thing around it stands. */
export type LineOf = (field: string) => number | undefined;

/**
 * Reads on which line each value of a JSON text stands. The fields that are asked for have the form of the API
 * (`api_schema.request_headers[X-Plan]`); the file may spell them `apiSchema`. Expects text that is JSON.
 */
export function linesOfJson(text: string): LineOf {
  const lines = new Map<string, number>();
  const stack: Container[] = [];
  let line = 1;
  // A member stands where its key stands.
  const begin = (): string => {
    const parent = stack.at(-1);
    if (parent === undefined) return '';
    const name = parent.index === undefined ? (parent.key ?? '') : String(parent.index);
    return join(parent.path, name);
  };
  for (const [token] of text.replace(/\r/g, ' ').matchAll(new RegExp(TOKEN.source, 'g'))) {
    const top = stack.at(-1);
    if (token === '\n') line += 1;
    else if (token === ':') continue;
    else if (token === ',') {
      if (top?.index === undefined) {
        if (top !== undefined) top.key = undefined;
      } else top.index += 1;
    } else if (token === '}' || token === ']') stack.pop();
    else if (top !== undefined && top.index === undefined && top.key === undefined) {
      top.key = String(JSON.parse(token));
      lines.set(begin(), line);
    } else {
      const path = begin();
      if (!lines.has(path)) lines.set(path, line);
      if (token === '{' || token === '[')
        stack.push({ path, index: token === '[' ? 0 : undefined, key: undefined });
    }
  }
  return (field) => nearestLine(lines, segmentsOf(field));
}

function nearestLine(lines: ReadonlyMap<string, number>, segments: readonly string[]): number | undefined {
  for (let length = segments.length; length > 0; length -= 1) {
    const line = lines.get(segments.slice(0, length).reduce(join, ''));
    if (line !== undefined) return line;
  }
  return undefined;
}

function segmentsOf(field: string): string[] {
  return Array.from(field.matchAll(FIELD_SEGMENT), ([, name, inner = '']) => {
    if (name !== undefined) return name;
    return inner.startsWith('"') ? String(JSON.parse(inner)) : inner;
  });
}

function join(path: string, name: string): string {
  return `${path}\0${name.toLowerCase().replaceAll('_', '')}`;
}
