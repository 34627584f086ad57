#!/usr/bin/env node
import { EXIT } from './cli/frame/exit-codes.ts';
import { runCommandLine } from './cli/run.ts';

const watched = new Set<NodeJS.WriteStream>();

// The reader of a pipe may leave early (`| head`). That is no error of the command.
function write(stream: NodeJS.WriteStream, text: string): void {
  if (!watched.has(stream)) {
    watched.add(stream);
    stream.on('error', ({ code, message }: NodeJS.ErrnoException) => {
      if (code !== 'EPIPE') process.stderr.write(`callhooks can't write its output: ${message}\n`);
      process.exit(code === 'EPIPE' ? EXIT.done : EXIT.output);
    });
  }
  stream.write(text);
}

const exitCode = await runCommandLine(process.argv.slice(2), {
  env: process.env,
  pid: process.pid,
  nodeVersion: process.version,
  get stdin() {
    return process.stdin;
  },
  get stdout() {
    return process.stdout;
  },
  get stderr() {
    return process.stderr;
  },
  print: (text) => write(process.stdout, text),
  say: (text) => void process.stderr.write(text),
  onSignal: (signal, listener) => void process.on(signal, listener),
  onExit: (listener) => void process.on('exit', listener),
  onUnexpectedError(listener) {
    process.on('uncaughtException', listener);
    process.on('unhandledRejection', listener);
  },
  exit: (code) => process.exit(code),
});
// A write that has failed, for example on a full disk, says so in a later turn.
await new Promise((resolve) => setImmediate(resolve));
process.exit(exitCode);
