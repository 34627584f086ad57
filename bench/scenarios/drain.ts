import { setTimeout as wait } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { START } from '../rig/agent.ts';
import { pileUp } from '../rig/backlog.ts';
import { measure, until } from '../rig/measured-run.ts';
import { startProgram } from '../rig/processes.ts';
import type { Rig, Scenario } from '../rig/rig.ts';
import type { Subject } from '../rig/servers.ts';

const REPORTS = 100_000;
const POSTS = 50_000;
const START_SHARE = 0.25;
const START_SECONDS = 10;
const SLOW_ENDPOINT_MS = 20;
const SETTLE_MS = 1000;
/** The share of the backlog that is measured. The last rows no longer fill every request slot. */
const RATE_SHARE = 0.9;
const POSTER = fileURLToPath(new URL('../undici-alone.ts', import.meta.url));

/**
 * Measures how a draining backlog slows starts down, and how fast it drains alone ÷ undici alone with as many posts at
 * once.
 */
export const drain: Scenario = {
  name: 'drain',
  run: async (rig) => {
    const { subject } = await rig.stand('sqlite');
    const starts = await startsBesideBacklog(rig, subject);
    const instant = await drainRate(rig, subject, 0);
    const slow = await drainRate(rig, subject, SLOW_ENDPOINT_MS);
    return {
      figures: [
        ...starts.figures,
        { key: 'drain-rate', value: instant.perSecond / instant.undici },
        { key: 'drain-rate-20ms', value: slow.perSecond / slow.undici },
      ],
      details: { ...starts.details, instant, slow },
    };
  },
};

async function startsBesideBacklog(rig: Rig, subject: Subject) {
  const { generator, effort } = rig;
  const { callers, seconds } = effort;
  const capacity = (await measure(generator, subject, 'start', { callers, seconds })).perSecond;
  const phases = [{ rate: capacity * START_SHARE, seconds: START_SECONDS }];
  const alone = (await measure(generator, subject, 'start', { phases })).result;
  await pileUp(rig, subject, REPORTS);
  await wait(SETTLE_MS);
  const beside = await generator.run({ ...START, target: subject.address, phases });
  const hadEnded = (await waitingNow(subject)) === 0;
  rig.log(
    `a start's p50 ${alone.latency.p50.toFixed(1)} → ${beside.latency.p50.toFixed(1)} ms, ` +
      `p99 ${alone.latency.p99.toFixed(1)} → ${beside.latency.p99.toFixed(1)} ms`,
  );
  const doubt = hadEnded ? { doubt: 'the backlog was drained before the starts had ended' } : {};
  const ratio = (at: 'p50' | 'p99'): number => beside.latency[at] / alone.latency[at];
  return {
    figures: [
      { key: 'drain-start-p50', value: ratio('p50'), ...doubt },
      { key: 'drain-start-p99', value: ratio('p99'), ...doubt },
    ],
    details: { capacity, alone, beside },
  };
}

async function waitingNow(subject: Subject): Promise<number> {
  return (await subject.rows.count('end')).open;
}

/**
 * Measures the reports a second that are sent while nothing else happens, and the posts a second of undici alone. Waits
 * for the rest.
 */
async function drainRate(rig: Rig, subject: Subject, delayMs: number) {
  const { generator } = rig;
  if ((await waitingNow(subject)) < REPORTS / 2) await pileUp(rig, subject, REPORTS / 2);
  await generator.setDelay(delayMs);
  await wait(SETTLE_MS);
  const waiting = await waitingNow(subject);
  const [{ requests: before }, beganAtMs] = [await generator.counts(), performance.now()];
  const enough = before + waiting * RATE_SHARE;
  await until(async () => (await generator.counts()).requests >= enough);
  const sent = (await generator.counts()).requests - before;
  const perSecond = sent / ((performance.now() - beganAtMs) / 1000);
  await until(async () => (await waitingNow(subject)) === 0);
  const undici = await postAlone(rig);
  await generator.setDelay(0);
  rig.log(`endpoint of ${delayMs} ms: ${perSecond.toFixed(0)} rows/s, undici alone ${undici.toFixed(0)}/s`);
  return { perSecond, undici };
}

/** Measures the posts a second of undici's Pool with as many connections and nothing around it. */
async function postAlone(rig: Rig): Promise<number> {
  const program = startProgram(rig.cores.server, process.execPath, [
    POSTER,
    rig.generator.endpoint,
    String(POSTS),
  ]);
  const perSecond = await program.firstLine((line) => Number(line));
  await program.end();
  return perSecond;
}
