import { repliesOf, seenBy, type Evidence } from './evidence.ts';

const REFUSED_SHARE = 0.5;

/** Enough has happened, so that nothing to complain of means something. */
export const checkAmounts = (evidence: Evidence): readonly string[] => {
  const { journal, executions, expected } = evidence;
  const { atLeast = {}, refusedShare = REFUSED_SHARE } = expected;
  const calls = journal.entries.length;
  const replies = repliesOf(journal.entries).length;
  const counted = { executions: executions.length, requests: seenBy(evidence).length, replies };
  const share = calls === 0 ? 0 : (calls - replies) / calls;
  return [
    ...(['executions', 'requests', 'replies'] as const).flatMap((what) => {
      const floor = atLeast[what] ?? 1;
      return counted[what] < floor ? [`too little happened: ${counted[what]} ${what} of ${floor}`] : [];
    }),
    ...(share > refusedShare ? [`too many were refused: ${calls - replies} of ${calls} calls`] : []),
  ];
};
