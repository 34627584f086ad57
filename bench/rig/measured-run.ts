import { setTimeout as wait } from 'node:timers/promises';
import { END, START } from './agent.ts';
import type { Generator, RunResult, RunSpec } from './generator.ts';
import type { Server, Subject } from './servers.ts';

/** The two RPCs of the bench. */
export type Kind = 'start' | 'end';

/** The parts of a run that are compared. */
export interface Sample {
  readonly perSecond: number;
  /** The CPU time that the server used for one call, in all its threads. */
  readonly cpuUs: number;
  /** The share of one core that the server had. */
  readonly share: number;
  /** The CPU time that generator and endpoint together used for one call. */
  readonly generatorUs: number;
  readonly result: RunResult;
}

/** The error of a run whose counts do not agree, so that its figures say nothing. */
export class VoidRunError extends Error {}

const SETTLES_WITHIN_MS = 600_000;
const LOOKS_EVERY_MS = 100;

/** Makes calls on a server and proves the run; see {@link prove}. */
export async function measure(
  generator: Generator,
  server: Server | Subject,
  kind: Kind,
  spec: Partial<RunSpec>,
): Promise<Sample> {
  const sinceMs = await beginCounting(generator);
  const result = await generator.run({
    target: server.address,
    ...(kind === 'start' ? START : END),
    pids: [server.pid, generator.pid],
    ...spec,
  });
  await prove(generator, server, kind, sinceMs, result);
  return toSample(server, generator, result);
}

/** Returns the parts of a run that are compared. */
function toSample(server: Server, generator: Generator, result: RunResult): Sample {
  const cpuMs = result.cpuMs[server.pid] ?? 0;
  const calls = result.perSecond * result.seconds;
  return {
    perSecond: result.perSecond,
    cpuUs: (cpuMs * 1000) / calls,
    share: cpuMs / 1000 / result.seconds,
    generatorUs: ((result.cpuMs[generator.pid] ?? 0) * 1000) / calls,
    result,
  };
}

function isSubject(server: Server | Subject): server is Subject {
  return 'rows' in server;
}

/**
 * Makes the endpoint count from 0 and returns the time. Rows that are accepted from then on belong to the run. It reads only
 * the machine's clock, because counting all rows takes seconds where there are 5 million.
 */
export async function beginCounting(generator: Generator): Promise<number> {
  await generator.reset();
  return Date.now();
}

/**
 * Proves that requests at the endpoint = rows that succeeded = OK answers with `replayed = false`, and that every caller
 * got its own answer. It waits for reports first. A server without a database has no rows; one that echoes sends nothing.
 */
export async function prove(
  generator: Generator,
  server: Server | Subject,
  kind: Kind,
  sinceMs: number,
  result: RunResult,
): Promise<void> {
  const { ok, replayed, degraded, blocked, foreign } = result;
  const fail = (why: string) => {
    throw new VoidRunError(`void, ${why}: ${server.title}: ${JSON.stringify({ ...result, timeline: null })}`);
  };
  if (ok === 0) fail('no call succeeded');
  if (replayed + degraded + blocked + foreign > 0) fail('answers were not first and own ones');
  if (isSubject(server)) {
    await untilSent(generator, ok);
    const rowsNow = async () => (await server.rows.count(kind, sinceMs)).succeeded;
    await until(async () => (await rowsNow()) >= ok);
    const rows = await rowsNow();
    const { requests } = await generator.counts();
    if (rows !== ok || requests !== ok) fail(`${rows} rows, ${requests} requests, ${ok} answers`);
  } else if (!server.title.includes('echo')) {
    const { requests } = await generator.counts();
    if (requests !== ok) fail(`${requests} requests, ${ok} answers`);
  }
}

/** Waits until the endpoint has seen so many requests. This costs less than asking the database. */
export function untilSent(generator: Generator, requests: number): Promise<void> {
  return until(async () => (await generator.counts()).requests >= requests);
}

/** Waits until a condition holds, but for ten minutes at most. The proof fails after that. */
export async function until(holds: () => Promise<boolean>): Promise<void> {
  const giveUpAtMs = performance.now() + SETTLES_WITHIN_MS;
  while (!(await holds()) && performance.now() < giveUpAtMs) await wait(LOOKS_EVERY_MS);
}
