import type { Violation } from '../errors.ts';

const MAX_DEPTH = 24;
/** A list of a million bad numbers must not become a million sentences. */
const MAX_VIOLATIONS = 1000;
const IDENTIFIER = /^[A-Za-z_][A-Za-z0-9_]*$/;

/**
 * What keeps the value of a `google.protobuf.Struct` or `Value` field from being JSON: numbers that are not finite, list
 * entries without a kind, nesting deeper than `maxDepth` (a scalar has depth 0). `field` is the path of the field in the
 * request; paths go on as `field.key`, `field["odd key"]` or `field[0]`. Nothing is looked at below the greatest depth.
 */
export const jsonViolations = (field: string, value: unknown, maxDepth: number = MAX_DEPTH): Violation[] => {
  const violations: Violation[] = [];
  const add = (path: string, description: string): void => {
    if (violations.length < MAX_VIOLATIONS) violations.push({ field: path, description });
  };
  // Paths are put together only for the sentences that need them.
  const visitEach = (container: object, path: () => string, depth: number): void => {
    if (depth > maxDepth) return add(path(), `is nested deeper than ${maxDepth}`);
    if (Array.isArray(container)) {
      container.forEach((entry, index) => visit(entry, () => `${path()}[${index}]`, depth));
    } else {
      Object.entries(container).forEach(([key, entry]) => visit(entry, () => path() + step(key), depth));
    }
  };
  const visit = (entry: unknown, path: () => string, depth: number): void => {
    if (typeof entry === 'number' && !Number.isFinite(entry)) add(path(), 'must be a finite number');
    else if (entry === undefined) add(path(), 'must be a JSON value');
    else if (typeof entry === 'object' && entry !== null) visitEach(entry, path, depth + 1);
  };
  if (value !== undefined) visit(value, () => field, 0);
  return violations;
};

const step = (key: string): string => (IDENTIFIER.test(key) ? `.${key}` : `[${JSON.stringify(key)}]`);
