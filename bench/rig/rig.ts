import { startGenerator, type Generator } from './generator.ts';
import { measure } from './measured-run.ts';
import { pin, PINNED, UNPINNED, type Cores } from './processes.ts';
import type { Figure } from './figures.ts';
import { startBare, startSubject, type Engine, type Server, type Subject } from './servers.ts';

/** The amounts of work of a bench. */
export interface Effort {
  readonly pairs: number;
  /** The length of each run. */
  readonly seconds: number;
  readonly callers: number;
  readonly warmUpCalls: number;
  readonly engines: readonly Engine[];
  /** The length of each overload. */
  readonly overloadSeconds: number;
  /** The minutes under load before memory is read. */
  readonly minutes: number;
  readonly isQuick: boolean;
}

/** A warm callhooks beside warm bare servers. */
export interface Stand {
  readonly subject: Subject;
  readonly bare: Server;
  readonly echo: Server;
}

/** The tools of a scenario. */
export interface Rig {
  readonly generator: Generator;
  readonly cores: Cores;
  readonly effort: Effort;
  /** Returns the stand of an engine. It is started and warmed up once. */
  stand(engine: Engine): Promise<Stand>;
  log(text: string): void;
  close(): Promise<void>;
}

/** The result of a scenario: figures for the table, and all other details. */
export interface Findings {
  readonly figures: readonly Figure[];
  readonly details: unknown;
}

/** One part of the bench, which can run alone. */
export interface Scenario {
  readonly name: string;
  run(rig: Rig): Promise<Findings>;
}

/** Starts the generator and pins this process. A server starts when a scenario asks for it. */
export async function createRig(effort: Effort, isPinned: boolean): Promise<Rig> {
  const cores = isPinned ? PINNED : UNPINNED;
  pin(process.pid, cores.rest);
  const generator = await startGenerator(cores.rest);
  const stands = new Map<Engine, Promise<Stand>>();
  const beganAtMs = performance.now();
  const rig: Rig = {
    generator,
    cores,
    effort,
    stand: (engine) => {
      const stand = stands.get(engine) ?? startStand(rig, engine);
      stands.set(engine, stand);
      return stand;
    },
    log: (text) =>
      console.error(`${((performance.now() - beganAtMs) / 1000).toFixed(0).padStart(5)} s  ${text}`),
    close: async () => {
      for (const stand of await Promise.allSettled(stands.values()))
        if (stand.status === 'fulfilled')
          for (const server of Object.values(stand.value) as Server[]) await server.stop();
      await generator.close();
    },
  };
  return rig;
}

async function startStand(rig: Rig, engine: Engine): Promise<Stand> {
  const { generator, cores } = rig;
  const [subject, bare, echo] = await Promise.all([
    startSubject({ cores: cores.server, endpoint: generator.endpoint, engine }),
    startBare(cores.server, generator.endpoint, { connections: rig.effort.callers }),
    startBare(cores.server, generator.endpoint, { echo: true }),
  ]);
  for (const server of [bare, echo, subject]) await warmUp(rig, server);
  return { subject, bare, echo };
}

/** Warms a server up by a number of calls instead of seconds, because the first 15,000 calls cost up to half more. */
export async function warmUp(rig: Rig, server: Server): Promise<void> {
  const { callers, warmUpCalls: calls } = rig.effort;
  const { perSecond } = await measure(rig.generator, server, 'start', { callers, calls });
  rig.log(`${server.title}: warm after ${calls} starts, ${perSecond.toFixed(0)}/s`);
}
