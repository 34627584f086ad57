import { fileURLToPath } from 'node:url';
import { createInterface } from 'node:readline';
import { startProgram, type Program } from './processes.ts';

const CALLBENCH = fileURLToPath(new URL('../../.cache/bench/callbench', import.meta.url));

/** The program of bench/go. */
export const callbenchPath = CALLBENCH;

/** Milliseconds. */
export interface Latencies {
  readonly count: number;
  readonly p50: number;
  readonly p90: number;
  readonly p99: number;
  readonly p999: number;
  readonly max: number;
}

/** One part of a run's timeline. A call belongs to the part in which it was due. */
export interface Bucket {
  readonly atMs: number;
  readonly due: number;
  readonly good: number;
  readonly bad: number;
  readonly p50: number;
  readonly p99: number;
}

/** The result of one run of calls; bench/go/result.go explains each field. */
export interface RunResult {
  readonly seconds: number;
  readonly perSecond: number;
  readonly cpuMs: Readonly<Record<string, number>>;
  readonly issued: number;
  readonly ok: number;
  readonly good: number;
  readonly replayed: number;
  readonly degraded: number;
  readonly blocked: number;
  readonly foreign: number;
  readonly codes: Readonly<Record<string, number>>;
  readonly failures: Readonly<Record<string, number>>;
  readonly latency: Latencies;
  readonly goodAfter: Latencies;
  readonly maxLagMs: number;
  readonly timeline?: readonly Bucket[];
  readonly refused: number;
  readonly repeats?: {
    readonly ran: number;
    readonly lost: number;
    readonly double: number;
    readonly refused: number;
  };
}

/** The options of a run; bench/go/run.go explains each field. */
export interface RunSpec {
  readonly target: string;
  readonly path: string;
  readonly message: Buffer;
  readonly marker: string;
  readonly connections?: number;
  readonly callers?: number;
  readonly calls?: number;
  readonly seconds?: number;
  readonly rampSeconds?: number;
  readonly phases?: readonly { readonly rate: number; readonly seconds: number }[];
  readonly timeoutMs?: number;
  readonly goodMs?: number;
  readonly pids?: readonly number[];
  readonly bucketMs?: number;
  readonly repeat?: string;
  readonly limit?: number;
}

/** The counts of the endpoint since its last reset. */
export interface EndpointCounts {
  readonly requests: number;
  /** The conversations that it saw more than once; 0 unless it tracks them. */
  readonly repeated: number;
}

interface Answer extends EndpointCounts {
  readonly id: string;
  readonly error?: string;
  readonly result?: RunResult;
}

/** The process that holds the generator and the endpoint. */
export interface Generator {
  readonly pid: number;
  /** The address of the endpoint, `host:port`. */
  readonly endpoint: string;
  /** Makes calls and waits for the last one. Several runs may go on at once. `id` names the run for its repeats. */
  run(spec: RunSpec, id?: string): Promise<RunResult>;
  counts(): Promise<EndpointCounts>;
  /** Sets the counts of the endpoint to 0. With `track` it counts per conversation from now on. */
  reset(track?: boolean): Promise<void>;
  /** Sets how long the endpoint takes for each answer. */
  setDelay(delayMs: number): Promise<void>;
  close(): Promise<void>;
}

const RUN_DEFAULTS = { connections: 4, timeoutMs: 20_000, goodMs: 1000, rampSeconds: 0.3 };

/** Starts the generator with its endpoint on these cores. */
export async function startGenerator(cores: string): Promise<Generator> {
  const program = startProgram(cores, CALLBENCH, []);
  const waiting = new Map<string, (answer: Answer) => void>();
  const endpoint = await readAnswers(program, waiting);
  let lastId = 0;
  const ask = async (command: object, id = `#${(lastId += 1)}`): Promise<Answer> => {
    const answered = new Promise<Answer>((resolve) => waiting.set(id, resolve));
    program.child.stdin.write(`${JSON.stringify({ id, ...command })}\n`);
    const answer = await answered;
    if (answer.error !== undefined) throw new Error(`the generator says: ${answer.error}`);
    return answer;
  };
  return {
    pid: program.pid,
    endpoint,
    run: async (spec, id) => {
      const run = { ...RUN_DEFAULTS, ...spec, message: spec.message.toString('base64') };
      return (await ask({ do: 'run', run }, id)).result as RunResult;
    },
    counts: () => ask({ do: 'counts' }),
    reset: async (track = false) => void (await ask({ do: 'reset', track })),
    setDelay: async (delayMs) => void (await ask({ do: 'delay', delayMs })),
    close: () => program.end(),
  };
}

/**
 * Passes each line of output to the caller that waits for it. Resolves with the endpoint's address, which is the first
 * line.
 */
function readAnswers(program: Program, waiting: Map<string, (answer: Answer) => void>): Promise<string> {
  return new Promise((resolve, reject) => {
    createInterface(program.child.stdout).on('line', (line) => {
      const said = JSON.parse(line) as Answer & { readonly endpoint?: string };
      if (said.endpoint !== undefined) return resolve(said.endpoint);
      waiting.get(said.id)?.(said);
      waiting.delete(said.id);
    });
    program.child.on('exit', () => reject(new Error('the generator has ended')));
  });
}
