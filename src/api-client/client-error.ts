import { Metadata, status, type ServiceError } from '@grpc/grpc-js';
import {
  BadRequest,
  ErrorInfo,
  PreconditionFailure,
  RequestInfo,
  ResourceInfo,
  RetryInfo,
} from '../gen/google/rpc/error_details.ts';
import { Status } from '../gen/google/rpc/status.ts';
import { plainDetails } from './plain-details.ts';

/** The name of a gRPC status code. */
export type StatusCode = Exclude<keyof typeof status, 'OK'>;

/** A rule that a field of the request breaks. */
export interface Violation {
  /** The path from the request message: `webhook_config.assignments[0].source`. It is empty for the whole message. */
  readonly field: string;
  /** The end of the sentence "FIELD …". */
  readonly description: string;
}

/** Is the error of an RPC, with its details decoded. Decide by `reason`, or by `code` where there is none. */
export class CallhooksClientError extends Error {
  override readonly name = 'CallhooksClientError';
  readonly code: StatusCode;
  /**
   * Why callhooks refused the request: the name of a value of `ErrorReason` without its prefix, such as
   * `AGENT_NOT_FOUND`. It is undefined where the error does not come from callhooks, or is `INTERNAL`.
   */
  readonly reason: string | undefined;
  /** The broken rules of `VALIDATION_FAILED`, as many as fit into the answer. */
  readonly violations: readonly Violation[];
  /** How many rules are broken. */
  readonly violationCount: number;
  /** What was not found, or exists already. */
  readonly resource: { readonly type: string; readonly name: string } | undefined;
  /** What stands in the way of the request, with `FAILED_PRECONDITION`. */
  readonly preconditions: readonly { readonly subject: string; readonly description: string }[];
  /** How many milliseconds to wait before the request is repeated. It is undefined where a repeat would not help. */
  readonly retryAfterMs: number | undefined;
  /** The id under which the log of callhooks has the cause of `INTERNAL`. */
  readonly requestId: string | undefined;

  constructor(error: ServiceError) {
    super(plainDetails(error.details), { cause: error });
    const find = readDetails(error.metadata);
    this.code = (status[error.code] ?? 'UNKNOWN') as StatusCode;
    const info = find('ErrorInfo', ErrorInfo);
    // A proxy may answer with reasons of its own.
    this.reason = info?.domain === 'callhooks' ? info.reason : undefined;
    this.violations = (find('BadRequest', BadRequest)?.fieldViolations ?? []).map(
      ({ field, description }) => ({ field, description }),
    );
    this.violationCount = Math.max(Number(info?.metadata['violations']) || 0, this.violations.length);
    const resource = find('ResourceInfo', ResourceInfo);
    this.resource = resource && { type: resource.resourceType, name: resource.resourceName };
    this.preconditions = (find('PreconditionFailure', PreconditionFailure)?.violations ?? []).map(
      ({ subject, description }) => ({ subject, description }),
    );
    const delay = find('RetryInfo', RetryInfo)?.retryDelay;
    this.retryAfterMs = delay && Number(delay.seconds) * 1000 + delay.nanos / 1e6;
    this.requestId = find('RequestInfo', RequestInfo)?.requestId;
  }
}

/** Returns the error of an RPC that this client ends by itself. */
export function localError(code: status, details: string): CallhooksClientError {
  return new CallhooksClientError(
    Object.assign(new Error(details), { code, details, metadata: new Metadata() }),
  );
}

/**
 * Returns a function that decodes the first detail of a type. Details that do not decode are ignored, because a proxy may
 * have written them.
 */
function readDetails(trailers: Metadata) {
  const [bytes] = trailers.get('grpc-status-details-bin');
  const details = bytes instanceof Buffer ? (decodeOrNothing(Status, bytes)?.details ?? []) : [];
  return <T>(name: string, type: { decode(bytes: Uint8Array): T }): T | undefined => {
    const found = details.find(({ typeUrl }) => typeUrl === `type.googleapis.com/google.rpc.${name}`);
    return found && decodeOrNothing(type, found.value);
  };
}

function decodeOrNothing<T>(type: { decode(bytes: Uint8Array): T }, bytes: Uint8Array): T | undefined {
  try {
    return type.decode(bytes);
  } catch {
    return undefined;
  }
}
