import { brotliCompressSync, constants, gzipSync } from 'node:zlib';
import { expect } from 'chai';
import type { Socket } from 'node:net';
import type { Execution, OnCallStartResponse } from '../../src/gen/index.callhooks.v1.ts';
import { makeAgent, newCall, postTo, type CallAgent } from '../support/calls.ts';
import { outcomeOf } from '../support/execution-words.ts';
import { withRawServer } from '../support/raw-server.ts';
import { until } from '../support/until.ts';
import { recordWords } from './support/record-words.ts';
import { reportAttack } from './support/report.ts';
import { expectShortWork } from './support/time-rules.ts';
import { startWatchedServer, type WatchedServer } from './support/watched-server.ts';

const MIB = 1_048_576;
// These bounds are wide. The table shows the truth.
const MOST_BUSY_MS = 150;
const MOST_GROWTH_MB = 250;
const WAVE = 50;
const LIMIT_SECS = 40;

/** Returns gzip of 10 GB of zeros: members of 64 MiB behind each other. */
function tenGigabytes(): Buffer {
  const member = gzipSync(Buffer.alloc(64 * MIB), { level: 9 });
  return Buffer.concat(Array.from({ length: 160 }, () => member));
}

/** Returns br of zeros in the largest window, which a decoder fills before it returns any of them. */
function brOf(bytes: number): Buffer {
  const params = {
    [constants.BROTLI_PARAM_QUALITY]: 5,
    [constants.BROTLI_PARAM_LGWIN]: 24,
  };
  return brotliCompressSync(Buffer.alloc(bytes), { params });
}

const JSON_BODY = Buffer.from(
  JSON.stringify({ a: 1, list: Array.from({ length: 1_500 }, (_, i) => `x${i}`) }),
);
const EMPTY_MEMBERS = Buffer.concat(Array.from({ length: 13_000 }, () => gzipSync('')));

interface Row {
  readonly title: string;
  readonly coding: string;
  readonly body: () => Buffer;
  readonly atOnce: number;
  readonly outcome: string;
}

const ROWS: readonly Row[] = [
  {
    title: 'gzip of 10 GB',
    coding: 'gzip',
    body: tenGigabytes,
    atOnce: 20,
    outcome: 'FAILED RESPONSE_TOO_LARGE YES',
  },
  {
    title: 'gzip of gzip of 10 GB',
    coding: 'gzip, gzip',
    body: () => gzipSync(tenGigabytes(), { level: 9 }),
    atOnce: 200,
    outcome: 'FAILED RESPONSE_TOO_LARGE YES',
  },
  {
    title: 'br of 256 MiB',
    coding: 'br',
    body: () => brOf(256 * MIB),
    atOnce: 200,
    outcome: 'FAILED RESPONSE_TOO_LARGE YES',
  },
  {
    title: 'gzip of 64 MiB',
    coding: 'gzip',
    body: () => gzipSync(Buffer.alloc(64 * MIB)),
    atOnce: 1_000,
    outcome: 'FAILED RESPONSE_TOO_LARGE YES',
  },
  {
    title: '13,000 empty members of gzip',
    coding: 'gzip',
    body: () => EMPTY_MEMBERS.subarray(0, 262_140),
    atOnce: 200,
    outcome: 'SUCCEEDED',
  },
  {
    title: 'honest gzip',
    coding: 'gzip',
    body: () => gzipSync(JSON_BODY),
    atOnce: 1_000,
    outcome: 'SUCCEEDED',
  },
  {
    title: 'honest br',
    coding: 'br',
    body: () => brotliCompressSync(JSON_BODY),
    atOnce: 1_000,
    outcome: 'SUCCEEDED',
  },
  { title: 'no coding', coding: 'identity', body: () => JSON_BODY, atOnce: 1_000, outcome: 'SUCCEEDED' },
];

describe('A body with content codings', () => {
  let server: WatchedServer;
  before(async () => {
    server = await startWatchedServer();
  });
  after(() => server.close());

  for (const { title, coding, body, atOnce, outcome } of ROWS) {
    it(`ends ${atOnce} pre-calls at once as ${outcome} when it is ${title}`, async function () {
      this.timeout(120_000);
      const bytes = body();
      const head = `HTTP/1.1 200 OK\r\nContent-Encoding: ${coding}\r\nTransfer-Encoding: chunked\r\n\r\n`;
      const framed = Buffer.concat([
        Buffer.from(`${head}${bytes.length.toString(16)}\r\n`),
        bytes,
        Buffer.from('\r\n0\r\n\r\n'),
      ]);
      const waiting: Socket[] = [];
      await withRawServer(
        (socket) => waiting.push(socket),
        async ({ url, requestCount }) => {
          const agent = await agentOf(server, url);
          const { result, toll } = await server.measure(async () => {
            const replies = await startInWaves(server, agent, atOnce, requestCount);
            for (const socket of waiting) socket.write(framed);
            return Promise.all(replies);
          });
          const executions = result.map(({ execution }) => execution);
          reportAttack({
            attack: `${title}, ${atOnce} at once`,
            ...toll,
            record: recordWords(executions[0]),
          });
          expect(outcomesOf(executions)).to.deep.equal({ [outcome]: atOnce });
          await expectShortWork(toll, MOST_BUSY_MS);
          expect(toll.grownMb, 'growth of memory').to.be.below(MOST_GROWTH_MB);
        },
      );
    });
  }
});

async function agentOf({ rpc }: WatchedServer, url: string): Promise<CallAgent> {
  const rule = { attributeName: 'a', dynamicVariable: 'a' };
  const pre = postTo(url, {}, { assignments: [rule], responseTimeoutSecs: LIMIT_SECS });
  return makeAgent(rpc, { pre, variables: { a: null } });
}

/** Starts calls that wait for their answers, in waves, because more at once would be refused. */
async function startInWaves(
  { rpc }: WatchedServer,
  agent: CallAgent,
  count: number,
  requestCount: () => number,
): Promise<readonly Promise<OnCallStartResponse>[]> {
  const replies: Promise<OnCallStartResponse>[] = [];
  while (replies.length < count) {
    for (let i = 0; i < WAVE && replies.length < count; i++)
      replies.push(rpc.calls.onCallStart(newCall(agent)));
    await until('the requests of a wave', () => requestCount() === replies.length);
  }
  return replies;
}

function outcomesOf(executions: readonly (Execution | undefined)[]): Record<string, number> {
  const counts: Record<string, number> = {};
  for (const execution of executions) {
    const outcome = execution === undefined ? 'no execution' : outcomeOf(execution);
    counts[outcome] = (counts[outcome] ?? 0) + 1;
  }
  return counts;
}
