import { compileAttributePath, readAttribute, type AttributePath } from '../assignments/attribute-path.ts';
import { isLargerThan, sameJson, type JsonValue } from '../json.ts';
import { MAX_REJECTION_VALUE_BYTES } from '../limits.ts';
import { reasonText } from './reason-text.ts';
import type { RejectionRule } from './rejection-rule.ts';
import type { Masker } from '../redaction/redact.ts';

/** The rejection of a call by its endpoint. */
export interface Rejection {
  /** Why, in at most 256 bytes, with secrets masked. It is empty where the endpoint gives no reason. */
  readonly reason: string;
}

/** A rejection rule that is compiled once for all calls of its webhook. */
export interface CompiledRejection {
  /** The statuses that reject a call. */
  readonly statuses: ReadonlySet<number>;
  /** Reports whether the rule needs the body of a 2xx response. */
  readonly comparesBody: boolean;
  /** Reports whether the body of a response with one of the statuses may hold a reason. */
  readonly hasReason: boolean;
  /** Reports whether the body of a 2xx response rejects the call. `body` is undefined when the response holds nothing. */
  rejects(body: JsonValue | undefined): boolean;
  /** Returns why the call is rejected, in at most 256 bytes, or an empty text. */
  reasonIn(body: JsonValue | undefined, mask: Masker): string;
}

/** Compiles a rejection rule. */
export function compileRejection(rule: RejectionRule): CompiledRejection {
  const { equals } = rule;
  const compared = compileOptionalPath(rule.attributeName);
  const reason = compileOptionalPath(rule.reasonAttributeName);
  return {
    statuses: new Set(rule.httpStatuses),
    comparesBody: compared !== undefined,
    hasReason: reason !== undefined,
    rejects: (body) => compared !== undefined && isOneOf(readAttribute(body, compared), equals),
    reasonIn: (body, mask) => (reason === undefined ? '' : reasonText(readAttribute(body, reason), mask)),
  };
}

function compileOptionalPath(name: string): AttributePath | undefined {
  return name === '' ? undefined : compileAttributePath(name);
}

// Equal values have the same size, so a large value, which an endpoint may send, is never walked through.
function isOneOf(value: JsonValue | undefined, equals: readonly JsonValue[]): boolean {
  return (
    value !== undefined &&
    !isLargerThan(value, MAX_REJECTION_VALUE_BYTES) &&
    equals.some((other) => sameJson(value, other))
  );
}
