import { nameOf } from '../execution-log.ts';
import { byConversation, repliesOf, type Evidence, type Reply } from './evidence.ts';

const RANKS: Readonly<Record<string, number>> = {
  ACCEPTED: 1,
  SENDING: 2,
  INTERRUPTED: 3,
  SUCCEEDED: 4,
  FAILED: 4,
};

/**
 * The same execution in each reply of an end, a first time told to one caller at most; later replies, and the log, never
 * show an earlier state or none.
 */
export const checkEnds = ({ journal, executions }: Evidence): readonly string[] => {
  const log = new Map(executions.map((execution) => [execution.executionUuid, nameOf(execution.state)]));
  return [...byConversation(journal.entries, 'end')].flatMap(([conversationUuid, calls]) => {
    const what = `the end of ${conversationUuid}`;
    const all = repliesOf(calls);
    const replies = all.filter(({ told }) => told.executionUuid !== undefined);
    const uuids = new Set(replies.map(({ told }) => told.executionUuid));
    const final = log.get([...uuids][0] ?? '');
    return [
      ...(uuids.size > 1 ? [`${what} has ${uuids.size} executions`] : []),
      ...(replies.filter(({ told }) => !told.replayed).length > 1
        ? [`${what} was told twice as the first`]
        : []),
      ...replies.flatMap((earlier) => checkOrder(what, earlier, laterThan(earlier, all), final)),
    ];
  });
};

const laterThan = ({ toldAtMs }: Reply, replies: readonly Reply[]): readonly Reply[] =>
  replies.filter(({ sentAtMs }) => sentAtMs > toldAtMs);

const checkOrder = (
  what: string,
  { told }: Reply,
  later: readonly Reply[],
  final: string | undefined,
): readonly string[] => {
  const before = nameOf(told.state);
  const named = later.filter((reply) => reply.told.executionUuid !== undefined);
  const states = named.map((reply) => nameOf(reply.told.state));
  return [
    ...(named.length < later.length ? [`${what} was told without an execution after one with it`] : []),
    ...[...states, ...(final === undefined ? [] : [final])]
      .filter((after) => isBack(before, after))
      .map((after) => `${what} was told as ${before}, later as ${after}`),
  ];
};

const isBack = (before: string, after: string): boolean => {
  const [from = 0, to = 0] = [RANKS[before], RANKS[after]];
  return to < from || (from === 4 && before !== after);
};
