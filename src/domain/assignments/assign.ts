import type { Assignment } from '../agent.ts';
import type { VariableSource } from '../call.ts';
import type { MissedAssignment, MissReason } from '../execution.ts';
import { failureOf, type Failure } from '../failures.ts';
import type { JsonObject, JsonValue } from '../json.ts';
import { createVariableRoom, type AddVariable } from '../variables.ts';
import { memberOf, readAttribute } from './attribute-path.ts';
import { EVERY_VARIABLE, type CompiledAssignment, type CompiledAssignments } from './compile-assignments.ts';
import { createValueCheck, type CheckValue } from './value-check.ts';

/**
 * The result of a response's assignments. `missed` lists the rules that assigned no value, in their order; those of an
 * object rule come last.
 */
export type Assigned =
  | {
      readonly ok: true;
      readonly assigned: JsonObject;
      readonly sources: Readonly<Record<string, VariableSource>>;
      readonly missed: readonly MissedAssignment[];
    }
  | { readonly ok: false; readonly failure: Failure; readonly missed: readonly MissedAssignment[] };

/**
 * Assigns attributes of a response to dynamic variables and keeps their types. `body` is undefined when the response
 * holds nothing; `variables` are those of the conversation before. Of two rules for one variable the later one that
 * finds a value wins; a default is used only where no rule found a value. The object rule takes the variables for which no
 * other rule found a value.
 *
 * These count as not found: null (unless `assignNull`), an empty text (with `skipEmpty`), and a value that is too large
 * (16 KiB, or 256 KiB for the conversation's variables together) or too deep (24). When a required rule finds nothing, all
 * rules fail and nothing is assigned.
 */
export function assign(
  { rules, objectRule, declared }: CompiledAssignments,
  body: JsonValue | undefined,
  variables: JsonObject,
): Assigned {
  const run: Run = {
    assigned: {},
    sources: {},
    missed: [],
    checkValue: createValueCheck(),
    add: createVariableRoom(variables),
  };
  for (const { rule, path } of rules) takeValue(run, rule, readAttribute(body, path));
  if (objectRule !== undefined) takeMembers(run, objectRule, body, declared);
  const left = applyDefaults(run);
  const missed = left.map(toMissedAssignment);
  const required = left.find(({ rule }) => rule.required);
  if (required !== undefined) return { ok: false, failure: missingRequired(required, body), missed };
  return { ok: true, assigned: run.assigned, sources: run.sources, missed };
}

/** One run of a webhook's rules. */
interface Run {
  readonly assigned: JsonObject;
  readonly sources: Record<string, VariableSource>;
  readonly missed: Missed[];
  readonly checkValue: CheckValue;
  readonly add: AddVariable;
}

interface Missed {
  readonly rule: Assignment;
  readonly reason: MissReason;
}

function takeValue(run: Run, rule: Assignment, value: JsonValue | undefined): void {
  const reason = missReason(run, rule, value);
  if (reason !== undefined) run.missed.push({ rule, reason });
  else if (value !== undefined) {
    run.assigned[rule.dynamicVariable] = value;
    run.sources[rule.dynamicVariable] = 'assignment';
  }
}

function missReason(
  { checkValue, add }: Run,
  { dynamicVariable, assignNull, skipEmpty }: Assignment,
  value: JsonValue | undefined,
): MissReason | undefined {
  if (value === undefined) return 'not_found';
  if (value === null && assignNull !== true) return 'is_null';
  if (value === '' && skipEmpty === true) return 'is_empty';
  return checkValue(value) ?? (add(dynamicVariable, value) ? undefined : 'too_large');
}

// The loop is over the declared names: an endpoint may send any number of members. A member that is not there is no miss.
function takeMembers(
  run: Run,
  { rule, path }: CompiledAssignment,
  body: JsonValue | undefined,
  declared: readonly string[],
): void {
  const object = readAttribute(body, path);
  if (typeof object !== 'object' || object === null || Array.isArray(object)) {
    run.missed.push({ rule, reason: object === null ? 'is_null' : 'not_found' });
    return;
  }
  for (const name of declared) {
    const value = memberOf(object, name);
    if (value === undefined || Object.hasOwn(run.assigned, name)) continue;
    takeValue(run, { ...rule, dynamicVariable: name, required: false }, value);
  }
}

/** Sets defaults where no rule found a value. Returns the rules that got neither. */
function applyDefaults({ missed, assigned, sources, add }: Run): Missed[] {
  return missed.flatMap(({ rule, reason }): Missed[] => {
    const { dynamicVariable, defaultValue } = rule;
    if (defaultValue === undefined) return [{ rule, reason }];
    if (sources[dynamicVariable] === 'assignment') return [];
    if (!add(dynamicVariable, defaultValue)) return [{ rule, reason: 'too_large' }];
    assigned[dynamicVariable] = defaultValue;
    sources[dynamicVariable] = 'assignment_default';
    return [];
  });
}

function toMissedAssignment({ rule: { attributeName, dynamicVariable }, reason }: Missed): MissedAssignment {
  return { attributeName, dynamicVariable, reason };
}

const MISS_TEXT: Readonly<Record<MissReason, string>> = {
  not_found: 'is not in the response',
  is_null: 'is null in the response',
  is_empty: 'is an empty text in the response',
  too_large: 'is too large for a dynamic variable',
  too_deep: 'is nested too deeply for a dynamic variable',
};

function missingRequired(
  { rule: { attributeName, dynamicVariable }, reason }: Missed,
  body: JsonValue | undefined,
): Failure {
  if (body === undefined)
    return failureOf(
      'ASSIGNMENT_MISSING',
      `the response is empty, and has no required attribute ${JSON.stringify(attributeName)}`,
    );
  const text =
    dynamicVariable === EVERY_VARIABLE && reason === 'not_found'
      ? 'is not an object in the response'
      : MISS_TEXT[reason];
  return failureOf('ASSIGNMENT_MISSING', `the required attribute ${JSON.stringify(attributeName)} ${text}`);
}
