import { connect, type Socket, type TcpNetConnectOpts } from 'node:net';
import { parseEgressEntries } from '../../src/http/egress/egress-entries.ts';
import { createEgressPolicy, type EgressPolicy } from '../../src/http/egress/egress-policy.ts';
import { createExecutor, type ExecutorOptions, type GuardedExecutor } from '../../src/http/executor.ts';
import type { Resolve } from '../../src/http/dns/resolver.ts';
import type { OutgoingRequest, SendOptions, SendResult } from '../../src/http/http-client.ts';

/** `net.connect` that throws for anything but loopback, so that no broken guard lets a packet out of this machine. */
export function loopbackConnect(options: TcpNetConnectOpts): Socket {
  const host = options.host ?? '';
  if (host !== '::1' && !/^127\.\d+\.\d+\.\d+$/.test(host)) throw new Error(`a test dialled ${host}`);
  return connect(options);
}

/** A policy from lists of entries; throws where one can't be read. */
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

/** A resolver that knows these names only. */
const resolverOf =
  (names: Readonly<Record<string, readonly string[]>>): Resolve =>
  async (name) =>
    names[name] === undefined ? { problem: `${name} does not exist in DNS` } : { addresses: names[name] };

/** An executor that can only dial loopback: 127.0.0.1 is allowed unless `allow` says otherwise. */
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

/** Sends one request with usual options: POST of `{}`, 2 s, body needed up to 64 KiB, 4 KiB recorded. */
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

/** The outcome in one line: `TIMEOUT maybe`, or `ok`. */
export function outcomeOf({ failure }: SendResult): string {
  return failure ? `${failure.code} ${failure.sent}` : 'ok';
}
