import type { OnCallEndRequest } from '../../commands/calls/on-call-end.ts';
import type { OnCallStartRequest } from '../../commands/calls/on-call-start.ts';
import { validateCallDetails } from '../../domain/validation/validate-call-details.ts';
import type { JsonObject } from '../../domain/json.ts';
import type * as pb from '../../gen/index.callhooks.v1.ts';
import { createReader, type Reader } from './reader.ts';

/**
 * Parses the request.
 * @throws CallhooksError VALIDATION_FAILED
 */
export function parseOnCallStart(message: pb.OnCallStartRequest): OnCallStartRequest {
  const reader = createReader();
  const call = readCall(reader, message);
  const details = readCallDetails(reader, message);
  reader.refuseIfBroken();
  return { ...call, details };
}

/**
 * Parses the request.
 * @throws CallhooksError VALIDATION_FAILED
 */
export function parseOnCallEnd(message: pb.OnCallEndRequest): OnCallEndRequest {
  const reader = createReader();
  const call = readCall(reader, message);
  const details = readCallDetails(reader, message);
  reader.refuseIfBroken();
  return { ...call, details };
}

type CallDetailsMessage = pb.OnCallStartRequest &
  Partial<Pick<pb.OnCallEndRequest, 'callDuration' | 'callSummary'>>;

/** Reads the call details, which are at the top of the request message. */
export function readCallDetails(
  reader: Reader,
  message: Omit<CallDetailsMessage, 'agentUuid' | 'conversationUuid'>,
) {
  const { details, violations } = validateCallDetails({
    callerPhone: message.callerPhone,
    dynamicVariables: message.dynamicVariables as JsonObject | undefined,
    metadata: message.metadata as JsonObject | undefined,
    callDuration: message.callDuration,
    callSummary: message.callSummary,
  });
  reader.add(violations);
  return details;
}

/** Reads the two ids of a call. The caller uses them only after {@link Reader.refuseIfBroken}. */
function readCall({ readUuid }: Reader, message: pb.OnCallStartRequest | pb.OnCallEndRequest) {
  const agentUuid = readUuid('agent_uuid', message.agentUuid);
  const conversationUuid = readUuid('conversation_uuid', message.conversationUuid);
  return { agentUuid: agentUuid as string, conversationUuid: conversationUuid as string };
}
