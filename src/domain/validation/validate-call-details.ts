import { violationsOf, type Violation } from '../../errors.ts';
import { jsonProblems } from './validate-json.ts';
import { variablesViolations } from './validate-variables.ts';
import { asStored, jsonBound, jsonBytes, textBound, type JsonObject } from '../json.ts';
import {
  MAX_CALL_SUMMARY_BYTES,
  MAX_CALLER_PHONE_BYTES,
  MAX_METADATA_BYTES,
  MAX_VARIABLE_BYTES,
  MAX_VARIABLES_BYTES,
} from '../limits.ts';
import { nameProblem } from './names.ts';
import type { CallDetails } from '../call.ts';

/** A decoded `google.protobuf.Duration`. */
interface DurationDraft {
  readonly seconds: bigint | number;
  readonly nanos: number;
}

/** Call details as they came over the wire. They are not validated. */
export interface CallDetailsDraft {
  readonly callerPhone: string;
  readonly metadata: JsonObject | undefined;
  readonly dynamicVariables: JsonObject | undefined;
  readonly callDuration?: DurationDraft | undefined;
  readonly callSummary?: string | undefined;
}

/**
 * Validates the call details of a lifecycle request or a test, which stand at the top of the request message. `details`
 * may be used only when there are no violations.
 */
export function validateCallDetails(draft: CallDetailsDraft): {
  readonly details: CallDetails;
  readonly violations: readonly Violation[];
} {
  const { callerPhone, callDuration, callSummary, metadata = {}, dynamicVariables = {} } = draft;
  const hasPlainVariables = arePlainVariables(dynamicVariables);
  const metadataBound = jsonBound(metadata, Infinity);
  const hasPlainMetadata = metadataBound < Infinity;
  const violations = [
    ...textViolations('caller_phone', callerPhone, MAX_CALLER_PHONE_BYTES),
    ...(hasPlainVariables ? [] : variablesViolations(dynamicVariables, 'dynamic_variables')),
    ...(metadataBound <= MAX_METADATA_BYTES ? [] : metadataViolations(metadata, hasPlainMetadata)),
    ...(callDuration ? violationsOf('call_duration', durationProblem(callDuration)) : []),
    ...textViolations('call_summary', callSummary ?? '', MAX_CALL_SUMMARY_BYTES),
  ];
  const stored = (value: JsonObject, isPlain: boolean): JsonObject =>
    isPlain || violations.length > 0 ? value : (asStored(value) as JsonObject);
  return {
    details: {
      callerPhone,
      metadata: stored(metadata, hasPlainMetadata),
      dynamicVariables: stored(dynamicVariables, hasPlainVariables),
      ...(callDuration ? { callDurationSecs: toSeconds(callDuration) } : {}),
      ...(callSummary ? { callSummary } : {}),
    },
    violations,
  };
}

/**
 * Reports whether the dynamic variables of a request clearly keep every rule of {@link variablesViolations} and are
 * stored as they are. When it returns false, a closer look is needed.
 */
export function arePlainVariables(variables: JsonObject): boolean {
  if (Object.getPrototypeOf(variables) !== Object.prototype) return false;
  let bound = 1;
  for (const name of Object.keys(variables)) {
    if (nameProblem(name) !== undefined) return false;
    bound += textBound(name) + jsonBound(variables[name], MAX_VARIABLE_BYTES) + 2;
    if (bound > MAX_VARIABLES_BYTES) return false;
  }
  return true;
}

function textViolations(field: string, text: string, maxBytes: number): Violation[] {
  return text.length * 3 > maxBytes && Buffer.byteLength(text) > maxBytes
    ? [{ field, description: `must not be larger than ${maxBytes} bytes` }]
    : [];
}

function metadataViolations(metadata: JsonObject, isPlain: boolean): Violation[] {
  const problems = isPlain ? [] : jsonProblems(metadata, 'metadata');
  if (problems.length > 0 || jsonBytes(metadata) <= MAX_METADATA_BYTES) return problems;
  return violationsOf('metadata', `must not be larger than ${MAX_METADATA_BYTES} bytes of JSON`);
}

/** The greatest `google.protobuf.Duration`, about 10,000 years. */
const MAX_SECONDS = 315_576_000_000;

const MAX_NANOS = 999_999_999;

function durationProblem({ seconds, nanos }: DurationDraft): string | undefined {
  if (seconds < 0 || nanos < 0) return 'must not be negative';
  return seconds <= MAX_SECONDS && nanos <= MAX_NANOS ? undefined : 'is not a valid google.protobuf.Duration';
}

// It goes by way of the decimal text: the sum of seconds and nanos / 1e9 is not always the double nearest to it.
function toSeconds({ seconds, nanos }: DurationDraft): number {
  return Number(`${seconds}.${String(nanos).padStart(9, '0')}`);
}
