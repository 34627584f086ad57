const UUID = /[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}/g;
// A line of its own that stands for lines left out.
const LEFT_OUT = '…';

/** Compares what a page shows with what commands print, and remembers which printed UUID each of the page's UUIDs stands for. */
export interface ShownReplies {
  /** Says where the page is wrong; returns undefined when it is right. */
  compare(shown: string, printed: string): string | undefined;
  /** Replaces the UUIDs of the page in a text by the printed ones. */
  translate(text: string): string;
}

/** Begins the comparison of a page. */
export function createShownReplies(): ShownReplies {
  let known: ReadonlyMap<string, string> = new Map();
  return {
    compare: (shown, printed) => {
      const found = match(withoutVolatile(shown), withoutVolatile(printed), known);
      if (typeof found === 'string') return found;
      known = found;
      return undefined;
    },
    translate: (text) => text.replace(UUID, (uuid) => known.get(uuid) ?? uuid),
  };
}

/** Splits a text into lines, without what differs each time: times, durations, etags and names of replicas. */
function withoutVolatile(text: string): readonly string[] {
  return (
    text
      .replaceAll(/"\d{4}-\d\d-\d\dT[\d:.]+Z"/g, '"(time)"')
      .replaceAll(/("(?:queued|dns|connect|tls|firstByte|total)": )"[\d.]+s"/g, '$1"(duration)"')
      .replaceAll(/("(?:etag|webhookEtag|instance)": )"[^"]+"/g, '$1"(any)"')
      // grpcurl indents details with blanks and a tab.
      .replaceAll(/^( *)(\d+\))?\t/gm, (_, blanks: string, number = '  ') => `${blanks}${number}  `)
      .trimEnd()
      .split('\n')
  );
}

type Known = ReadonlyMap<string, string>;

function match(shown: readonly string[], printed: readonly string[], before: Known): Known | string {
  let known = before;
  let at = 0;
  for (const [index, part] of splitAtGaps(shown).entries()) {
    const found = findPart(part, printed, at, index === 0 ? at : printed.length, known);
    if (found === undefined)
      return `not there:\n${part.join('\n')}\ninstead:\n${printed.slice(at).join('\n')}`;
    ({ at, known } = found);
  }
  const endsOpen = shown.at(-1)?.trim() === LEFT_OUT;
  return endsOpen || at === printed.length ? known : `not shown:\n${printed.slice(at).join('\n')}`;
}

/** Splits lines at the gaps. The first part, which may be empty, has to stand at the beginning. */
function splitAtGaps(lines: readonly string[]): string[][] {
  const parts: string[][] = [[]];
  for (const line of lines) {
    if (line.trim() === LEFT_OUT) parts.push([]);
    else parts.at(-1)?.push(line);
  }
  return parts;
}

/** Finds the first place of a part whose first line is between `from` and `to`; `at` is the line after the part. */
function findPart(
  part: readonly string[],
  printed: readonly string[],
  from: number,
  to: number,
  before: Known,
) {
  for (let start = from; start <= to && start + part.length <= printed.length; start += 1) {
    let known: Known | undefined = before;
    for (const [index, line] of part.entries()) {
      known = known && sameLine(line, printed[start + index] ?? '', known);
    }
    if (known !== undefined) return { at: start + part.length, known };
  }
  return undefined;
}

/** Returns the known UUIDs after two lines that are the same; undefined when they are not. */
function sameLine(shown: string, printed: string, known: Known): Known | undefined {
  if (shown.replaceAll(UUID, 'uuid') !== printed.replaceAll(UUID, 'uuid')) return undefined;
  const learned = new Map(known);
  const uuids = printed.match(UUID) ?? [];
  for (const [index, uuid] of (shown.match(UUID) ?? []).entries()) {
    const other = uuids[index] ?? '';
    if ((learned.get(uuid) ?? other) !== other) return undefined;
    learned.set(uuid, other);
  }
  return learned;
}
