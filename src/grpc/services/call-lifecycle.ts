import type { Commands } from '../../commands/bind-commands.ts';
import type { OnCallEndRequest } from '../../commands/calls/on-call-end.ts';
import type { OnCallStartRequest } from '../../commands/calls/on-call-start.ts';
import type { Execution } from '../../domain/execution.ts';
import { CallLifecycleService } from '../../gen/index.callhooks.v1.ts';
import { bindService, type BoundService } from '../bound-service.ts';
import type { CallContext } from '../call-context.ts';
import { onCallEndMessage, onCallStartMessage } from '../messages/call-lifecycle.ts';
import { parseOnCallEnd, parseOnCallStart } from '../requests/call-lifecycle.ts';

/** The commands that serve `callhooks.v1.CallLifecycle`. */
type CallLifecycleCommands = Pick<Commands, 'onCallStart' | 'onCallEnd'>;

/** Returns the service `callhooks.v1.CallLifecycle`, bound to its commands. */
export function createCallLifecycleService(commands: CallLifecycleCommands): BoundService {
  const startCall = async (request: OnCallStartRequest, context: CallContext) => {
    context.log({ agent_uuid: request.agentUuid, conversation_uuid: request.conversationUuid });
    const reply = await commands.onCallStart(request, context);
    const { decision, degraded, rejected, replayed, execution } = reply;
    context.log({ decision, degraded, rejected, replayed, ...(execution && namesOf(execution)) });
    return onCallStartMessage(reply);
  };
  const endCall = async (request: OnCallEndRequest, context: CallContext) => {
    context.log({ agent_uuid: request.agentUuid, conversation_uuid: request.conversationUuid });
    const reply = await commands.onCallEnd(request, context);
    context.log({ replayed: reply.replayed, ...(reply.execution && namesOf(reply.execution)) });
    return onCallEndMessage(reply);
  };
  // The functions that wait do not hold the message, which has the metadata in it.
  return bindService(CallLifecycleService, {
    onCallStart: (message, context) => startCall(parseOnCallStart(message), context),
    onCallEnd: (message, context) => endCall(parseOnCallEnd(message), context),
  });
}

function namesOf({ executionUuid, webhookUuid, webhookType, state, failure }: Execution): object {
  return {
    execution_uuid: executionUuid,
    webhook_uuid: webhookUuid,
    webhook_type: webhookType,
    state,
    failure_code: failure?.code,
  };
}
