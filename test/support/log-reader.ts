import { spawn, spawnSync, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, constants, openSync } from 'node:fs';
import { Socket } from 'node:net';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import type { Readable } from 'node:stream';

/** Is a log line as it was read. */
export type LogLine = Readonly<Record<string, unknown>>;

/** Is a process whose standard output nobody reads before `read` is called. */
export interface Unread {
  readonly child: ChildProcess;
  /** Begins to read. The lines go into the array, and `ended` resolves when there are no more. */
  read(): { readonly lines: readonly LogLine[]; readonly ended: Promise<unknown> };
}

/** Starts Node.js with these arguments, on a standard output of a certain kind. It may put files into `folder`. */
export type StartUnread = (folder: string, args: readonly string[], env?: NodeJS.ProcessEnv) => Unread;

/** Starts Node.js on a pipe, as a shell or a container's runtime does. */
export const onPipe: StartUnread = (folder, args, env) => {
  const path = join(folder, 'stdout');
  spawnSync('mkfifo', [path]);
  const readEnd = openSync(path, constants.O_RDONLY | constants.O_NONBLOCK);
  const writeEnd = openSync(path, 'w');
  const child = start(args, writeEnd, env);
  closeSync(writeEnd);
  return { child, read: () => readLines(new Socket({ fd: readEnd, readable: true, writable: false })) };
};

/** Starts Node.js on a socket, as systemd and Node.js do. */
export const onSocket: StartUnread = (_folder, args, env) => {
  const child = start(args, 'pipe', env);
  return { child, read: () => readLines(child.stdout as Readable) };
};

function start(args: readonly string[], stdout: number | 'pipe', env = process.env): ChildProcess {
  return spawn(process.execPath, args, { env, stdio: ['ignore', stdout, 'pipe', 'ipc'] });
}

function readLines(stream: Readable): ReturnType<Unread['read']> {
  const lines: LogLine[] = [];
  const reader = createInterface({ input: stream });
  reader.on('line', (line) => lines.push(JSON.parse(line) as LogLine));
  return { lines, ended: once(reader, 'close') };
}
