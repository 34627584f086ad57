import { once } from 'node:events';
import { Worker } from 'node:worker_threads';
import { DatabaseError } from '../../errors.ts';
import type { RowDatabase } from '../open-sqlite.ts';
import { PARTS, toError, type AnswerMessage, type CallMessage, type ReadyMessage } from './messages.ts';

/** A call that waits for its answer. */
interface Waiting {
  readonly name: string;
  readonly resolve: (value: unknown) => void;
  readonly reject: (error: unknown) => void;
}

/**
 * Opens the embedded database in a thread of its own, so that the event loop never waits for a disk, and statements use a
 * second core if there is one. A call of a function is one message to the thread and one back.
 */
export async function openSqliteThread(dataDir: string): Promise<RowDatabase> {
  const extension = import.meta.url.endsWith('.ts') ? 'ts' : 'js';
  const thread = new Worker(new URL(`sqlite-thread-main.${extension}`, import.meta.url), {
    workerData: dataDir,
    // The options of this process may be meant for its main file only.
    execArgv: [],
  });
  const [ready] = (await once(thread, 'message')) as [ReadyMessage];
  if ('error' in ready) throw toError(ready.error);
  const call = createCalls(thread);
  const functions = Object.fromEntries(
    ready.names.map((name) => [name, (...args: readonly unknown[]) => call(name, args)]),
  );
  const parts = PARTS.map((part) => [part, functionsBelow(functions, `${part}.`)] as const);
  const database = { engine: 'sqlite', ...functions, ...Object.fromEntries(parts) } as unknown as RowDatabase;
  return {
    ...database,
    close: async () => {
      await database.close();
      await thread.terminate();
    },
  };
}

function functionsBelow(functions: Readonly<Record<string, unknown>>, prefix: string): object {
  const own = Object.entries(functions).filter(([name]) => name.startsWith(prefix));
  return Object.fromEntries(own.map(([name, run]) => [name.slice(prefix.length), run]));
}

// When the thread has been silent for so long, its disk does not answer.
const SILENT_AFTER_MS = 2_000;
const CHECK_EVERY_MS = 100;
// These functions may take long.
const SLOW = new Set(['migrate', 'close']);

function createCalls(thread: Worker): (name: string, args: readonly unknown[]) => Promise<unknown> {
  const waiting = new Map<number, Waiting>();
  let lastId = 0;
  let heardAtMs = 0;
  let nextCheck: NodeJS.Timeout | undefined;
  let ended: Error | undefined;
  const rejectAll = (error: Error): void => {
    for (const { reject } of waiting.values()) reject(error);
    waiting.clear();
  };
  // A call that waits for its turn proves nothing: while the thread answers any call, its disk answers. After a stall of this
  // thread, or of the whole process, a timer runs before answers that are on their way, so it takes two checks.
  let silentChecks = 0;
  const checkSilence = (): void => {
    nextCheck = undefined;
    const isSilent = performance.now() - heardAtMs > SILENT_AFTER_MS && ![...waiting.values()].some(isSlow);
    silentChecks = isSilent ? silentChecks + 1 : 0;
    if (silentChecks > 1)
      rejectAll(new DatabaseError('away', new Error(`the disk gave no answer within ${SILENT_AFTER_MS} ms`)));
    if (waiting.size > 0) nextCheck = setTimeout(checkSilence, CHECK_EVERY_MS);
  };
  thread.on('message', (answer: AnswerMessage) => {
    heardAtMs = performance.now();
    const caller = waiting.get(answer.id);
    waiting.delete(answer.id);
    if ('error' in answer) caller?.reject(toError(answer.error));
    else caller?.resolve(answer.value);
  });
  // An error of the thread itself is a bug. There is no listener for 'error', so it ends the process, as an error here would.
  thread.on('exit', () => {
    ended = new DatabaseError('away', new Error('the thread of the database has ended'));
    rejectAll(ended);
  });
  return (name, args) =>
    new Promise((resolve, reject) => {
      if (ended) return reject(ended);
      lastId += 1;
      thread.postMessage({ id: lastId, name, args } satisfies CallMessage);
      if (waiting.size === 0) heardAtMs = performance.now();
      waiting.set(lastId, { name, resolve, reject });
      nextCheck ??= setTimeout(checkSilence, CHECK_EVERY_MS);
    });
}

function isSlow({ name }: Waiting): boolean {
  return SLOW.has(name);
}
