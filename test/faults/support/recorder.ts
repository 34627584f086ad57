import { fork } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { Stall } from './stalls.ts';

const MAIN = fileURLToPath(new URL('recorder-main.ts', import.meta.url));

/** Says how the recorder treats the requests of one path. Without any of these it answers 200 at once. */
export interface Behaviour {
  /** Waits between so many and so many milliseconds. */
  readonly delayMs?: readonly [number, number];
  /** Answers with these statuses in turn. */
  readonly statuses?: readonly number[];
  /** Resets the connection of this share of the requests instead of answering. */
  readonly drop?: number;
  /**
   * Never answers: it sends nothing at all, or no more than the head. With `until_scripted` it waits until a behaviour is
   * set again, and then follows the one that its path has.
   */
  readonly stall?: 'silent' | 'after_head' | 'until_scripted';
}

/** A line of the recorder's file. */
export type RecorderEvent =
  | {
      readonly event: 'head';
      readonly id: number;
      readonly atMs: number;
      readonly path: string;
      readonly type: 'pre_call' | 'post_call';
      readonly executionUuid: string;
      readonly conversationUuid: string;
    }
  | { readonly event: 'body'; readonly id: number }
  | { readonly event: 'answered'; readonly id: number; readonly atMs: number; readonly status: number };

/** A request whose whole head arrived. Instants are epoch milliseconds. */
export interface SeenRequest {
  readonly path: string;
  readonly type: 'pre_call' | 'post_call';
  readonly executionUuid: string;
  readonly conversationUuid: string;
  readonly headAtMs: number;
  readonly isBodyComplete: boolean;
  /** Is absent when it was not answered. */
  readonly answer?: { readonly atMs: number; readonly status: number };
}

/** An HTTP endpoint in a process of its own, which writes all that arrives to a file. */
export interface Recorder {
  /** `http://127.0.0.1:port`, without a slash at its end. */
  readonly url: string;
  readonly pid: number;
  /**
   * Sets how later requests of a path are treated, and those that wait for it; `*` stands for every path without a
   * behaviour of its own.
   */
  script(path: string, behaviour: Behaviour): Promise<void>;
  /** Returns what has arrived so far, read from the file. */
  requests(): readonly SeenRequest[];
  /** Lists the times in which its process got no turn, because the machine was busy. */
  readonly stalls: readonly Stall[];
  close(): Promise<void>;
}

type Message = { kind: 'listening'; port: number } | { kind: 'scripted' } | { kind: 'stall'; stall: Stall };

/** Starts a recorder on a free port of 127.0.0.1. The end of a request's path says its type: `/pre` or `/post`. */
export async function startRecorder(): Promise<Recorder> {
  const folder = mkdtempSync(join(tmpdir(), 'callhooks-recorder-'));
  const file = join(folder, 'requests.jsonl');
  const child = fork(MAIN, [file], { stdio: ['ignore', 'inherit', 'inherit', 'ipc'] });
  const stalls: Stall[] = [];
  const waiting: (() => void)[] = [];
  const port = await new Promise<number>((resolve, reject) => {
    child.on('exit', () => reject(new Error('the recorder ended at its start')));
    child.on('message', (message: Message) => {
      if (message.kind === 'listening') resolve(message.port);
      if (message.kind === 'scripted') waiting.shift()?.();
      if (message.kind === 'stall') stalls.push(message.stall);
    });
  });
  return {
    url: `http://127.0.0.1:${port}`,
    pid: child.pid ?? 0,
    script: (path, behaviour) =>
      new Promise((resolve) => {
        waiting.push(resolve);
        child.send({ path, behaviour });
      }),
    requests: () => readRequests(readFileSync(file, 'utf8')),
    stalls,
    close: async () => {
      const exit = once(child, 'exit');
      child.disconnect();
      await exit;
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

function readRequests(text: string): readonly SeenRequest[] {
  const seen = new Map<number, SeenRequest>();
  // The last line may be half-written.
  for (const line of text.split('\n').slice(0, -1)) {
    const event = JSON.parse(line) as RecorderEvent;
    const known = seen.get(event.id);
    if (event.event === 'head') {
      const { id, atMs, event: _, ...names } = event;
      seen.set(id, { ...names, headAtMs: atMs, isBodyComplete: false });
    } else if (known !== undefined) {
      const { atMs, status } = event.event === 'answered' ? event : {};
      seen.set(event.id, {
        ...known,
        ...(event.event === 'body' ? { isBodyComplete: true } : {}),
        ...(atMs === undefined || status === undefined ? {} : { answer: { atMs, status } }),
      });
    }
  }
  return [...seen.values()];
}
