import { randomUUID } from 'node:crypto';
import { setTimeout as wait } from 'node:timers/promises';
import { inspect } from 'node:util';
import { credentials } from '@grpc/grpc-js';
import { connect, RpcError, type Rpc } from '../support/rpc.ts';

/** What became of the calls of a trickle. */
export interface TrickleEnd {
  /** The conversations whose start was answered with a decision. */
  readonly answered: readonly string[];
  /** How many calls went to the other replica, because the first one was stopping or away. */
  readonly repeated: number;
  /** What went wrong otherwise. It has to be empty. */
  readonly problems: readonly string[];
}

/** A platform that reports calls to several replicas, one after the other. */
export interface Trickle {
  readonly answered: number;
  end(): Promise<TrickleEnd>;
}

const GIVE_UP_MS = 20_000;
const PAUSE_MS = 30;

/**
 * Starts calls for an agent as docs/operations.md tells a platform to: over TLS with a token, in turn at each replica, and at
 * the other one after UNAVAILABLE.
 */
export function startTrickle(options: {
  readonly ports: readonly number[];
  readonly authority: Buffer;
  readonly token: () => string;
  readonly agentUuid: string;
}): Trickle {
  // The certificate has to be of the authority; its names are those of the page.
  const channel = credentials.createSsl(options.authority, null, null, {
    checkServerIdentity: () => undefined,
  });
  const replicas = options.ports.map((port) => connect(port, channel));
  const answered: string[] = [];
  const problems: string[] = [];
  let repeated = 0;
  let isEnding = false;

  const callOnce = async (first: number): Promise<void> => {
    const conversationUuid = randomUUID();
    const giveUpAtMs = performance.now() + GIVE_UP_MS;
    for (let next = first; ; next += 1) {
      const replica = replicas[next % replicas.length] as Rpc;
      try {
        const reply = await replica.calls.onCallStart(
          { agentUuid: options.agentUuid, conversationUuid, callerPhone: '+14155550123' },
          { headers: { authorization: `Bearer ${options.token()}` } },
        );
        if (reply.dynamicVariables?.['customer_name'] === 'Ada Lovelace') answered.push(conversationUuid);
        else problems.push(`${conversationUuid}: ${inspect(reply)}`);
        return;
      } catch (error) {
        if (!(error instanceof RpcError) || error.code !== 'UNAVAILABLE' || performance.now() > giveUpAtMs) {
          problems.push(`${conversationUuid}: ${String(error)}`);
          return;
        }
        repeated += 1;
        await wait(PAUSE_MS);
      }
    }
  };
  const work = (async () => {
    for (let count = 0; !isEnding; count += 1) {
      await callOnce(count);
      await wait(PAUSE_MS);
    }
  })();
  return {
    get answered() {
      return answered.length;
    },
    async end() {
      isEnding = true;
      await work;
      for (const replica of replicas) replica.close();
      return { answered, repeated, problems };
    },
  };
}
