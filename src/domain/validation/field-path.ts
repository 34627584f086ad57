const IDENTIFIER = /^[A-Za-z_][A-Za-z0-9_]*$/;
const MAX_KEY_CHARS = 64;

function shortened(key: string): string {
  return key.length > MAX_KEY_CHARS ? `${key.slice(0, MAX_KEY_CHARS).toWellFormed()}…` : key;
}

/** Returns the path of a key in a JSON object: `body.d`, or `body["odd key"]`. A long key is cut. */
export function memberPath(path: string, key: string): string {
  return IDENTIFIER.test(key) && key.length <= MAX_KEY_CHARS
    ? `${path}.${key}`
    : `${path}[${JSON.stringify(shortened(key))}]`;
}

/** Returns the path of an item of a list: `assignments[0]`. */
export function itemPath(path: string, index: number): string {
  return `${path}[${index}]`;
}

/** Returns the path of an entry of a protobuf map: `request_headers[X-Plan]`. A long key is cut. */
export function entryPath(path: string, key: string): string {
  return `${path}[${shortened(key)}]`;
}
