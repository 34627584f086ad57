import { isLargerThan } from './json-size.ts';
import { MAX_VARIABLES_BYTES } from './limits.ts';
import type { JsonObject } from './json.ts';
import type { StartVariables, VariableSource } from './call.ts';

/** Dynamic variables by name, with the source of each. */
export interface Variables {
  readonly variables: JsonObject;
  readonly sources: Readonly<Record<string, VariableSource>>;
}

function allFrom(variables: JsonObject, source: VariableSource): Variables {
  const sources: Record<string, VariableSource> = {};
  for (const name of Object.keys(variables)) sources[name] = source;
  return { variables, sources };
}

const NOTHING: Variables = { variables: {}, sources: {} };

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

/** A conversation's variables before its webhook runs: the agent's defaults under those of the request. */
export function preCallVariables(defaults: JsonObject, requested: JsonObject): Variables {
  return withRequested(allFrom(defaults, 'default'), requested);
}

/** What a conversation had after its start: its variables under what its webhook assigned. */
export function withAssigned(start: StartVariables): Variables {
  return over(start, { variables: start.assigned ?? {}, sources: start.assignedSources ?? {} });
}

/**
 * A conversation's variables at its end: the agent's defaults, under what the conversation had after its start (if
 * there was one), under those of the request.
 */
export function postCallVariables(
  defaults: JsonObject,
  start: StartVariables | undefined,
  requested: JsonObject,
): Variables {
  const atStart = start === undefined ? NOTHING : withAssigned(start);
  return withRequested(over(allFrom(defaults, 'default'), atStart), requested);
}

/** Which rule a conversation's variables break by their size together; undefined: none. */
export function variablesTooLarge(variables: JsonObject): string | undefined {
  return isLargerThan(variables, MAX_VARIABLES_BYTES)
    ? `the variables of a conversation must not be larger than ${MAX_VARIABLES_BYTES} bytes of JSON together, the agent's defaults included`
    : undefined;
}
