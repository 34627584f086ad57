import {
  isLargerThan,
  jsonBound,
  jsonDepth,
  lookUp,
  type Found,
  type JsonObject,
  type JsonValue,
  type KeysOf,
} from '../json.ts';
import { MAX_JSON_DEPTH, MAX_VARIABLE_BYTES } from '../limits.ts';
import { createVariableRoom, type AddVariable } from '../variables.ts';
import type { Assignment } from '../agent.ts';
import { failureOf, type Failure } from '../failures.ts';
import type { MissedAssignment, MissReason } from '../execution.ts';
import type { VariableSource } from '../call.ts';

/** The result of a response's assignments. `missed` lists the rules that assigned no value, in their order. */
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
 * finds a value wins; a default is used only where no rule found a value. A value that is too large (16 KiB, or 256 KiB
 * for the conversation's variables together) or too deep (24) counts as not found. When a required rule finds nothing,
 * all rules fail and nothing is assigned.
 */
export function assign(
  rules: readonly Assignment[],
  body: JsonValue | undefined,
  variables: JsonObject,
): Assigned {
  const checkValue = createValueCheck();
  const add = createVariableRoom(variables);
  const values: AssignedValues = { assigned: {}, sources: {} };
  const unfound: Missed[] = [];
  for (const rule of rules) {
    const found = attributeOf(body, rule.attributeName);
    const reason = missReason(rule, found, checkValue, add);
    if (reason !== undefined) unfound.push([rule, reason]);
    else if (found.found) {
      values.assigned[rule.dynamicVariable] = found.value;
      values.sources[rule.dynamicVariable] = 'assignment';
    }
  }
  const left = applyDefaults(unfound, values, add);
  const missed = left.map(toMissed);
  const required = left.find(([rule]) => rule.required);
  if (required !== undefined) return { ok: false, failure: missingRequired(required), missed };
  return { ok: true, ...values, missed };
}

interface AssignedValues {
  readonly assigned: JsonObject;
  readonly sources: Record<string, VariableSource>;
}

// A literal own key of a top-level object goes before the path of the same text.
function attributeOf(body: JsonValue | undefined, name: string): Found {
  if (body === undefined) return { found: false };
  if (body !== null && typeof body === 'object' && !Array.isArray(body) && Object.hasOwn(body, name)) {
    return lookUp(body, [name]);
  }
  return lookUp(body, name.split('.'));
}

type Missed = readonly [rule: Assignment, reason: MissReason];

function missReason(
  { dynamicVariable }: Assignment,
  found: Found,
  checkValue: CheckValue,
  add: AddVariable,
): MissReason | undefined {
  if (!found.found) return 'not_found';
  return checkValue(found.value) ?? (add(dynamicVariable, found.value) ? undefined : 'too_large');
}

type CheckValue = (value: JsonValue) => MissReason | undefined;

/**
 * Makes the check of values by their own size and depth. It measures a value that may be
 * too large once, however many rules find it, and looks at no more of a value than may be assigned: the values that rules
 * find may lie in one another.
 */
function createValueCheck(): CheckValue {
  const checked = new Map<JsonValue, MissReason | undefined>();
  const keysOf = createKeysOf();
  return (value) => {
    if (checked.has(value)) return checked.get(value);
    if (jsonBound(value, MAX_VARIABLE_BYTES, keysOf) <= MAX_VARIABLE_BYTES) return undefined;
    const reason = isLargerThan(value, MAX_VARIABLE_BYTES, keysOf)
      ? 'too_large'
      : jsonDepth(value) > MAX_JSON_DEPTH
        ? 'too_deep'
        : undefined;
    checked.set(value, reason);
    return reason;
  };
}

function createKeysOf(): KeysOf {
  const known = new Map<object, readonly string[]>();
  return (value) => {
    const keys = known.get(value) ?? Object.keys(value);
    known.set(value, keys);
    return keys;
  };
}

/** Sets defaults where no rule found a value. Returns the rules that got neither. */
function applyDefaults(
  missed: readonly Missed[],
  { assigned, sources }: AssignedValues,
  add: AddVariable,
): Missed[] {
  return missed.flatMap(([rule, reason]): Missed[] => {
    const { dynamicVariable, defaultValue } = rule;
    if (defaultValue === undefined) return [[rule, reason]];
    if (sources[dynamicVariable] === 'assignment') return [];
    if (!add(dynamicVariable, defaultValue)) return [[rule, 'too_large']];
    assigned[dynamicVariable] = defaultValue;
    sources[dynamicVariable] = 'assignment_default';
    return [];
  });
}

function toMissed([{ attributeName, dynamicVariable }, reason]: Missed): MissedAssignment {
  return { attributeName, dynamicVariable, reason };
}

const MISS_TEXT: Readonly<Record<MissReason, string>> = {
  not_found: 'is not in the response',
  too_large: 'is too large for a dynamic variable',
  too_deep: 'is nested too deeply for a dynamic variable',
};

function missingRequired([{ attributeName }, reason]: Missed): Failure {
  return failureOf(
    'ASSIGNMENT_MISSING',
    `the required attribute ${JSON.stringify(attributeName)} ${MISS_TEXT[reason]}`,
  );
}
