/** A line of a difference: in both texts (` `), only in the first (`-`), or only in the second (`+`). */
export interface DiffLine {
  readonly mark: ' ' | '-' | '+' | '…';
  readonly text: string;
}

// The table of the algorithm has a cell for each pair of lines.
const MAX_CELLS = 250_000;
const CONTEXT_LINES = 2;

/** Returns the difference of two texts line by line, with two lines around each change. `…` stands for lines left out. */
export function diffLines(before: readonly string[], after: readonly string[]): readonly DiffLine[] {
  let start = 0;
  while (start < before.length && start < after.length && before[start] === after[start]) start += 1;
  let end = 0;
  const most = Math.min(before.length, after.length) - start;
  while (end < most && before[before.length - 1 - end] === after[after.length - 1 - end]) end += 1;
  const same = (texts: readonly string[]) => texts.map((text): DiffLine => ({ mark: ' ', text }));
  return withContext([
    ...same(before.slice(0, start)),
    ...diffMiddle(before.slice(start, before.length - end), after.slice(start, after.length - end)),
    ...same(before.slice(before.length - end)),
  ]);
}

function diffMiddle(before: readonly string[], after: readonly string[]): DiffLine[] {
  const only = (mark: '-' | '+', texts: readonly string[]) => texts.map((text): DiffLine => ({ mark, text }));
  if (before.length * after.length > MAX_CELLS) return [...only('-', before), ...only('+', after)];
  const common = commonLengths(before, after);
  const lines: DiffLine[] = [];
  let i = 0;
  let j = 0;
  while (i < before.length && j < after.length) {
    if (before[i] === after[j]) {
      lines.push({ mark: ' ', text: before[i] as string });
      i += 1;
      j += 1;
    } else if ((common[i + 1]?.[j] ?? 0) >= (common[i]?.[j + 1] ?? 0)) {
      lines.push({ mark: '-', text: before[i] as string });
      i += 1;
    } else {
      lines.push({ mark: '+', text: after[j] as string });
      j += 1;
    }
  }
  return [...lines, ...only('-', before.slice(i)), ...only('+', after.slice(j))];
}

// Holds at [i][j] the length of the longest common sequence of the lines from i and from j on.
function commonLengths(before: readonly string[], after: readonly string[]): readonly Uint32Array[] {
  const rows = Array.from({ length: before.length + 1 }, () => new Uint32Array(after.length + 1));
  for (let i = before.length - 1; i >= 0; i -= 1) {
    const row = rows[i] as Uint32Array;
    const below = rows[i + 1] as Uint32Array;
    for (let j = after.length - 1; j >= 0; j -= 1)
      row[j] = before[i] === after[j] ? below[j + 1]! + 1 : Math.max(below[j]!, row[j + 1]!);
  }
  return rows;
}

function withContext(lines: readonly DiffLine[]): readonly DiffLine[] {
  const isNear = lines.map(() => false);
  for (const [i, { mark }] of lines.entries())
    if (mark !== ' ') isNear.fill(true, Math.max(0, i - CONTEXT_LINES), i + CONTEXT_LINES + 1);
  return lines.flatMap((line, i): DiffLine[] => {
    if (isNear[i]) return [line];
    return i === 0 || isNear[i - 1] ? [{ mark: '…', text: '' }] : [];
  });
}
