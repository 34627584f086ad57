import type { Assignment } from '../agent.ts';
import { compileAttributePath, type AttributePath } from './attribute-path.ts';

/** The `dynamic_variable` of an object rule, which takes every declared variable from one object. */
export const EVERY_VARIABLE = '*';

/** A rule whose path was taken apart once. */
export interface CompiledAssignment {
  readonly rule: Assignment;
  readonly path: AttributePath;
}

/** The rules of a webhook. */
export interface CompiledAssignments {
  /** The rules for one variable each, in their order. */
  readonly rules: readonly CompiledAssignment[];
  readonly objectRule: CompiledAssignment | undefined;
  /** The variables that the object rule takes. Without such a rule there are none. */
  readonly declared: readonly string[];
}

/** Compiles the assignments of a webhook, so that no call has to read a path. `declared` are the agent's variables. */
export function compileAssignments(
  assignments: readonly Assignment[],
  declared: readonly string[],
): CompiledAssignments {
  const compiled = assignments.map((rule) => ({ rule, path: compileAttributePath(rule.attributeName) }));
  const objectRule = compiled.find(({ rule }) => isObjectRule(rule));
  return {
    rules: compiled.filter(({ rule }) => !isObjectRule(rule)),
    objectRule,
    declared: objectRule === undefined ? [] : declared,
  };
}

/** Reports whether a rule takes every declared variable from an object. */
export function isObjectRule({ dynamicVariable }: Pick<Assignment, 'dynamicVariable'>): boolean {
  return dynamicVariable === EVERY_VARIABLE;
}
