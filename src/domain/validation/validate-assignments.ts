import { violationsOf, type Violation } from '../../errors.ts';
import { configValueProblems } from './validate-json.ts';
import { itemPath } from './field-path.ts';
import { jsonBytes } from '../json.ts';
import { attributeNameProblem } from '../assignments/attribute-spelling.ts';
import { EVERY_VARIABLE, isObjectRule } from '../assignments/compile-assignments.ts';
import { MAX_ASSIGNMENTS, MAX_VARIABLE_BYTES } from '../limits.ts';
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
  return [
    ...tooMany,
    ...limited.flatMap((rule, i) => ruleViolations(rule, itemPath(field, i), declared)),
    ...objectRuleViolations(limited, field),
  ];
}

function ruleViolations(rule: AssignmentDraft, path: string, declared: ReadonlySet<string>): Violation[] {
  const isKnownSource = rule.source === '' || rule.source === 'response';
  return [
    ...violationsOf(
      `${path}.source`,
      isKnownSource ? undefined : 'must be "response" (or empty, which means that)',
    ),
    ...violationsOf(`${path}.attribute_name`, attributeNameProblem(rule.attributeName)),
    ...violationsOf(`${path}.dynamic_variable`, variableProblem(rule.dynamicVariable, declared)),
    ...defaultViolations(rule, `${path}.default_value`),
  ];
}

function variableProblem(name: string, declared: ReadonlySet<string>): string | undefined {
  if (name === '') return 'is required';
  return declared.has(name) || name === EVERY_VARIABLE
    ? undefined
    : `must be a declared dynamic variable of the agent, or "${EVERY_VARIABLE}" for all of them`;
}

function objectRuleViolations(rules: readonly AssignmentDraft[], field: string): Violation[] {
  const [, ...more] = [...rules.keys()].filter((i) => isObjectRule(rules[i] as AssignmentDraft));
  return more.map((i) => ({
    field: `${itemPath(field, i)}.dynamic_variable`,
    description: `must be "${EVERY_VARIABLE}" in one assignment only`,
  }));
}

function defaultViolations(rule: AssignmentDraft, field: string): Violation[] {
  const { required, defaultValue } = rule;
  if (defaultValue === undefined) return [];
  if (isObjectRule(rule))
    return [{ field, description: "can't be the default of all variables: declare their defaults" }];
  if (required) return [{ field, description: "a required assignment can't have a default value" }];
  if (defaultValue === MASK) return [{ field, description: 'is a masked value: write the value' }];
  const problems = configValueProblems(defaultValue, field);
  if (problems.length > 0) return problems;
  const description = valueTooLarge(jsonBytes(defaultValue));
  return description === undefined ? [] : [{ field, description }];
}
