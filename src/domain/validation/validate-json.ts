import type { Violation } from '../../errors.ts';
import { itemPath, memberPath } from './field-path.ts';
import { MAX_JSON_DEPTH } from '../limits.ts';

// A list of a million bad numbers must not become a million sentences.
const MAX_PROBLEMS = 1000;

function scalarProblem(value: unknown): string | undefined {
  if (typeof value === 'number') return numberProblem(value);
  return typeof value === 'string' || typeof value === 'boolean' ? undefined : 'must be a JSON value';
}

function numberProblem(value: number): string | undefined {
  return Number.isFinite(value) ? undefined : 'must be a finite number';
}

// google.protobuf.Value holds doubles, so the digits of a longer integer were rounded before they came here.
function exactNumberProblem(value: unknown): string | undefined {
  return typeof value === 'number' && Number.isInteger(value) && !Number.isSafeInteger(value)
    ? 'is an integer beyond ±(2^53-1), whose digits a JSON number can not keep: write it as a string'
    : scalarProblem(value);
}

function isPlain(value: object): boolean {
  const prototype: unknown = Object.getPrototypeOf(value);
  return prototype === Object.prototype || prototype === null;
}

/**
 * Returns the reasons why a value is not JSON of the allowed depth, with their paths: numbers that are not finite,
 * values of kinds that JSON lacks (undefined, dates, bigints, …), and nesting deeper than `maxDepth`. It looks at
 * nothing below that depth, so any value is safe. It returns at most 1,000 violations.
 */
export function jsonProblems(value: unknown, path: string, maxDepth: number = MAX_JSON_DEPTH): Violation[] {
  return problemsOf(value, path, maxDepth, scalarProblem);
}

/** Returns the {@link jsonProblems} of a value that a configuration holds. Integers beyond ±(2^53-1) are problems too. */
export function configValueProblems(value: unknown, path: string): Violation[] {
  return problemsOf(value, path, MAX_JSON_DEPTH, exactNumberProblem);
}

function problemsOf(
  value: unknown,
  path: string,
  maxDepth: number,
  leafProblem: (leaf: unknown) => string | undefined,
): Violation[] {
  const problems: Violation[] = [];
  const add = (field: string, description: string): void => {
    if (problems.length < MAX_PROBLEMS) problems.push({ field, description });
  };
  // Paths are put together only for the sentences that need them.
  const visit = (node: unknown, depth: number, at: () => string): void => {
    if (node === null) return;
    if (typeof node !== 'object' || !(Array.isArray(node) || isPlain(node))) {
      const problem = leafProblem(node);
      if (problem !== undefined) add(at(), problem);
    } else if (depth === maxDepth) {
      add(at(), `is nested deeper than ${maxDepth}`);
    } else if (Array.isArray(node)) {
      for (let i = 0; i < node.length; i += 1) visit(node[i], depth + 1, () => itemPath(at(), i));
    } else {
      for (const [key, child] of Object.entries(node)) {
        if (key !== '__proto__') visit(child, depth + 1, () => memberPath(at(), key));
      }
    }
  };
  visit(value, 0, () => path);
  return problems;
}
