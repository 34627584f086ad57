import type { z } from 'zod';
import type { Violation } from '../../errors.ts';
import { validationFailed } from '../../errors.ts';

/** Reads the fields of one request and collects their violations. */
export interface Reader {
  /** The violations that were found so far, in the order of reading. */
  readonly violations: readonly Violation[];
  /** Returns the value that the schema reads, or adds a violation of the field and returns undefined. */
  read<T>(field: string, schema: z.ZodType<T>, value: unknown): T | undefined;
  /** Reads a required UUID, in lower case, as {@link Reader.read} does. It does without zod, because every call has two. */
  readUuid(field: string, text: string): string | undefined;
  /** Adds violations that other code found. */
  add(violations: readonly Violation[]): void;
  /**
   * Refuses the request if a violation was found.
   * @throws CallhooksError VALIDATION_FAILED with every violation
   */
  refuseIfBroken(): void;
}

/** Makes a reader for one request. */
export function createReader(): Reader {
  const violations: Violation[] = [];
  return {
    violations,
    read: (field, schema, value) => {
      const result = schema.safeParse(value);
      if (result.success) return result.data;
      for (const issue of result.error.issues) {
        violations.push({ field: field + issue.path.map(pathStep).join(''), description: issue.message });
      }
      return undefined;
    },
    readUuid: (field, text) => {
      const uuid = parseUuid(text);
      if (uuid === undefined) violations.push({ field, description: uuidProblem(text, field) });
      return uuid;
    },
    add: (more) => void violations.push(...more),
    refuseIfBroken: () => {
      if (violations.length > 0) throw validationFailed(violations);
    },
  };
}

function pathStep(key: PropertyKey): string {
  return typeof key === 'number' ? `[${key}]` : `.${String(key)}`;
}

const UUID = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/;
const NIL = '00000000-0000-0000-0000-000000000000';

/**
 * Returns a UUID in lower case, or undefined for a text that is none. It does not look at version and variant bits, so
 * that the ids of every platform pass. The nil UUID (RFC 9562, 5.9) does not pass.
 */
export function parseUuid(text: string): string | undefined {
  const uuid = text.toLowerCase();
  return UUID.test(uuid) && uuid !== NIL ? uuid : undefined;
}

const NO_UUID = 'must be a UUID of 8-4-4-4-12 hex digits, not all zero';
const OF_THE_PLATFORM = /(?:^|\.)(?:agent|conversation)_uuid$/;

/**
 * Returns the rule that a text breaks when it is not a UUID. A platform has ids of its own for agents and conversations,
 * so for these two the text says how to make a UUID of one.
 */
export function uuidProblem(text: string, field: string): string {
  if (text === '') return 'is required';
  if (!OF_THE_PLATFORM.test(field)) return NO_UUID;
  return `${NO_UUID}; make a name-based one (RFC 9562, version 5) from an id of your own`;
}
