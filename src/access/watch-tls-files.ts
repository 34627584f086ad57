import { readFile } from 'node:fs/promises';
import { TLS_VARIABLES, tlsProblems, type TlsFiles, type TlsPaths } from './tls-files.ts';

/** Looks at the TLS files again and again. */
export interface TlsWatch {
  /** Reads the files now, and takes them at once if they are good. */
  lookNow(): Promise<void>;
  /** Reports whether the files can't be used, so that older ones are in use. */
  isStale(): boolean;
  close(): void;
}

/** What a watch of the TLS files works with. */
export interface TlsWatchDeps {
  readonly paths: TlsPaths;
  /** The files in use. */
  readonly initial: TlsFiles;
  /** Is called with files that are good and other than those in use. From then on they are in use. */
  readonly onChange: (files: TlsFiles) => void;
  /** Is called when the files can't be used, once for each state of them. Each problem is a sentence. */
  readonly onProblems: (problems: readonly string[]) => void;
  readonly everyMs?: number;
}

const EVERY_MS = 1_000;

/**
 * Watches the TLS files by reading them each second: containers replace them by links, and network file systems send no
 * events. Certificate and key can't be replaced in one step, and a file is not written in one. So files count when two
 * looks in a row find the same. Bad ones change nothing: those in use stay in use.
 */
export function watchTlsFiles(deps: TlsWatchDeps): TlsWatch {
  const { paths, onChange, onProblems, everyMs = EVERY_MS } = deps;
  let inUse: Found = { files: deps.initial, problems: [] };
  let lastSeen = inUse;
  let reported: Found | undefined;

  const judge = (found: Found, isUrgent: boolean): void => {
    const { files } = found;
    const problems = files === undefined ? found.problems : tlsProblems(files);
    if (files !== undefined && problems.length === 0) {
      reported = undefined;
      inUse = found;
      onChange(files);
    } else if (isUrgent || reported === undefined || !isSame(found, reported)) {
      reported = found;
      onProblems(problems);
    }
  };
  const look = async (isUrgent: boolean): Promise<void> => {
    const found = await readFiles(paths);
    const isSettled = isUrgent || isSame(found, lastSeen);
    lastSeen = found;
    if (isSame(found, inUse)) reported = undefined;
    else if (isSettled) judge(found, isUrgent);
  };

  // One look at a time: it reads three files at most, and a file system that hangs must not take all of the few threads
  // that read files.
  let looking: Promise<void> | undefined;
  const begin = (isUrgent: boolean): Promise<void> =>
    (looking ??= look(isUrgent).finally(() => (looking = undefined)));
  const timer = setInterval(() => void begin(false), everyMs).unref();
  return {
    lookNow: async () => {
      // A look that began before may have read the older files.
      await looking;
      await begin(true);
    },
    isStale: () => reported !== undefined,
    close: () => clearInterval(timer),
  };
}

/** What one look found: the files, or why they can't be read. */
interface Found {
  readonly files: TlsFiles | undefined;
  readonly problems: readonly string[];
}

async function readFiles(paths: TlsPaths): Promise<Found> {
  const problems: string[] = [];
  const read = async (name: keyof TlsPaths): Promise<string> => {
    const path = paths[name];
    if (path === undefined) return '';
    try {
      return await readFile(path, 'utf8');
    } catch (error) {
      const { code = 'unreadable' } = error as NodeJS.ErrnoException;
      problems.push(`${TLS_VARIABLES[name]} names a file that can't be read (${code}): ${path}`);
      return '';
    }
  };
  const [certificate, key, clientCa] = await Promise.all([
    read('certificate'),
    read('key'),
    read('clientCa'),
  ]);
  if (problems.length > 0) return { files: undefined, problems };
  return { files: { certificate, key, clientCa: paths.clientCa && clientCa }, problems };
}

function isSame(one: Found, other: Found): boolean {
  return JSON.stringify(one) === JSON.stringify(other);
}
