import { jsonBound } from './json-size.ts';
import { jsonBytes, jsonDepth, lookUp, type Found } from './json.ts';
import { MAX_JSON_DEPTH, MAX_VARIABLE_BYTES } from './limits.ts';
import type { Assignment } from './agent.ts';
import type { Failure } from './failures.ts';
import type { JsonObject, JsonValue } from './json.ts';
import type { MissedAssignment, MissReason } from './execution.ts';
import type { VariableSource } from './call.ts';
import { createRoom, type TakeVariable } from './variable-room.ts';

/** What the assignments of a response came to; `missed` lists the rules that took no value, in their order. */
export type Assigned =
  | {
      readonly ok: true;
      readonly assigned: JsonObject;
      readonly sources: Readonly<Record<string, VariableSource>>;
      readonly missed: readonly MissedAssignment[];
    }
  | { readonly ok: false; readonly failure: Failure; readonly missed: readonly MissedAssignment[] };

interface Taken {
  readonly assigned: JsonObject;
  readonly sources: Record<string, VariableSource>;
}

/** A literal own key of a top-level object goes before the path of the same text. */
function attributeOf(body: JsonValue | undefined, name: string): Found {
  if (body === undefined) return { found: false };
  if (body !== null && typeof body === 'object' && !Array.isArray(body) && Object.hasOwn(body, name)) {
    return lookUp(body, [name]);
  }
  return lookUp(body, name.split('.'));
}

type Missed = readonly [rule: Assignment, reason: MissReason];

type CheckValue = (value: JsonValue) => MissReason | undefined;

/** Checks values by their own depth and size: each large one once, however many rules find it. */
function createValueCheck(): CheckValue {
  const checked = new Map<JsonValue, MissReason | undefined>();
  return (value) => {
    if (jsonBound(value, MAX_VARIABLE_BYTES) <= MAX_VARIABLE_BYTES) return undefined;
    if (checked.has(value)) return checked.get(value);
    const isTooDeep = jsonDepth(value) > MAX_JSON_DEPTH;
    const reason = isTooDeep ? 'too_deep' : jsonBytes(value) > MAX_VARIABLE_BYTES ? 'too_large' : undefined;
    checked.set(value, reason);
    return reason;
  };
}

function missReason(
  { dynamicVariable }: Assignment,
  found: Found,
  checkValue: CheckValue,
  take: TakeVariable,
): MissReason | undefined {
  if (!found.found) return 'not_found';
  return checkValue(found.value) ?? (take(dynamicVariable, found.value) ? undefined : 'too_large');
}

/** Sets defaults where no rule found a value; what stays are the rules that took neither. */
function applyDefaults(missed: readonly Missed[], taken: Taken, take: TakeVariable): Missed[] {
  const { assigned, sources } = taken;
  return missed.flatMap(([rule, reason]): Missed[] => {
    const { dynamicVariable, defaultValue } = rule;
    if (defaultValue === undefined) return [[rule, reason]];
    if (sources[dynamicVariable] === 'assignment') return [];
    if (!take(dynamicVariable, defaultValue)) return [[rule, 'too_large']];
    assigned[dynamicVariable] = defaultValue;
    sources[dynamicVariable] = 'assignment_default';
    return [];
  });
}

function toMissed([{ attributeName, dynamicVariable }, reason]: Missed): MissedAssignment {
  return {
    attributeName,
    dynamicVariable,
    reason,
  };
}

const MISS_TEXT: Readonly<Record<MissReason, string>> = {
  not_found: 'is not in the response',
  too_large: 'is too large for a dynamic variable',
  too_deep: 'is nested too deeply for a dynamic variable',
};

function missingRequired([{ attributeName }, reason]: Missed): Failure {
  return {
    code: 'ASSIGNMENT_MISSING',
    message: `the required attribute ${JSON.stringify(attributeName)} ${MISS_TEXT[reason]}`,
    sent: 'yes',
  };
}

/**
 * Takes attributes of a response (`undefined`: it holds nothing) into dynamic variables, types kept. Of two rules for
 * one variable the later that finds a value wins; a default stands only where none found one. What is too large (16 KiB,
 * or 256 KiB for the conversation's variables together, `variables` being those before) or too deep (24) counts as not
 * found. A required rule that finds nothing fails all, and nothing is assigned.
 */
export function assign(
  rules: readonly Assignment[],
  body: JsonValue | undefined,
  variables: JsonObject,
): Assigned {
  const checkValue = createValueCheck();
  const take = createRoom(variables);
  const taken: Taken = { assigned: {}, sources: {} };
  const unfound: Missed[] = [];
  for (const rule of rules) {
    const found = attributeOf(body, rule.attributeName);
    const reason = missReason(rule, found, checkValue, take);
    if (reason !== undefined) unfound.push([rule, reason]);
    else if (found.found) {
      taken.assigned[rule.dynamicVariable] = found.value;
      taken.sources[rule.dynamicVariable] = 'assignment';
    }
  }
  const left = applyDefaults(unfound, taken, take);
  const missed = left.map(toMissed);
  const required = left.find(([rule]) => rule.required);
  if (required !== undefined) return { ok: false, failure: missingRequired(required), missed };
  return { ok: true, ...taken, missed };
}
