import { stateName } from '../../../support/execution-words.ts';
import { typeOf } from '../execution-log.ts';
import { keyOf, repliedCalls, TYPE_OF, type Evidence, type RepliedCall } from './evidence.ts';

/**
 * Checks that every reply names an execution, unless its agent has no webhook of that type, and that this execution is on
 * record for the conversation that the call was for.
 */
export function checkReplies(evidence: Evidence): readonly string[] {
  const webhooks = new Map(evidence.agents.map((agent) => [agent.agentUuid, agent.webhooks]));
  const onRecord = new Map(evidence.executions.map((execution) => [execution.executionUuid, execution]));

  const checkReply = ({ rpc, agentUuid, conversationUuid, response }: RepliedCall): readonly string[] => {
    const what = `the ${rpc} of ${conversationUuid}`;
    const known = webhooks.get(agentUuid);
    if (known === undefined) return [`${what} is of an agent whose executions are not compared`];
    const { executionUuid, state } = response;
    if (executionUuid === undefined)
      return known.includes(TYPE_OF[rpc]) ? [`${what} got a reply without an execution`] : [];
    const execution = onRecord.get(executionUuid);
    if (execution === undefined) return [`${what} got a reply with ${executionUuid}, which is not on record`];
    const key = keyOf(typeOf(execution), execution.conversationUuid);
    if (key !== keyOf(TYPE_OF[rpc], conversationUuid))
      return [`${what} got a reply with ${executionUuid}, which is the ${key}`];
    if (rpc === 'start' && execution.state !== state)
      return [`${what} was ${stateName(state)} in a reply, but is ${stateName(execution.state)} on record`];
    return [];
  };
  return repliedCalls(evidence.callLog.entries).flatMap(checkReply);
}
