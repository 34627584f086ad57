const IDENTIFIER = /^[A-Za-z_][A-Za-z0-9_]*$/;
const MAX_KEY_CHARS = 64;

const shortened = (key: string): string =>
  key.length > MAX_KEY_CHARS ? `${key.slice(0, MAX_KEY_CHARS).toWellFormed()}…` : key;

/** The path of a key in a JSON object: `body.d`, or `body["odd key"]`; a long key is cut. */
export const memberPath = (path: string, key: string): string =>
  IDENTIFIER.test(key) && key.length <= MAX_KEY_CHARS
    ? `${path}.${key}`
    : `${path}[${JSON.stringify(shortened(key))}]`;

/** The path of an item of a list: `assignments[0]`. */
export const itemPath = (path: string, index: number): string => `${path}[${index}]`;

/** The path of an entry of a protobuf map: `request_headers[X-Plan]`; a long key is cut. */
export const entryPath = (path: string, key: string): string => `${path}[${shortened(key)}]`;
