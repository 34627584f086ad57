import { connect, type Rpc } from '../support/rpc.ts';
import { startProcess, type ServerProcess } from '../support/server-process.ts';

/** Real replicas behind a balancer, which gives callers only those that serve. */
export interface Replicas {
  /** Makes a call on one of the replicas that serve, each in turn. */
  use<T>(call: (rpc: Rpc) => Promise<T>): Promise<T>;
  /** Restarts one after the other with other variables, as a rolling update does. */
  roll(env: Readonly<Record<string, string>>): Promise<void>;
  close(): Promise<void>;
}

interface Replica {
  readonly process: ServerProcess;
  readonly rpc: Rpc;
  readonly inFlight: Set<Promise<unknown>>;
}

/** Starts `count` replicas. */
export async function startReplicas(count: number, env: Readonly<Record<string, string>>): Promise<Replicas> {
  const serving = await Promise.all(Array.from({ length: count }, () => startReplica(env)));
  let turn = 0;
  return {
    use: (call) => {
      turn += 1;
      const { rpc, inFlight } = serving[turn % serving.length] as Replica;
      const running = call(rpc).finally(() => inFlight.delete(running));
      inFlight.add(running);
      return running;
    },
    roll: async (next) => {
      for (let left = count; left > 0; left -= 1) {
        // The replica leaves the balancer first, and is told to end when its calls are over.
        await endReplica(serving.shift() as Replica);
        serving.push(await startReplica(next));
      }
    },
    close: async () => {
      await Promise.all(serving.map(endReplica));
    },
  };
}

async function startReplica(env: Readonly<Record<string, string>>): Promise<Replica> {
  const process = startProcess(['serve'], env);
  const address = await process.serving();
  return { process, rpc: connect(Number(address.split(':').at(-1))), inFlight: new Set() };
}

async function endReplica({ process, rpc, inFlight }: Replica): Promise<void> {
  await Promise.allSettled(inFlight);
  process.kill('SIGTERM');
  const { exitCode, stderr } = await process.ended();
  rpc.close();
  if (exitCode !== 0) throw new Error(`a replica ended with ${exitCode}: ${stderr}`);
}

/** Callers that do one thing after the other. */
export interface Load {
  readonly succeeded: () => number;
  /** Every outcome so far other than SUCCEEDED. */
  readonly others: readonly string[];
  /** Ends the callers. A load that is not stopped keeps the test process from its end. */
  stop(): Promise<void>;
}

/** Lets `callers` callers repeat `act`, which is given the number of the call and returns its outcome. */
export function startLoad(callers: number, act: (at: number) => Promise<string>): Load {
  let isOver = false;
  let succeeded = 0;
  let begun = 0;
  const others: string[] = [];
  const run = async (): Promise<void> => {
    while (!isOver) {
      begun += 1;
      const outcome = await act(begun).catch(String);
      if (outcome === 'SUCCEEDED') succeeded += 1;
      else others.push(outcome);
    }
  };
  const running = Promise.all(Array.from({ length: callers }, run));
  return {
    succeeded: () => succeeded,
    others,
    stop: async () => {
      isOver = true;
      await running;
    },
  };
}
