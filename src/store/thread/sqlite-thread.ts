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
 * Opens the embedded database in a thread of its own: the event loop never waits for a disk, and statements use a
 * second core where there is one. Each function is one message there and one back.
 */
export async function openSqliteThread(dataDir: string): Promise<RowDatabase> {
  const extension = import.meta.url.endsWith('.ts') ? 'ts' : 'js';
  const thread = new Worker(new URL(`sqlite-thread-main.${extension}`, import.meta.url), {
    workerData: dataDir,
    // Those of this process may be meant for its main file alone.
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

// A thread that says nothing for so long hangs in a disk that does not answer.
const SILENT_AFTER_MS = 2_000;
const LISTEN_EVERY_MS = 100;
// What takes its time by right.
const SLOW = new Set(['migrate', 'close']);

function createCalls(thread: Worker): (name: string, args: readonly unknown[]) => Promise<unknown> {
  const waiting = new Map<number, Waiting>();
  let lastId = 0;
  let heardAtMs = 0;
  let listener: NodeJS.Timeout | undefined;
  let ended: Error | undefined;
  const rejectAll = (error: Error): void => {
    for (const { reject } of waiting.values()) reject(error);
    waiting.clear();
  };
  // Waiting for a turn says nothing: while the thread answers anybody, it is there. After a stall of this thread, or of
  // the whole process, a timer runs before answers that are on their way: one more look.
  let silentLooks = 0;
  const listen = (): void => {
    listener = undefined;
    const isSilent = performance.now() - heardAtMs > SILENT_AFTER_MS && ![...waiting.values()].some(isSlow);
    silentLooks = isSilent ? silentLooks + 1 : 0;
    if (silentLooks > 1)
      rejectAll(new DatabaseError('away', new Error(`no answer of the disk within ${SILENT_AFTER_MS} ms`)));
    if (waiting.size > 0) listener = setTimeout(listen, LISTEN_EVERY_MS);
  };
  thread.on('message', (answer: AnswerMessage) => {
    heardAtMs = performance.now();
    const caller = waiting.get(answer.id);
    waiting.delete(answer.id);
    if ('error' in answer) caller?.reject(toError(answer.error));
    else caller?.resolve(answer.value);
  });
  // An error of the thread itself is a bug: without a listener for 'error' it ends the process, as one here would.
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
      listener ??= setTimeout(listen, LISTEN_EVERY_MS);
    });
}

function isSlow({ name }: Waiting): boolean {
  return SLOW.has(name);
}
