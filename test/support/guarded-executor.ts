import { connect, type Socket, type TcpNetConnectOpts } from 'node:net';
import { parseEgressEntries } from '../../src/http/egress/egress-entries.ts';
import { createEgressPolicy, type EgressPolicy } from '../../src/http/egress/egress-policy.ts';
import { createExecutor, type ExecutorOptions, type GuardedExecutor } from '../../src/http/executor.ts';
import type { Resolve } from '../../src/http/dns/resolver.ts';
import type { OutgoingRequest, SendOptions, SendResult } from '../../src/http/http-client.ts';

/** Connects to loopback. Throws for any other address, so that a broken guard sends no packet out of this machine. */
export function loopbackConnect(options: TcpNetConnectOpts): Socket {
  const host = options.host ?? '';
  if (host !== '::1' && !/^127\.\d+\.\d+\.\d+$/.test(host)) throw new Error(`a test dialled ${host}`);
  return connect(options);
}

/** Returns the policy of these lists of entries. Throws if an entry can't be read. */
export function policyOf(
  allow: readonly string[],
  deny: readonly string[] = [],
  httpsOnly = false,
): EgressPolicy {
  const [allowed, denied] = [parseEgressEntries(allow), parseEgressEntries(deny)];
  const problems = [...allowed.problems, ...denied.problems];
  if (problems.length > 0) throw new Error(problems.join('; '));
  return createEgressPolicy({ allow: allowed.entries, deny: denied.entries, httpsOnly });
}

/** Returns a resolver that knows these names only. */
function resolverOf(names: Readonly<Record<string, readonly string[]>>): Resolve {
  return async (name) =>
    names[name] === undefined ? { problem: `${name} does not exist in DNS` } : { addresses: names[name] };
}

/** Creates an executor that can only dial loopback. 127.0.0.1 is allowed unless `allow` says otherwise. */
export function guardedExecutor(
  options: Partial<ExecutorOptions> & {
    allow?: readonly string[];
    names?: Readonly<Record<string, readonly string[]>>;
  } = {},
): GuardedExecutor {
  const { allow = ['127.0.0.1'], names = {}, ...rest } = options;
  return createExecutor({
    policy: policyOf(allow),
    resolve: resolverOf(names),
    connect: loopbackConnect,
    onReusedConnectionFailure: () => undefined,
    ...rest,
  });
}

/** Sends one request: by default a POST of `{}`, with 2 s, a body that is read up to 64 KiB, and 4 KiB recorded. */
export function sendTo(
  executor: GuardedExecutor,
  url: string,
  {
    limitMs = 2_000,
    request = {},
    ...options
  }: Partial<SendOptions> & { limitMs?: number; request?: Partial<OutgoingRequest> } = {},
): Promise<SendResult> {
  return executor.send(
    {
      method: 'POST',
      url,
      headers: { 'content-type': 'application/json' },
      body: Buffer.from('{}'),
      ...request,
    },
    {
      expiresAtMs: performance.now() + limitMs,
      read: 'whole',
      maxBodyBytes: 65_536,
      recordBytes: 4_096,
      ...options,
    },
  );
}

/** Returns the outcome as one text, such as `TIMEOUT maybe` or `ok`. */
export function outcomeOf({ failure }: SendResult): string {
  return failure ? `${failure.code} ${failure.sent}` : 'ok';
}
