import type { Execution } from '../../../src/gen/index.callhooks.v1.ts';
import { makeAgent, newCall, postTo } from '../../support/calls.ts';
import type { WatchedServer } from './watched-server.ts';

/** An ended start, and how long its caller waited. */
export interface EndedStart {
  readonly execution: Execution | undefined;
  readonly tookMs: number;
}

/**
 * Makes an agent whose pre-call goes to `url` and needs the body, and starts calls of it at once. `limitSecs` is the time
 * limit of the webhook.
 */
export async function startCallsTo(
  { rpc }: WatchedServer,
  url: string,
  { limitSecs = 1, atOnce = 1 }: { limitSecs?: number; atOnce?: number } = {},
): Promise<readonly EndedStart[]> {
  const rule = { attributeName: 'a', dynamicVariable: 'a' };
  const pre = postTo(url, {}, { assignments: [rule], responseTimeoutSecs: limitSecs });
  const agent = await makeAgent(rpc, { pre, variables: { a: null } });
  return Promise.all(
    Array.from({ length: atOnce }, async () => {
      const beganAtMs = performance.now();
      const { execution } = await rpc.calls.onCallStart(newCall(agent));
      return { execution, tookMs: performance.now() - beganAtMs };
    }),
  );
}
