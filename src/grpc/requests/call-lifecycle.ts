import type { OnCallEndRequest } from '../../commands/calls/on-call-end.ts';
import type { OnCallStartRequest } from '../../commands/calls/on-call-start.ts';
import { checkFacts } from '../../domain/validation/validate-call-details.ts';
import type { JsonObject } from '../../domain/json.ts';
import type * as pb from '../../gen/index.callhooks.v1.ts';
import { createReader, type Reader } from './reader.ts';

/** @throws CallhooksError VALIDATION_FAILED */
export function parseOnCallStart(message: pb.OnCallStartRequest): OnCallStartRequest {
  const reader = createReader();
  const call = readCall(reader, message);
  const { callerPhone, dynamicVariables, metadata } = readFacts(reader, message);
  reader.refuseIfBroken();
  return { ...call, callerPhone, dynamicVariables, metadata };
}

/** @throws CallhooksError VALIDATION_FAILED */
export function parseOnCallEnd(message: pb.OnCallEndRequest): OnCallEndRequest {
  const reader = createReader();
  const call = readCall(reader, message);
  const facts = readFacts(reader, message);
  reader.refuseIfBroken();
  return { ...call, facts };
}

type FactsMessage = pb.OnCallStartRequest &
  Partial<Pick<pb.OnCallEndRequest, 'callDuration' | 'callSummary'>>;

/** A call's facts, at the top of the request message. */
export function readFacts(reader: Reader, message: Omit<FactsMessage, 'agentUuid' | 'conversationUuid'>) {
  const { facts, violations } = checkFacts({
    callerPhone: message.callerPhone,
    dynamicVariables: message.dynamicVariables as JsonObject | undefined,
    metadata: message.metadata as JsonObject | undefined,
    callDuration: message.callDuration,
    callSummary: message.callSummary,
  });
  reader.add(violations);
  return facts;
}

/** The result is used only where nothing was wrong. */
function readCall({ readUuid }: Reader, message: pb.OnCallStartRequest | pb.OnCallEndRequest) {
  const agentUuid = readUuid('agent_uuid', message.agentUuid);
  const conversationUuid = readUuid('conversation_uuid', message.conversationUuid);
  return { agentUuid: agentUuid as string, conversationUuid: conversationUuid as string };
}
