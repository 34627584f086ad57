const IDENTIFIER = /^[A-Za-z_][A-Za-z0-9_]*$/;
const MAX_KEY_CHARS = 64;

function shortened(key: string): string {
  return key.length > MAX_KEY_CHARS ? `${key.slice(0, MAX_KEY_CHARS).toWellFormed()}…` : key;
}

/** The path of a key in a JSON object: `body.d`, or `body["odd key"]`; a long key is cut. */
export function memberPath(path: string, key: string): string {
  return IDENTIFIER.test(key) && key.length <= MAX_KEY_CHARS
    ? `${path}.${key}`
    : `${path}[${JSON.stringify(shortened(key))}]`;
}

/** The path of an item of a list: `assignments[0]`. */
export function itemPath(path: string, index: number): string {
  return `${path}[${index}]`;
}

/** The path of an entry of a protobuf map: `request_headers[X-Plan]`; a long key is cut. */
export function entryPath(path: string, key: string): string {
  return `${path}[${shortened(key)}]`;
}
