import type * as pb from '../../../../src/gen/index.callhooks.v1.ts';
import { stateName } from '../../../support/execution-words.ts';
import { DEFAULT_NAME } from '../test-agent.ts';
import { byConversation, repliedCalls, type Evidence, type RepliedCall } from './evidence.ts';

/**
 * Checks that all replies to OnCallStart for a conversation are equal but for `replayed`, that at most one of them is not
 * replayed, that the variables are those of its own execution, and that GetExecution shows the same decision and variables.
 */
export function checkStartReplies(evidence: Evidence): readonly string[] {
  const inspected = new Map(evidence.inspected.map((execution) => [execution.executionUuid, execution]));
  return [...byConversation(evidence.callLog.entries, 'start')].flatMap(([conversationUuid, calls]) => {
    const replied = repliedCalls(calls);
    const what = `the start of ${conversationUuid}`;
    // Equal replies say the same, so one of each is enough.
    const different = [...new Map(replied.map((call) => [call.response.text, call])).values()];
    const firsts = replied.filter(({ response }) => !response.replayed);
    return [
      ...(different.length > 1
        ? [`${what} got different replies: ${different.map(({ response }) => response.text).join(' and ')}`]
        : []),
      ...(firsts.length > 1 ? [`${what} got ${firsts.length} replies that are not replayed`] : []),
      ...different.flatMap((call) => [
        ...checkVariables(what, call),
        ...checkInspected(what, call, inspected.get(call.response.executionUuid ?? '')),
      ]),
    ];
  });
}

function contentOf({ response }: RepliedCall) {
  return JSON.parse(response.text) as Pick<
    pb.OnCallStartResponse,
    'decision' | 'degraded' | 'rejected' | 'rejectReason' | 'dynamicVariables'
  >;
}

function customerNameOf(variables: pb.OnCallStartResponse['dynamicVariables']): unknown {
  return variables?.['customer_name'];
}

// The recorder answers with the uuid of the execution that it was called for.
function checkVariables(what: string, call: RepliedCall): readonly string[] {
  const { rejected, rejectReason, dynamicVariables } = contentOf(call);
  const name = customerNameOf(dynamicVariables);
  const { executionUuid, state } = call.response;
  const answer = `Ada ${String(executionUuid)}`;
  const own = stateName(state) === 'SUCCEEDED' && !rejected ? answer : DEFAULT_NAME;
  const reason = rejected ? answer : '';
  return [
    ...(name === own ? [] : [`${what} got the customer_name ${String(name)}, not ${own}`]),
    ...(rejectReason === reason ? [] : [`${what} got the reject_reason ${rejectReason}, not ${reason}`]),
  ];
}

function checkInspected(
  what: string,
  call: RepliedCall,
  execution: pb.Execution | undefined,
): readonly string[] {
  if (execution === undefined) return [];
  const { decision, degraded, rejected, rejectReason, dynamicVariables } = contentOf(call);
  const isDecision =
    decision === execution.decision &&
    degraded === execution.degraded &&
    rejected === execution.rejected &&
    rejectReason === execution.rejectReason;
  const name = customerNameOf(execution.assignedVariables) ?? DEFAULT_NAME;
  const isName = customerNameOf(dynamicVariables) === name;
  return [
    ...(isDecision ? [] : [`${what} got another decision than GetExecution shows`]),
    ...(isName ? [] : [`${what} got other variables than GetExecution shows`]),
  ];
}
