import { expect } from 'chai';
import { makeAgent, newCall, postTo, type CallAgent } from '../support/calls.ts';
import { startDnsServer, type DnsServer } from '../support/dns-server.ts';
import { startRawServer, type RawServer } from '../support/raw-server.ts';
import { startReceiver, type Receiver } from '../support/receiver.ts';
import { until } from '../support/until.ts';
import { reportAttack } from './support/report.ts';
import { expectWithin } from './support/time-rules.ts';
import { startWatchedServer, type WatchedServer } from './support/watched-server.ts';

const CALLS = 300;
const AT_ONCE = 4;
const FLOOD = 880;
const NAMES = 100;
const LIMIT_SECS = 10;
// The p99 should stay within twice its quiet value. The bound is wide, because other programs disturb both measurements.
const WORST_FACTOR = 4;
const SPARE_MS = 250;

describe('The calls of one origin while others are flooded', () => {
  let server: WatchedServer;
  let dns: DnsServer;
  let good: Receiver;
  let agent: CallAgent;
  let quietMs: number;
  const silent: RawServer[] = [];
  before(async function () {
    this.timeout(60_000);
    dns = await startDnsServer(() => 'silent');
    good = await startReceiver();
    for (let count = 0; count < 5; count++) silent.push(await startRawServer(() => undefined));
    server = await startWatchedServer({ CALLHOOKS_DNS_SERVERS: dns.address });
    agent = await makeAgent(server.rpc, { pre: postTo(good.url, {}) });
    await p99();
    quietMs = await p99();
  });
  after(async () => {
    await server.close();
    await Promise.all([dns.close(), good.close(), ...silent.map((endpoint) => endpoint.close())]);
  });

  /** Returns the 99th percentile of the durations of some calls to the good origin, in milliseconds. */
  const p99 = async (): Promise<number> => {
    const tookMs: number[] = [];
    const call = async (): Promise<void> => {
      while (tookMs.length < CALLS) {
        const beganAtMs = performance.now();
        const { execution } = await server.rpc.calls.onCallStart(newCall(agent));
        expect(execution?.failure).to.equal(undefined);
        tookMs.push(performance.now() - beganAtMs);
      }
    };
    await Promise.all(Array.from({ length: AT_ONCE }, call));
    return tookMs.toSorted((a, b) => a - b)[Math.floor(tookMs.length * 0.99)] ?? NaN;
  };

  /** Keeps `atOnce` calls of these agents under way, until the returned function ends them. */
  const flood = (agents: readonly CallAgent[], atOnce: number): (() => Promise<void>) => {
    const stop = new AbortController();
    const call = async (index: number): Promise<void> => {
      while (!stop.signal.aborted) {
        const target = agents[index % agents.length] as CallAgent;
        const start = server.rpc.calls.onCallStart(newCall(target), {
          signal: stop.signal,
          deadlineMs: 60_000,
        });
        await start.catch(() => undefined);
      }
    };
    const calls = Array.from({ length: atOnce }, (_, index) => call(index));
    return async () => {
      stop.abort();
      await Promise.all(calls);
    };
  };

  const silentAgents = (endpoints: readonly RawServer[]): Promise<CallAgent[]> =>
    Promise.all(
      endpoints.map(({ url }) =>
        makeAgent(server.rpc, { pre: postTo(url, {}, { responseTimeoutSecs: LIMIT_SECS }) }),
      ),
    );
  // One after the other, because only 64 admin RPCs may run at once.
  const lostAgents = async (): Promise<CallAgent[]> => {
    const agents: CallAgent[] = [];
    for (let index = 0; index < NAMES; index++)
      agents.push(await makeAgent(server.rpc, { pre: postTo(`http://n${index}.flood.example/`, {}) }));
    return agents;
  };

  const rows: readonly (readonly [
    title: string,
    agents: () => Promise<CallAgent[]>,
    atOnce: number,
    isUnderWay: () => boolean,
  ])[] = [
    [
      `${FLOOD} calls to one silent endpoint`,
      () => silentAgents(silent.slice(0, 1)),
      FLOOD,
      () => (silent[0]?.connections.length ?? 0) >= FLOOD,
    ],
    [
      `${FLOOD} calls to four silent ports of one host`,
      () => silentAgents(silent.slice(1)),
      FLOOD,
      () => silent.slice(1).every(({ connections }) => connections.length >= FLOOD / 4),
    ],
    [
      `calls to ${NAMES} names that never resolve`,
      lostAgents,
      2 * NAMES,
      () => new Set(dns.questions).size >= NAMES,
    ],
  ];
  for (const [title, agentsOf, atOnce, isUnderWay] of rows) {
    it(`stay quick beside ${title}`, async function () {
      this.timeout(120_000);
      const agents = await agentsOf();
      const { result: floodedMs, toll } = await server.measure(async () => {
        const stop = flood(agents, atOnce);
        await until('the flood to be under way', isUnderWay);
        const measuredMs = await p99();
        await stop();
        return measuredMs;
      });
      reportAttack({
        attack: title,
        ...toll,
        record: `p99 of another origin ${floodedMs.toFixed(1)} ms, ${quietMs.toFixed(1)} ms when it is quiet`,
      });
      await expectWithin(
        'p99 of the other origin',
        floodedMs,
        WORST_FACTOR * quietMs + SPARE_MS,
        toll.fromMs,
      );
    });
  }
});
