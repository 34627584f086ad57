import type * as pb from '../../../../src/gen/index.callhooks.v1.ts';
import { DEFAULT_NAME } from '../calls.ts';
import { nameOf } from '../execution-log.ts';
import { byConversation, repliesOf, type Evidence, type Reply } from './evidence.ts';

/**
 * Every OK reply of a start equals every other one, but for `replayed`; one caller at most was told a first time; the
 * variables are what its own execution brought; decision and variables are those that GetExecution shows.
 */
export const checkStarts = (evidence: Evidence): readonly string[] => {
  const looked = new Map(evidence.looked.map((execution) => [execution.executionUuid, execution]));
  return [...byConversation(evidence.journal.entries, 'start')].flatMap(([conversationUuid, calls]) => {
    const replies = repliesOf(calls);
    const what = `the start of ${conversationUuid}`;
    // Equal replies say the same: one of each is looked at.
    const different = [...new Map(replies.map((reply) => [reply.told.text, reply])).values()];
    return [
      ...(different.length > 1
        ? [`${what} was told differently: ${different.map(({ told }) => told.text).join(' and ')}`]
        : []),
      ...(replies.filter(({ told }) => !told.replayed).length > 1
        ? [`${what} was told twice as the first`]
        : []),
      ...different.flatMap((reply) => [
        ...checkVariables(what, reply),
        ...checkLooked(what, reply, looked.get(reply.told.executionUuid ?? '')),
      ]),
    ];
  });
};

const contentOf = ({ told }: Reply) =>
  JSON.parse(told.text) as Pick<pb.OnCallStartResponse, 'decision' | 'degraded' | 'dynamicVariables'>;

const customerNameOf = (variables: pb.OnCallStartResponse['dynamicVariables']): unknown =>
  variables?.['customer_name'];

// The receiver answers with the uuid of the execution that it was called for.
const checkVariables = (what: string, reply: Reply): readonly string[] => {
  const name = customerNameOf(contentOf(reply).dynamicVariables);
  const { executionUuid, state } = reply.told;
  const own = nameOf(state) === 'SUCCEEDED' ? `Ada ${String(executionUuid)}` : DEFAULT_NAME;
  return name === own ? [] : [`${what} was told ${String(name)} for a name, not ${own}`];
};

const checkLooked = (what: string, reply: Reply, execution: pb.Execution | undefined): readonly string[] => {
  if (execution === undefined) return [];
  const { decision, degraded, dynamicVariables } = contentOf(reply);
  const isDecision = decision === execution.decision && degraded === execution.degraded;
  const name = customerNameOf(execution.assignedVariables) ?? DEFAULT_NAME;
  const isName = customerNameOf(dynamicVariables) === name;
  return [
    ...(isDecision ? [] : [`${what} was told another decision than GetExecution shows`]),
    ...(isName ? [] : [`${what} was told other values than GetExecution shows`]),
  ];
};
