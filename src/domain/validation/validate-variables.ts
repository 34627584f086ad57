import { violationsOf, type Violation } from '../../errors.ts';
import { valueTooLarge } from './validate-assignments.ts';
import { jsonProblems } from './validate-json.ts';
import { memberPath } from './field-path.ts';
import { asStored, jsonBytes, type JsonObject, type JsonValue } from '../json.ts';
import { MAX_VARIABLES, MAX_VARIABLES_BYTES } from '../limits.ts';
import { nameProblem } from './names.ts';
import { parseTemplate, wholePlaceholder } from '../template/template.ts';
import { MASK } from '../redaction/redact.ts';

// A Struct full of bad names must not become as many sentences.
const MAX_VIOLATIONS = 1000;

const TOO_LARGE_TOGETHER = `must not be larger than ${MAX_VARIABLES_BYTES} bytes of JSON together`;

/**
 * Returns the violations of the dynamic variables of a request: names that an agent could not declare, values that are
 * no JSON, too deep or too large, and their size together. `field` is their path in the request. It does not look at
 * the variables behind the one that makes them too large together.
 */
export function variablesViolations(variables: JsonObject, field: string): Violation[] {
  const violations: Violation[] = [];
  let total = 1;
  for (const [name, value] of Object.entries(variables)) {
    // This key can't cross the API: it is dropped wherever it stands.
    if (name === '__proto__') continue;
    const path = memberPath(field, name);
    const problems = jsonProblems(value, path);
    const bytes = problems.length > 0 ? 0 : jsonBytes(value);
    total += jsonBytes(name) + bytes + 2;
    violations.push(
      ...violationsOf(path, nameProblem(name)),
      ...problems,
      ...violationsOf(path, valueTooLarge(bytes)),
    );
    if (violations.length >= MAX_VIOLATIONS) return violations.slice(0, MAX_VIOLATIONS);
    if (total > MAX_VARIABLES_BYTES) return [...violations, ...violationsOf(field, TOO_LARGE_TOGETHER)];
  }
  return violations;
}

/** Returns the violations of an agent's defaults: those of {@link variablesViolations}, too many of them, and masks. */
export function declaredVariablesViolations(defaults: JsonObject, field: string): Violation[] {
  const entries = Object.entries(defaults);
  const masked = entries.filter(([, value]) => value === MASK).map(([name]) => memberPath(field, name));
  return [
    ...violationsOf(
      field,
      entries.length > MAX_VARIABLES ? `must not be more than ${MAX_VARIABLES} variables` : undefined,
    ),
    ...variablesViolations(defaults, field),
    ...masked.map((path) => ({ field: path, description: 'is a masked value: write the value' })),
  ];
}

/**
 * Returns defaults as they are stored. A default that is exactly its own placeholder (`"x": "{{x}}"`, a habit of other
 * tools) becomes null. It recurses: check the depth first.
 */
export function storedDefaults(defaults: JsonObject): JsonObject {
  const stored = Object.entries(asStored(defaults) as JsonObject);
  return Object.fromEntries(
    stored.map(([name, value]) => [name, isOwnPlaceholder(name, value) ? null : value]),
  );
}

function isOwnPlaceholder(name: string, value: JsonValue): boolean {
  if (typeof value !== 'string') return false;
  const parsed = parseTemplate(value, { escapes: true });
  return parsed.ok && wholePlaceholder(parsed.template)?.text === name;
}
