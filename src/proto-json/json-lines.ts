const TOKEN = /"(?:[^"\\]|\\.)*"|[{}[\],:]|[^\s{}[\],:"]+|\s+/gy;
const FIELD_SEGMENT = /(?:^|\.)([A-Za-z_]\w*)|\[("(?:[^"\\]|\\.)*"|[^\]]*)\]/g;

/** A value of the text, with the values in it by their names or numbers. */
interface Place {
  readonly line: number;
  readonly inner: Map<string, Place>;
}

interface Container {
  readonly place: Place;
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
  const root: Place = { line: 1, inner: new Map() };
  const stack: Container[] = [{ place: root, index: 0, key: undefined }];
  let line = 1;
  for (const [token] of text.matchAll(new RegExp(TOKEN.source, 'g'))) {
    const top = stack.at(-1) as Container;
    if (token.trim() === '') line += token.split('\n').length - 1;
    else if (token === ':') continue;
    else if (token === ',') {
      if (top.index === undefined) top.key = undefined;
      else top.index += 1;
    } else if (token === '}' || token === ']') stack.pop();
    else if (top.index === undefined && top.key === undefined) {
      // A member stands where its key stands.
      top.key = nameIn(String(JSON.parse(token)));
      top.place.inner.set(top.key, { line, inner: new Map() });
    } else {
      const place = enter(top, line);
      if (token === '{' || token === '[')
        stack.push({ place, index: token === '[' ? 0 : undefined, key: undefined });
    }
  }
  const whole = root.inner.get('0') ?? root;
  return (field) => nearestLine(whole, segmentsOf(field));
}

function enter({ place, index, key = '' }: Container, line: number): Place {
  const name = index === undefined ? key : String(index);
  const known = place.inner.get(name);
  if (known !== undefined) return known;
  const inner = { line, inner: new Map() };
  place.inner.set(name, inner);
  return inner;
}

function nearestLine(whole: Place, segments: readonly string[]): number | undefined {
  let nearest: Place | undefined;
  for (const segment of segments) {
    const inner = (nearest ?? whole).inner.get(nameIn(segment));
    if (inner === undefined) break;
    nearest = inner;
  }
  return nearest?.line;
}

function segmentsOf(field: string): string[] {
  return Array.from(field.matchAll(FIELD_SEGMENT), ([, name, inner = '']) => {
    if (name !== undefined) return name;
    return inner.startsWith('"') ? String(JSON.parse(inner)) : inner;
  });
}

function nameIn(key: string): string {
  return key.toLowerCase().replaceAll('_', '');
}
