import type { CallhooksError, ErrorDetails, Violation } from '../errors.ts';
import type { Any } from '../gen/google/protobuf/any.ts';
import {
  BadRequest,
  BadRequest_FieldViolation,
  ErrorInfo,
  PreconditionFailure,
  PreconditionFailure_Violation,
  RequestInfo,
  ResourceInfo,
  RetryInfo,
} from '../gen/google/rpc/error_details.ts';
import { toDuration } from './messages/wire-values.ts';

const DOMAIN = 'callhooks';
const MAX_LISTED_BYTES = 4096;
/** The tag and length in front of each list entry. */
const ENTRY_OVERHEAD_BYTES = 3;
const MAX_NAME_BYTES = 256;
const MAX_DESCRIPTION_BYTES = 512;

/** Returns the `google.rpc` details of an error: first its {@link ErrorInfo}, then those that it has data for. */
export function detailsOf(error: CallhooksError): Any[] {
  const { violations, resource, preconditions, retryAfterMs } = error.details;
  const budget = createBudget(MAX_LISTED_BYTES);
  const details = [errorInfo(error)];
  if (violations) details.push(badRequest(violations, budget));
  if (resource) details.push(resourceInfo(resource));
  if (preconditions) details.push(preconditionFailure(error.reason, preconditions, budget));
  if (retryAfterMs !== undefined) details.push(retryInfo(retryAfterMs));
  return details;
}

/** Returns the detail of an error whose cause only the log shows. The id of the request leads to the log line. */
export function requestInfo(requestId: string): Any {
  return any('RequestInfo', RequestInfo.encode({ requestId, servingData: '' }).finish());
}

/** Returns the start of a text that fits into `maxBytes` of UTF-8, cut at a character. Lone surrogates become U+FFFD. */
export function cutText(text: string, maxBytes: number): string {
  const wellFormed = text.toWellFormed();
  return wellFormed.slice(0, new TextEncoder().encodeInto(wellFormed, new Uint8Array(maxBytes)).read);
}

function errorInfo({ reason, details }: CallhooksError): Any {
  const metadata: Record<string, string> = {};
  if (details.violations) metadata['violations'] = String(details.violations.length);
  return any('ErrorInfo', ErrorInfo.encode({ reason, domain: DOMAIN, metadata }).finish());
}

/** Lists the violations in their order, as long as they fit. */
function badRequest(violations: readonly Violation[], fits: (bytes: number) => boolean): Any {
  const fieldViolations = [];
  for (const { field, description } of violations) {
    const listed = BadRequest_FieldViolation.create({
      field: cutText(field, MAX_NAME_BYTES),
      description: cutText(description, MAX_DESCRIPTION_BYTES),
    });
    if (!fits(BadRequest_FieldViolation.encode(listed).finish().length)) break;
    fieldViolations.push(listed);
  }
  return any('BadRequest', BadRequest.encode({ fieldViolations }).finish());
}

function preconditionFailure(
  type: string,
  preconditions: NonNullable<ErrorDetails['preconditions']>,
  fits: (bytes: number) => boolean,
): Any {
  const violations = [];
  for (const { subject, description } of preconditions) {
    const listed = PreconditionFailure_Violation.create({
      type,
      subject: cutText(subject, MAX_NAME_BYTES),
      description: cutText(description, MAX_DESCRIPTION_BYTES),
    });
    if (!fits(PreconditionFailure_Violation.encode(listed).finish().length)) break;
    violations.push(listed);
  }
  return any('PreconditionFailure', PreconditionFailure.encode({ violations }).finish());
}

function resourceInfo({ type, name }: NonNullable<ErrorDetails['resource']>): Any {
  const info = {
    resourceType: type,
    resourceName: cutText(name, MAX_NAME_BYTES),
    owner: '',
    description: '',
  };
  return any('ResourceInfo', ResourceInfo.encode(info).finish());
}

function retryInfo(retryAfterMs: number): Any {
  return any('RetryInfo', RetryInfo.encode({ retryDelay: toDuration(retryAfterMs) }).finish());
}

function any(name: string, value: Uint8Array): Any {
  return {
    typeUrl: `type.googleapis.com/google.rpc.${name}`,
    value: Buffer.from(value),
  };
}

/** Makes a function that counts an entry and reports whether it still fits. */
function createBudget(maxBytes: number) {
  let left = maxBytes;
  return (bytes: number): boolean => {
    left -= bytes + ENTRY_OVERHEAD_BYTES;
    return left >= 0;
  };
}
