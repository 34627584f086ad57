import { START } from '../rig/agent.ts';
import { beginCounting, prove } from '../rig/measured-run.ts';
import { forgetPeak, memoryOf } from '../rig/processes.ts';
import { warmUp, type Rig, type Scenario } from '../rig/rig.ts';
import { startBare, startSubject, type Server } from '../rig/servers.ts';

const ENDPOINT_SECONDS = 20;
const CALLS = 10_000;
/** The time in which the calls arrive: long enough for the capacity, and the last call comes before the first answer. */
const SECONDS = 18;
const CONNECTIONS = 12;
const TIMEOUT_MS = 60_000;
const MB = 1e6;
const SETTINGS = { CALLHOOKS_MAX_PRE_CALLS: '12000', CALLHOOKS_MAX_PRE_CALLS_PER_ORIGIN: '12000' };

/**
 * Measures the peak memory with 10,000 pre-calls at once ÷ that of bare Node. The endpoint takes 20 s and answers each
 * with its own body.
 */
export const inFlight: Scenario = {
  name: 'in-flight',
  run: async (rig) => {
    const { generator, cores } = rig;
    const subject = await startSubject({
      cores: cores.server,
      endpoint: generator.endpoint,
      engine: 'sqlite',
      settings: SETTINGS,
      timeoutSeconds: 1.5 * ENDPOINT_SECONDS,
    });
    const bare = await startBare(cores.server, generator.endpoint, { connections: CALLS });
    try {
      const mine = await peakOf(rig, subject);
      const base = await peakOf(rig, bare);
      rig.log(`peak ${toMb(mine)} MB, bare ${toMb(base)} MB`);
      return {
        figures: [{ key: 'in-flight-memory', value: (mine - base) / MB }],
        details: { peakMb: mine / MB, bareMb: base / MB },
      };
    } finally {
      await Promise.all([subject.stop(), bare.stop()]);
    }
  },
};

function toMb(bytes: number): string {
  return (bytes / MB).toFixed(0);
}

async function peakOf(rig: Rig, server: Server): Promise<number> {
  const { generator } = rig;
  await warmUp(rig, server);
  await generator.setDelay(ENDPOINT_SECONDS * 1000);
  const sinceMs = await beginCounting(generator);
  forgetPeak(server.pid);
  const result = await generator.run({
    ...START,
    target: server.address,
    connections: CONNECTIONS,
    phases: [{ rate: CALLS / SECONDS, seconds: SECONDS }],
    timeoutMs: TIMEOUT_MS,
  });
  const { peak } = memoryOf(server.pid);
  await generator.setDelay(0);
  await prove(generator, server, 'start', sinceMs, result);
  return peak;
}
