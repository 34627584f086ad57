import { violationsOf, type Violation } from '../../errors.ts';
import { configValueProblems } from './validate-json.ts';
import { itemPath } from './field-path.ts';
import { jsonBytes } from '../json.ts';
import {
  MAX_ASSIGNMENTS,
  MAX_ATTRIBUTE_NAME_BYTES,
  MAX_PATH_SEGMENTS,
  MAX_VARIABLE_BYTES,
} from '../limits.ts';
import { MASK } from '../redaction/redact.ts';
import type { AssignmentDraft } from '../webhook-draft.ts';

/** Returns the rule that a value of this many bytes of compact JSON breaks as a dynamic variable, or undefined. */
export function valueTooLarge(bytes: number): string | undefined {
  return bytes > MAX_VARIABLE_BYTES
    ? `must not be larger than ${MAX_VARIABLE_BYTES} bytes of JSON`
    : undefined;
}

/** Returns the violations of a pre-call webhook's assignments. `declared` holds the agent's dynamic variables. */
export function assignmentViolations(
  rules: readonly AssignmentDraft[],
  field: string,
  declared: ReadonlySet<string>,
): Violation[] {
  const tooMany =
    rules.length > MAX_ASSIGNMENTS
      ? [{ field, description: `must not have more than ${MAX_ASSIGNMENTS} assignments` }]
      : [];
  const limited = rules.slice(0, MAX_ASSIGNMENTS);
  return [...tooMany, ...limited.flatMap((rule, i) => ruleViolations(rule, itemPath(field, i), declared))];
}

function ruleViolations(rule: AssignmentDraft, path: string, declared: ReadonlySet<string>): Violation[] {
  const isKnownSource = rule.source === '' || rule.source === 'response';
  return [
    ...violationsOf(
      `${path}.source`,
      isKnownSource ? undefined : 'must be "response" (or empty, which means that)',
    ),
    ...violationsOf(`${path}.attribute_name`, attributeProblem(rule.attributeName)),
    ...violationsOf(`${path}.dynamic_variable`, variableProblem(rule.dynamicVariable, declared)),
    ...defaultViolations(rule, `${path}.default_value`),
  ];
}

function attributeProblem(name: string): string | undefined {
  if (name === '') return 'is required';
  if (Buffer.byteLength(name) > MAX_ATTRIBUTE_NAME_BYTES) {
    return `must not be larger than ${MAX_ATTRIBUTE_NAME_BYTES} bytes`;
  }
  return name.split('.').length > MAX_PATH_SEGMENTS
    ? `must not be a path of more than ${MAX_PATH_SEGMENTS} segments`
    : undefined;
}

function variableProblem(name: string, declared: ReadonlySet<string>): string | undefined {
  if (name === '') return 'is required';
  return declared.has(name) ? undefined : 'must be a declared dynamic variable of the agent';
}

function defaultViolations({ required, defaultValue }: AssignmentDraft, field: string): Violation[] {
  if (defaultValue === undefined) return [];
  if (required) return [{ field, description: "a required assignment can't have a default value" }];
  if (defaultValue === MASK) return [{ field, description: 'is a masked value: write the value' }];
  const problems = configValueProblems(defaultValue, field);
  if (problems.length > 0) return problems;
  const description = valueTooLarge(jsonBytes(defaultValue));
  return description === undefined ? [] : [{ field, description }];
}
