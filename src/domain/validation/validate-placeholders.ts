import type { Violation } from '../../errors.ts';
import { BUILT_INS } from './names.ts';
import type { NearestNames } from './nearest-names.ts';
import { placeholdersOf, type Placeholder, type Template } from '../template/template.ts';
import type { WebhookType } from '../agent.ts';

/** The names that placeholders of a webhook may use. */
export interface KnownNames {
  readonly webhookType: WebhookType;
  readonly declaredVariables: ReadonlySet<string>;
  /** The names of the agent's secrets. */
  readonly secretNames: ReadonlySet<string>;
  /** Returns the declared variables nearest to an unknown name, for the text of its violation. */
  readonly nearestNames?: NearestNames | undefined;
}

/** Returns the violations of a template's placeholders, each description once. */
export function placeholderViolations(template: Template, known: KnownNames, field: string): Violation[] {
  const problems = new Set<string>();
  for (const placeholder of placeholdersOf(template)) {
    const problem = placeholderProblem(placeholder, known);
    if (problem !== undefined) problems.add(problem);
  }
  return [...problems].map((description) => ({ field, description }));
}

/** Returns the rule that a placeholder breaks by the name it uses, or undefined. */
function placeholderProblem({ segments }: Placeholder, known: KnownNames): string | undefined {
  const root = segments[0] as string;
  if (root === 'secret') return secretProblem(segments, known.secretNames);
  if (root === 'metadata' || known.declaredVariables.has(root)) return undefined;
  if (BUILT_INS[known.webhookType].includes(root)) {
    return segments.length === 1 ? undefined : `"${root}" is no object: a path into it finds nothing`;
  }
  if (BUILT_INS.post_call.includes(root)) return `"${root}" is known to post-call webhooks only`;
  return unknownName(root, known);
}

function unknownName(root: string, { webhookType, nearestNames }: KnownNames): string {
  const builtIns = [...BUILT_INS[webhookType], 'metadata', 'secret.NAME'].join(', ');
  const nearest = nearestNames?.(root) ?? [];
  const hint = nearest.length > 0 ? `; did you mean ${nearest.join(' or ')}?` : '';
  return `"${root}" is neither a built-in (${builtIns}) nor a declared dynamic variable of the agent${hint}`;
}

function secretProblem(segments: readonly string[], secretNames: ReadonlySet<string>): string | undefined {
  const name = segments[1];
  if (name === undefined || segments.length > 2) return 'a secret is written {{secret.NAME}}';
  return secretNames.has(name) ? undefined : `the agent has no secret "${name}"`;
}
