/** A function of src/ that a process entered. */
export interface EnteredFunction {
  /** The path of its file below src/. */
  readonly path: string;
  /** Empty for a function without a name. */
  readonly name: string;
  readonly calls: number;
}

/** Counts which functions of src/ a process calls, in all of its threads. */
export interface CallCounter {
  /** Returns the functions that were called since the last time, and begins anew. */
  take(): Promise<readonly EnteredFunction[]>;
  close(): void;
}

interface Coverage {
  readonly result: readonly {
    readonly url: string;
    readonly functions: readonly {
      readonly functionName: string;
      readonly ranges: readonly { readonly count: number }[];
    }[];
  }[];
}

/** One thread's end of the inspector protocol: each message goes out with an id, and its answer comes back with it. */
interface Thread {
  send(method: string, params?: object): Promise<unknown>;
  receive(answer: { readonly id: number; readonly result?: unknown; readonly error?: unknown }): void;
}

/** Connects to the inspector of a process (`--inspect=127.0.0.1:port`), and to those of its worker threads through it. */
export async function countCalls(port: number): Promise<CallCounter> {
  const targets = await (await fetch(`http://127.0.0.1:${port}/json/list`)).json();
  const [target] = targets as { webSocketDebuggerUrl: string }[];
  const socket = new WebSocket(target?.webSocketDebuggerUrl ?? '');
  await new Promise((resolve) => socket.addEventListener('open', resolve));
  const main = createThread((text) => socket.send(text));
  const workers = new Map<string, Thread>();
  socket.addEventListener('message', ({ data }) => {
    const message = JSON.parse(String(data));
    const { sessionId = '' } = message.params ?? {};
    if (message.id !== undefined) main.receive(message);
    if (message.method === 'NodeWorker.attachedToWorker')
      workers.set(
        sessionId,
        createThread((text) => {
          void main.send('NodeWorker.sendMessageToWorker', { sessionId, message: text });
        }),
      );
    if (message.method === 'NodeWorker.receivedMessageFromWorker')
      workers.get(sessionId)?.receive(JSON.parse(message.params.message));
  });
  await main.send('NodeWorker.enable', { waitForDebuggerOnStart: false });
  const threads = [main, ...workers.values()];
  await Promise.all(threads.map(startCounting));
  return {
    take: async () => (await Promise.all(threads.map(takeCounts))).flat(),
    close: () => socket.close(),
  };
}

function createThread(post: (text: string) => void): Thread {
  const waiting = new Map<number, { resolve: (value: unknown) => void; reject: (error: Error) => void }>();
  let lastId = 0;
  return {
    send: (method, params = {}) =>
      new Promise((resolve, reject) => {
        lastId += 1;
        waiting.set(lastId, { resolve, reject });
        post(JSON.stringify({ id: lastId, method, params }));
      }),
    receive: ({ id, result, error }) => {
      const caller = waiting.get(id);
      waiting.delete(id);
      if (error === undefined) caller?.resolve(result);
      else caller?.reject(new Error(JSON.stringify(error)));
    },
  };
}

async function startCounting(thread: Thread): Promise<void> {
  await thread.send('Profiler.enable');
  await thread.send('Profiler.startPreciseCoverage', { callCount: true, detailed: false });
}

// V8 sets its counters to zero whenever they are read.
async function takeCounts(thread: Thread): Promise<EnteredFunction[]> {
  const { result } = (await thread.send('Profiler.takePreciseCoverage')) as Coverage;
  return result.flatMap(({ url, functions }) => {
    const path = /^file:.*\/src\/(?!gen\/)(.*\.ts)$/.exec(url)?.[1];
    if (path === undefined) return [];
    return functions
      .map(({ functionName, ranges }) => ({ path, name: functionName, calls: ranges[0]?.count ?? 0 }))
      .filter(({ calls }) => calls > 0);
  });
}
