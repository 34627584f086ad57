import { stateName } from '../../../support/execution-words.ts';
import { byConversation, repliedCalls, type Evidence, type RepliedCall } from './evidence.ts';

const RANKS: Readonly<Record<string, number>> = {
  ACCEPTED: 1,
  SENDING: 2,
  INTERRUPTED: 3,
  SUCCEEDED: 4,
  FAILED: 4,
};

/**
 * Checks that all replies to OnCallEnd for a conversation name the same execution, that at most one of them is not replayed,
 * and that later replies and the record never show an earlier state, or no execution.
 */
export function checkEndReplies({ callLog, executions }: Evidence): readonly string[] {
  const states = new Map(executions.map(({ executionUuid, state }) => [executionUuid, stateName(state)]));
  return [...byConversation(callLog.entries, 'end')].flatMap(([conversationUuid, calls]) => {
    const what = `the end of ${conversationUuid}`;
    const all = repliedCalls(calls);
    const named = all.filter(({ response }) => response.executionUuid !== undefined);
    const uuids = new Set(named.map(({ response }) => response.executionUuid));
    const firsts = named.filter(({ response }) => !response.replayed);
    const recorded = states.get([...uuids][0] ?? '');
    return [
      ...(uuids.size > 1 ? [`${what} has ${uuids.size} executions`] : []),
      ...(firsts.length > 1 ? [`${what} got ${firsts.length} replies that are not replayed`] : []),
      ...named.flatMap((earlier) => checkOrder(what, earlier, laterThan(earlier, all), recorded)),
    ];
  });
}

function laterThan({ respondedAtMs }: RepliedCall, calls: readonly RepliedCall[]): readonly RepliedCall[] {
  return calls.filter(({ sentAtMs }) => sentAtMs > respondedAtMs);
}

function checkOrder(
  what: string,
  { response }: RepliedCall,
  later: readonly RepliedCall[],
  recorded: string | undefined,
): readonly string[] {
  const before = stateName(response.state);
  const named = later.filter((call) => call.response.executionUuid !== undefined);
  const states = named.map((call) => stateName(call.response.state));
  return [
    ...(named.length < later.length ? [`${what} got a reply without an execution after one with it`] : []),
    ...[...states, ...(recorded === undefined ? [] : [recorded])]
      .filter((after) => isBack(before, after))
      .map((after) => `${what} was ${before} in a reply, later ${after}`),
  ];
}

function isBack(before: string, after: string): boolean {
  const [from = 0, to = 0] = [RANKS[before], RANKS[after]];
  return to < from || (from === 4 && before !== after);
}
