import { isLargerThan, jsonBound, jsonBytes, textBound, type JsonObject, type JsonValue } from './json.ts';
import { MAX_VARIABLES_BYTES } from './limits.ts';
import type { StartVariables, VariableSource } from './call.ts';

/** Dynamic variables by name, with the source of each. */
export interface Variables {
  readonly variables: JsonObject;
  readonly sources: Readonly<Record<string, VariableSource>>;
}

/**
 * Returns a conversation's variables before its pre-call webhook runs: the agent's defaults under those of the request.
 */
export function preCallVariables(defaults: JsonObject, requested: JsonObject): Variables {
  return withRequested(allFrom(defaults, 'default'), requested);
}

/** Returns a conversation's variables after its start: those before the webhook ran, under those that it assigned. */
export function withAssigned(start: StartVariables): Variables {
  return over(start, { variables: start.assigned ?? {}, sources: start.assignedSources ?? {} });
}

/**
 * Returns a conversation's variables for its post-call webhook: the agent's defaults, under those that the conversation
 * had after its start (if there was one), under those of the request.
 */
export function postCallVariables(
  defaults: JsonObject,
  start: StartVariables | undefined,
  requested: JsonObject,
): Variables {
  const atStart = start === undefined ? NO_VARIABLES : withAssigned(start);
  return withRequested(over(allFrom(defaults, 'default'), atStart), requested);
}

const NO_VARIABLES: Variables = { variables: {}, sources: {} };

function allFrom(variables: JsonObject, source: VariableSource): Variables {
  const sources: Record<string, VariableSource> = {};
  for (const name of Object.keys(variables)) sources[name] = source;
  return { variables, sources };
}

function over(below: Variables, above: Variables): Variables {
  return {
    variables: { ...below.variables, ...above.variables },
    sources: { ...below.sources, ...above.sources },
  };
}

function withRequested({ variables, sources }: Variables, requested: JsonObject): Variables {
  const merged: Record<string, VariableSource> = { ...sources };
  for (const name of Object.keys(requested)) merged[name] = 'request';
  return { variables: { ...variables, ...requested }, sources: merged };
}

/** Returns the rule that a conversation's variables break by their size together, or undefined. */
export function variablesTooLarge(variables: JsonObject): string | undefined {
  return isLargerThan(variables, MAX_VARIABLES_BYTES)
    ? `the variables of a conversation must not be larger than ${MAX_VARIABLES_BYTES} bytes of JSON together, the agent's defaults included`
    : undefined;
}

/** Adds a variable to those of a conversation. Returns false when there is no room for its value. */
export type AddVariable = (name: string, value: JsonValue) => boolean;

/**
 * Makes the room beside a conversation's variables. Values are added as long as all of them together stay within 256
 * KiB. Sizes are measured only when upper bounds no longer show that.
 */
export function createVariableRoom(variables: JsonObject): AddVariable {
  const added: [name: string, value: JsonValue][] = [];
  let bound = jsonBound(variables, MAX_VARIABLES_BYTES);
  let exact: AddVariable | undefined;
  return (name, value) => {
    bound += textBound(name) + jsonBound(value, MAX_VARIABLES_BYTES) + 2;
    if (bound > MAX_VARIABLES_BYTES) {
      exact ??= createExactRoom({ ...variables, ...Object.fromEntries(added) });
      return exact(name, value);
    }
    added.push([name, value]);
    return true;
  };
}

function createExactRoom(variables: JsonObject): AddVariable {
  const sizes = new Map(Object.entries(variables).map(([name, value]) => [name, memberBytes(name, value)]));
  let total = 1;
  for (const size of sizes.values()) total += size;
  return (name, value) => {
    const size = memberBytes(name, value);
    const after = total - (sizes.get(name) ?? 0) + size;
    if (after > MAX_VARIABLES_BYTES) return false;
    sizes.set(name, size);
    total = after;
    return true;
  };
}

// A member costs its quotes, its colon and a comma too. The last member has no comma in JSON, but it is counted with one:
// that byte stands for one of the two braces.
function memberBytes(name: string, value: JsonValue): number {
  return jsonBytes(name) + jsonBytes(value) + 2;
}
