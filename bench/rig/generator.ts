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

/** A part of a run's timeline, by the instants at which calls were due. */
export interface Bucket {
  readonly atMs: number;
  readonly due: number;
  readonly good: number;
  readonly bad: number;
  readonly p50: number;
  readonly p99: number;
}

/** What one run of calls came to; bench/go/result.go says what each field is. */
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

/** What a run is made of; bench/go/run.go says what each field is. */
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

/** What the endpoint has counted since its last reset. */
export interface EndpointCounts {
  readonly requests: number;
  /** Conversations that it saw more than once; 0 unless it was told to track them. */
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
  /** Where the endpoint listens, `host:port`. */
  readonly endpoint: string;
  /** Runs calls to their end; several runs may go on at once. `id` names the run for its repeats. */
  run(spec: RunSpec, id?: string): Promise<RunResult>;
  counts(): Promise<EndpointCounts>;
  /** Forgets what the endpoint counted; `track` makes it count per conversation from now on. */
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

/** Hands each line of output to whoever waits for it; resolves with the endpoint's address, which the first one says. */
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
