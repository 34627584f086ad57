import { readdirSync } from 'node:fs';
import { setTimeout as wait } from 'node:timers/promises';
import { Client, credentials } from '@grpc/grpc-js';
import { START } from '../rig/agent.ts';
import type { RunResult } from '../rig/generator.ts';
import { beginCounting, measure, prove } from '../rig/measured-run.ts';
import { memoryOf } from '../rig/processes.ts';
import { warmUp, type Rig, type Scenario } from '../rig/rig.ts';
import { startSubject, type Subject } from '../rig/servers.ts';
import { slopeOf } from '../rig/statistics.ts';

const SHARE = 0.7;
const SAMPLED_EVERY_MS = 5000;
const MEMORY_AFTER_S = 600;
const IDLE_MS = 60_000;
const BUCKET_MS = 30_000;
const STARTS = 5;
const ASKED_EVERY_MS = 5;
const MB = 1e6;

interface Sample {
  readonly atS: number;
  readonly memoryMb: number;
  /** The number of open files and sockets. */
  readonly handles: number;
}

/**
 * Runs for minutes at 70 % of capacity and measures the slopes of memory, handles and latency. Then it measures the
 * idle process, and how long a process takes to start.
 */
export const soak: Scenario = {
  name: 'soak',
  run: async (rig) => {
    const { generator, cores, effort } = rig;
    const { callers, seconds } = effort;
    const subject = await startSubject({
      cores: cores.server,
      endpoint: generator.endpoint,
      engine: 'sqlite',
    });
    try {
      await warmUp(rig, subject);
      const capacity = (await measure(generator, subject, 'start', { callers, seconds })).perSecond;
      const loaded = await soakAt(rig, subject, capacity * SHARE);
      await wait(IDLE_MS);
      const idleMb = memoryOf(subject.pid).now / MB;
      const servingS = await timeToServing(subject);
      const { memoryMb = 0 } = loaded.samples.findLast(({ atS }) => atS <= MEMORY_AFTER_S) ?? {};
      rig.log(
        `${memoryMb.toFixed(0)} MB under load, ${idleMb.toFixed(0)} MB idle, serves after ${servingS.toFixed(2)} s`,
      );
      const doubt = loaded.doubt === undefined ? {} : { doubt: loaded.doubt };
      return {
        figures: [
          { key: 'memory-loaded', value: memoryMb, ...doubt },
          { key: 'memory-idle', value: idleMb, ...doubt },
          { key: 'first-serving', value: servingS },
        ],
        details: { capacity, idleMb, servingS, ...loaded },
      };
    } finally {
      await subject.stop();
    }
  },
};

async function soakAt(rig: Rig, subject: Subject, rate: number) {
  const { generator, effort } = rig;
  const sinceMs = await beginCounting(generator);
  const samples: Sample[] = [];
  const beganAtMs = performance.now();
  const sampler = setInterval(() => {
    const handles = readdirSync(`/proc/${subject.pid}/fd`).length;
    const atS = (performance.now() - beganAtMs) / 1000;
    samples.push({ atS, memoryMb: memoryOf(subject.pid).now / MB, handles });
  }, SAMPLED_EVERY_MS);
  const phases = [{ rate, seconds: effort.minutes * 60 }];
  const result = await generator.run({ ...START, target: subject.address, phases, bucketMs: BUCKET_MS });
  clearInterval(sampler);
  const doubt = await doubtOf(rig, subject, sinceMs, result);
  const timeline = result.timeline ?? [];
  // The heap still grows to its size in the first half, so that half is left out.
  const late = samples.slice(Math.floor(samples.length / 2));
  return {
    ...(doubt === undefined ? {} : { doubt }),
    rate,
    minutes: effort.minutes,
    latency: result.latency,
    codes: result.codes,
    perHour: {
      memoryMb: slopeOf(late.map(({ atS, memoryMb }) => [atS / 3600, memoryMb])),
      handles: slopeOf(late.map(({ atS, handles }) => [atS / 3600, handles])),
      p50Ms: slopeOf(timeline.map(({ atMs, p50 }) => [atMs / 3_600_000, p50])),
      p99Ms: slopeOf(timeline.map(({ atMs, p99 }) => [atMs / 3_600_000, p99])),
    },
    samples: samples.filter((_, at) => at % 12 === 0),
    timeline,
  };
}

/** Proves the run. If the proof fails, its error is a finding of the soak, and the figures are doubtful. */
async function doubtOf(
  rig: Rig,
  subject: Subject,
  sinceMs: number,
  result: RunResult,
): Promise<string | undefined> {
  const { ok, issued, degraded, codes, failures } = result;
  if (ok < issued || degraded > 0) return `not all went well: ${JSON.stringify({ ...codes, ...failures })}`;
  await prove(rig.generator, subject, 'start', sinceMs, result);
  return undefined;
}

/**
 * Returns the seconds from the start of the process to its first SERVING answer, on existing data: the median of a few.
 */
async function timeToServing(subject: Subject): Promise<number> {
  const times: number[] = [];
  for (let i = 0; i < STARTS; i += 1) {
    const beganAtMs = await subject.restart();
    while (!(await isServing(subject.address))) await wait(ASKED_EVERY_MS);
    times.push((performance.now() - beganAtMs) / 1000);
  }
  return times.toSorted((a, b) => a - b)[Math.floor(STARTS / 2)] ?? 0;
}

/** Asks grpc.health.v1.Health/Check. A server that serves answers with the bytes 8 1. */
function isServing(address: string): Promise<boolean> {
  const client = new Client(address, credentials.createInsecure());
  const same = (bytes: Buffer): Buffer => bytes;
  return new Promise<boolean>((resolve) => {
    client.makeUnaryRequest(
      '/grpc.health.v1.Health/Check',
      same,
      same,
      Buffer.alloc(0),
      { deadline: Date.now() + 1000 },
      (_error, reply) => resolve(reply?.equals(Buffer.from([8, 1])) ?? false),
    );
  }).finally(() => client.close());
}
