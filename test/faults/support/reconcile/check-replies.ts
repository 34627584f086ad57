import { nameOf, typeOf } from '../execution-log.ts';
import { keyOf, repliesOf, TYPE_OF, type Evidence, type Reply } from './evidence.ts';

/**
 * Every OK reply names an execution, unless its agent has no webhook of that type; that execution is on record, and is
 * that of the conversation that was asked for.
 */
export const checkReplies = (evidence: Evidence): readonly string[] => {
  const webhooks = new Map(evidence.agents.map((agent) => [agent.agentUuid, agent.webhooks]));
  const onRecord = new Map(evidence.executions.map((execution) => [execution.executionUuid, execution]));

  const checkReply = ({ rpc, agentUuid, conversationUuid, told }: Reply): readonly string[] => {
    const what = `the ${rpc} of ${conversationUuid}`;
    const known = webhooks.get(agentUuid);
    if (known === undefined) return [`${what} is of an agent whose executions nobody compares`];
    if (told.executionUuid === undefined)
      return known.includes(TYPE_OF[rpc]) ? [`${what} was told OK without an execution`] : [];
    const execution = onRecord.get(told.executionUuid);
    if (execution === undefined) return [`${what} was told of ${told.executionUuid}, which is not on record`];
    const key = keyOf(typeOf(execution), execution.conversationUuid);
    if (key !== keyOf(TYPE_OF[rpc], conversationUuid))
      return [`${what} was told of ${told.executionUuid}, which is the ${key}`];
    if (rpc === 'start' && execution.state !== told.state)
      return [`${what} was told ${nameOf(told.state)}, but is ${nameOf(execution.state)} on record`];
    return [];
  };
  return repliesOf(evidence.journal.entries).flatMap(checkReply);
};
