import { assign } from '../../domain/assignments/assign.ts';
import type { VariableSource } from '../../domain/call.ts';
import type { MissedAssignment } from '../../domain/execution.ts';
import { failureOf, type Failure } from '../../domain/failures.ts';
import type { JsonObject, JsonValue } from '../../domain/json.ts';
import type { Masker } from '../../domain/redaction/redact.ts';
import type { CompiledRejection, Rejection } from '../../domain/rejection/reject.ts';
import { readResponse } from '../../domain/response/response-json.ts';
import type { ReceivedResponse, SendResult } from '../../http/http-client.ts';
import type { RenderedRun } from './webhook-run.ts';

/** What a response means for its run: a failure, a rejection, or what it assigns. */
interface ReadOutcome {
  readonly failure?: Failure | undefined;
  readonly rejection?: Rejection;
  readonly missed?: readonly MissedAssignment[];
  readonly assigned?: JsonObject;
  readonly sources?: Readonly<Record<string, VariableSource>>;
}

/**
 * Reads the outcome of a run from what came of its request. The endpoint decides about the call before anything is assigned,
 * so no assignment turns a rejection into a failure.
 */
export function readOutcome(run: RenderedRun, { failure, response }: SendResult): ReadOutcome {
  const { rejection, needsBody } = run.runnable;
  const { mask } = run.result;
  if (response !== undefined && rejection?.statuses.has(response.status) === true)
    return rejectedBy(rejection, bodyForReason(rejection, response), mask);
  if (failure !== undefined || response === undefined) return { failure };
  if (!needsBody) return {};
  const body = readResponse(response, mask);
  if (!body.ok) return { failure: failureOf('INVALID_RESPONSE', body.message) };
  if (rejection?.rejects(body.value) === true) return rejectedBy(rejection, body.value, mask);
  return assignFrom(run, body.value);
}

function rejectedBy(rejection: CompiledRejection, body: JsonValue | undefined, mask: Masker): ReadOutcome {
  return { rejection: { reason: rejection.reasonIn(body, mask) } };
}

// The status has rejected the call, so a body that can't be read costs the reason and no more.
function bodyForReason({ hasReason }: CompiledRejection, response: ReceivedResponse): JsonValue | undefined {
  if (!hasReason || response.truncated) return undefined;
  const body = readResponse(response);
  return body.ok ? body.value : undefined;
}

function assignFrom({ runnable, variables }: RenderedRun, body: JsonValue | undefined): ReadOutcome {
  const result = assign(runnable.assignments, body, variables);
  return result.ok ? result : { failure: result.failure, missed: result.missed };
}
