import { repliedCalls, type Evidence } from './evidence.ts';

const REFUSED_SHARE = 0.5;

/** Checks that enough has happened: without calls, a run has no violations either. */
export function checkAmounts({ callLog, executions, recorder, expected }: Evidence): readonly string[] {
  const { atLeast = {}, refusedShare = REFUSED_SHARE } = expected;
  const calls = callLog.entries.length;
  const replies = repliedCalls(callLog.entries).length;
  const counted = { executions: executions.length, requests: recorder.requests().length, replies };
  const share = calls === 0 ? 0 : (calls - replies) / calls;
  return [
    ...(['executions', 'requests', 'replies'] as const).flatMap((what) => {
      const floor = atLeast[what] ?? 1;
      return counted[what] < floor ? [`too little happened: ${counted[what]} ${what} of ${floor}`] : [];
    }),
    ...(share > refusedShare ? [`too many were refused: ${calls - replies} of ${calls} calls`] : []),
  ];
}
