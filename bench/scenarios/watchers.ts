import { Client, credentials, type ClientReadableStream } from '@grpc/grpc-js';
import { ExecutionLogService, WatchExecutionsRequest } from '../../src/gen/index.callhooks.v1.ts';
import { START } from '../rig/agent.ts';
import { figureOf } from '../rig/figures.ts';
import { beginCounting, prove } from '../rig/measured-run.ts';
import type { Rig, Scenario } from '../rig/rig.ts';
import type { Subject } from '../rig/servers.ts';
import { spreadOf } from '../rig/statistics.ts';

const WATCHERS = 10;
const RATE = 300;
/** A watcher is told so many executions a second at most. */
const TOLD_A_SECOND = 200;
const EXECUTION_BYTES = 260;

/** Measures the p99 of a start at 300 calls a second while ten watchers see each execution ÷ without watchers. */
export const watchers: Scenario = {
  name: 'watchers',
  run: async (rig) => {
    const { subject } = await rig.stand('sqlite');
    const ratios: number[] = [];
    const details: { readonly watchedMs: number; readonly aloneMs: number; readonly seen: number }[] = [];
    for (let pair = 0; pair < rig.effort.pairs; pair += 1) {
      const aloneMs = await p99OfStarts(rig, subject);
      const watching = watch(subject);
      const watchedMs = await p99OfStarts(rig, subject);
      const seen = watching.end();
      const wanted = (WATCHERS * Math.min(RATE, TOLD_A_SECOND) * rig.effort.seconds) / 2;
      if (seen < wanted) throw new Error(`the watchers saw ${seen} executions, and should see ${wanted}`);
      ratios.push(watchedMs / aloneMs);
      details.push({ watchedMs, aloneMs, seen });
      rig.log(`p99 ${aloneMs.toFixed(1)} ms alone, ${watchedMs.toFixed(1)} ms with watchers`);
    }
    return { figures: [figureOf('watchers-p99', spreadOf(ratios))], details };
  },
};

async function p99OfStarts(rig: Rig, subject: Subject): Promise<number> {
  const { generator, effort } = rig;
  const sinceMs = await beginCounting(generator);
  const phases = [{ rate: RATE, seconds: effort.seconds }];
  const result = await generator.run({ ...START, target: subject.address, phases });
  await prove(generator, subject, 'start', sinceMs, result);
  return result.latency.p99;
}

/** Opens the watchers. `end` closes them and returns about how many executions they saw together. */
function watch({ address }: Subject): { end(): number } {
  const client = new Client(address, credentials.createInsecure());
  const { path, requestSerialize } = ExecutionLogService.watchExecutions;
  let bytes = 0;
  const open = (): ClientReadableStream<Buffer> => {
    const request = WatchExecutionsRequest.fromPartial({});
    // Nothing is decoded, because the generator shares its core with this process.
    const stream = client.makeServerStreamRequest(path, requestSerialize, (message) => message, request);
    stream.on('data', (message: Buffer) => (bytes += message.length));
    stream.on('error', () => undefined);
    return stream;
  };
  const streams = Array.from({ length: WATCHERS }, open);
  return {
    end: () => {
      for (const stream of streams) stream.cancel();
      client.close();
      return bytes / EXECUTION_BYTES;
    },
  };
}
