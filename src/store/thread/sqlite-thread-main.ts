import { parentPort, workerData } from 'node:worker_threads';
import { openSqlite, type RowDatabase } from '../open-sqlite.ts';
import { functionsOf, toErrorMessage, type CallMessage } from './messages.ts';

// The thread of the embedded database opens it and answers calls of its functions.

const port = parentPort;
if (port === null) throw new Error('this file runs as a worker thread');

function serve(database: RowDatabase): void {
  const functions = functionsOf(database);
  port?.on('message', ({ id, name, args }: CallMessage) => {
    const run = functions[name];
    if (run === undefined) throw new Error(`the database has no function ${name}`);
    run(...args).then(
      (value) => port.postMessage({ id, value }),
      (error: unknown) => port.postMessage({ id, error: toErrorMessage(error) }),
    );
  });
  port?.postMessage({ names: Object.keys(functions) });
}

try {
  serve(openSqlite({ dataDir: workerData as string }));
} catch (error) {
  port.postMessage({ error: toErrorMessage(error) });
}
