import { typeOf } from '../execution-log.ts';
import { keyOf, type Evidence } from './evidence.ts';

/**
 * Checks that there is at most one execution and one request for each conversation and type, and that each request is of an
 * execution on record, for the conversation and the type that the record names.
 */
export function checkRequests(evidence: Evidence): readonly string[] {
  return [...checkKeys(evidence), ...checkSeen(evidence)];
}

function checkKeys({ executions }: Evidence): readonly string[] {
  const keys = executions.map((execution) => keyOf(typeOf(execution), execution.conversationUuid));
  return repeated(keys).map((key) => `two executions on record: of the ${key}`);
}

function checkSeen({ executions, recorder }: Evidence): readonly string[] {
  const seen = recorder.requests();
  const onRecord = new Map(executions.map((execution) => [execution.executionUuid, execution]));
  const keys = seen.map(({ type, conversationUuid }) => keyOf(type, conversationUuid));
  return [
    ...repeated(keys).map((key) => `sent twice: the ${key}`),
    ...repeated(seen.map(({ executionUuid }) => executionUuid)).map((uuid) => `sent twice: ${uuid}`),
    ...seen.flatMap(({ executionUuid }, at) => {
      const execution = onRecord.get(executionUuid);
      if (execution === undefined)
        return [`not on record, but sent: ${executionUuid}, the ${String(keys[at])}`];
      const key = keyOf(typeOf(execution), execution.conversationUuid);
      return key === keys[at]
        ? []
        : [`sent for another: ${executionUuid} is the ${key}, its request was for the ${String(keys[at])}`];
    }),
  ];
}

function repeated(items: readonly string[]): readonly string[] {
  const once = new Set<string>();
  return items.filter((item) => once.size === once.add(item).size);
}
