import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { measure } from '../rig/measured-run.ts';
import { sharesOf, type CpuProfile } from '../rig/profile.ts';
import { warmUp, type Scenario } from '../rig/rig.ts';
import { startSubject } from '../rig/servers.ts';

const TEN = 10;

/** Returns the ten largest shares of the CPU time of starts, by area, for each thread that runs JavaScript. */
export const profile: Scenario = {
  name: 'profile',
  run: async (rig) => {
    const folder = await mkdtemp(join(tmpdir(), 'callhooks-profile-'));
    const subject = await startSubject({
      cores: rig.cores.server,
      endpoint: rig.generator.endpoint,
      engine: 'sqlite',
      nodeOptions: ['--cpu-prof', '--cpu-prof-dir', folder],
    });
    let fromUs = 0;
    try {
      await warmUp(rig, subject);
      // The profile counts on the same monotonic clock.
      fromUs = Number(process.hrtime.bigint() / 1000n);
      const { callers, seconds } = rig.effort;
      await measure(rig.generator, subject, 'start', { callers, seconds: 4 * seconds });
    } finally {
      await subject.stop();
    }
    const threads = [];
    for (const name of await readdir(folder)) {
      const recorded = JSON.parse(await readFile(join(folder, name), 'utf8')) as CpuProfile;
      const shares = sharesOf(recorded, fromUs).slice(0, TEN);
      if (shares.length > 0) threads.push({ name, shares });
    }
    await rm(folder, { recursive: true });
    for (const { name, shares } of threads)
      rig.log(
        `${name}: ${shares.map(([area, share]) => `${area} ${(share * 100).toFixed(1)} %`).join(', ')}`,
      );
    return { figures: [], details: { threads } };
  },
};
