import type { z } from 'zod';
import { parseUuid } from '../../domain/uuid.ts';
import type { Violation } from '../../errors.ts';
import { validationFailed } from '../../errors.ts';
import { uuidProblem } from './fields.ts';

/** Reads the fields of one request and collects what is wrong with all of them. */
export interface Reader {
  /** What has been found so far, in the order of reading. */
  readonly violations: readonly Violation[];
  /** The value of a field as its kind takes it; undefined (and a violation at this path) when it breaks a rule. */
  read<T>(field: string, kind: z.ZodType<T>, value: unknown): T | undefined;
  /** The UUID of a required field in lower case, without the detour by zod: every call has two. */
  readUuid(field: string, text: string): string | undefined;
  /** Adds violations that were found elsewhere. */
  add(violations: readonly Violation[]): void;
  /**
   * For the end of a request that nothing else can be wrong with.
   * @throws CallhooksError VALIDATION_FAILED with every violation
   */
  refuseIfBroken(): void;
}

/** Makes a reader for one request. */
export function createReader(): Reader {
  const violations: Violation[] = [];
  return {
    violations,
    read: (field, kind, value) => {
      const result = kind.safeParse(value);
      if (result.success) return result.data;
      for (const issue of result.error.issues) {
        violations.push({ field: field + issue.path.map(step).join(''), description: issue.message });
      }
      return undefined;
    },
    readUuid: (field, text) => {
      const uuid = parseUuid(text);
      if (uuid === undefined) violations.push({ field, description: uuidProblem(text) });
      return uuid;
    },
    add: (more) => void violations.push(...more),
    refuseIfBroken: () => {
      if (violations.length > 0) throw validationFailed(violations);
    },
  };
}

function step(key: PropertyKey): string {
  return typeof key === 'number' ? `[${key}]` : `.${String(key)}`;
}
