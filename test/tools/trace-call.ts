/**
 * Counts how many files and named functions of src/ one request enters, in a real process with its SQLite thread, and
 * prints a table. The generated codecs in src/gen/ are left out.
 *
 *   node test/tools/trace-call.ts [--files]
 *
 * `--files` lists instead the files that a first OnCallStart enters, each with its functions.
 */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { ExecutionState } from '../../src/gen/index.callhooks.v1.ts';
import { makeAgent, newCall, readExecution, type CallAgent } from '../support/calls.ts';
import { freePort } from '../support/free-port.ts';
import { startReceiver } from '../support/receiver.ts';
import { connect, type Rpc } from '../support/rpc.ts';
import { startProcess } from '../support/server-process.ts';
import { countCalls, type CallCounter, type EnteredFunction } from './call-counter.ts';

/** A timer of the server may run beside a trip by chance, so a function counts only if each of so many trips entered it. */
const ROUNDS = 5;
const IDLE_MS = 400;
/** How long a report may take. It is not asked for before this has passed, because the question would be counted. */
const REPORT_MS = 300;
/** The place of the first start among the trips. */
const FIRST_START = 1;
const MODULES = ['grpc', 'commands', 'engine', 'domain', 'http', 'store', 'secrets'];

interface Trip {
  readonly title: string;
  /** Makes the trip. Returns a check that must not be counted, if there is one. */
  run(): Promise<(() => Promise<void>) | void>;
}

function tripsOf(rpc: Rpc, agent: CallAgent, createAgent: () => Promise<CallAgent>): readonly Trip[] {
  let call = newCall(agent);
  const start = () => rpc.calls.onCallStart({ ...call, callerPhone: '+14155550123' });
  return [
    {
      title: '`CreateAgent`, two webhooks and a secret',
      run: async () => {
        await createAgent();
      },
    },
    {
      title: '`OnCallStart`, the first of a call',
      run: async () => {
        call = newCall(agent);
        const { replayed, degraded } = await start();
        if (replayed || degraded) throw new Error('the start was not a first one that succeeded');
      },
    },
    {
      title: '`OnCallStart`, repeated',
      run: async () => {
        if (!(await start()).replayed) throw new Error('the start was not a repeat');
      },
    },
    {
      title: '`OnCallEnd`, until its report is recorded',
      run: async () => {
        const { execution } = await rpc.calls.onCallEnd({ ...call, callSummary: 'Asked about an order.' });
        await wait(REPORT_MS);
        return async () => {
          const { state } = await readExecution(rpc, execution?.executionUuid);
          if (state !== ExecutionState.EXECUTION_STATE_SUCCEEDED) throw new Error(`the report is ${state}`);
        };
      },
    },
    {
      title: `idle, ${IDLE_MS / 1000} s`,
      run: async () => {
        await wait(IDLE_MS);
      },
    },
  ];
}

/** The functions that each round of a trip entered, by file and name. */
type Entered = ReadonlyMap<string, EnteredFunction>;

async function trace(trips: readonly Trip[], counter: CallCounter): Promise<readonly Entered[]> {
  const entered: Entered[] = [];
  // The first round is the warm-up: it fills caches and loads the modules that are loaded on demand.
  for (let round = 0; round <= ROUNDS; round += 1) {
    for (const [index, trip] of trips.entries()) {
      await counter.take();
      const check = await trip.run();
      const functions = await counter.take();
      await check?.();
      const now = byKey(functions);
      if (round > 0) entered[index] = intersectionOf(entered[index] ?? now, now);
    }
  }
  return entered;
}

function byKey(functions: readonly EnteredFunction[]): Entered {
  const merged = new Map<string, EnteredFunction>();
  for (const one of functions) {
    const key = `${one.path} ${one.name}`;
    merged.set(key, { ...one, calls: one.calls + (merged.get(key)?.calls ?? 0) });
  }
  return merged;
}

function intersectionOf(before: Entered, now: Entered): Entered {
  return new Map([...before].filter(([key]) => now.has(key)));
}

function filesOf(entered: Entered | undefined): readonly string[] {
  return [...new Set([...(entered?.values() ?? [])].map(({ path }) => path))].toSorted();
}

function printTable(trips: readonly Trip[], traced: readonly Entered[]): void {
  const rows = trips.map(({ title }, index) => {
    const entered = traced[index];
    const files = filesOf(entered);
    const inModule = (name: string) => files.filter((path) => path.startsWith(`${name}/`)).length;
    const others = files.length - MODULES.reduce((sum, name) => sum + inModule(name), 0);
    const named = [...(entered?.values() ?? [])].filter(({ name }) => name !== '').length;
    return [title, files.length, named, ...MODULES.map(inModule), others];
  });
  const head = ['trip', 'files', 'named functions', ...MODULES.map((name) => `\`${name}/\``), 'other'];
  for (const row of [head, ['---', ...head.slice(1).map(() => '---:')], ...rows])
    console.log(`| ${row.join(' | ')} |`);
}

function printFiles(entered: Entered | undefined): void {
  const functions = [...(entered?.values() ?? [])];
  for (const file of filesOf(entered)) {
    const names = functions.filter(({ path, name }) => path === file && name !== '').map(({ name }) => name);
    console.log(`${file}: ${names.join(', ')}`);
  }
}

/** Starts callhooks with its inspector on, and an endpoint; the endpoint ends each connection, so that each is opened. */
async function startTraced() {
  const endpoint = await startReceiver({
    headers: { connection: 'close' },
    body: { customer: { name: 'Ada Lovelace' } },
  });
  const dataDir = await mkdtemp(join(tmpdir(), 'callhooks-trace-'));
  const inspectorPort = await freePort();
  const server = startProcess(['serve'], {
    NODE_OPTIONS: `--inspect=127.0.0.1:${inspectorPort}`,
    CALLHOOKS_LISTEN: '127.0.0.1:0',
    CALLHOOKS_DATA_DIR: dataDir,
    CALLHOOKS_EGRESS_ALLOW: '127.0.0.0/8',
  });
  const rpc = connect(Number((await server.serving()).split(':').at(-1)));
  const counter = await countCalls(inspectorPort);
  const stop = async () => {
    counter.close();
    rpc.close();
    server.kill('SIGTERM');
    await server.ended();
    await endpoint.close();
    await rm(dataDir, { recursive: true });
  };
  return { endpointUrl: endpoint.url, rpc, counter, stop };
}

function createTracedAgent(rpc: Rpc, endpointUrl: string): Promise<CallAgent> {
  const apiSchema = {
    method: 'POST',
    requestHeaders: { Authorization: 'Bearer {{secret.CRM_TOKEN}}' },
    requestBody: { phone: '{{caller_phone}}' },
  };
  return makeAgent(rpc, {
    variables: { customer_name: 'there' },
    secrets: { CRM_TOKEN: 'the-token-of-the-crm' },
    pre: {
      apiSchema: { ...apiSchema, url: `${endpointUrl}/lookup` },
      assignments: [{ attributeName: 'customer.name', dynamicVariable: 'customer_name' }],
    },
    post: { apiSchema: { ...apiSchema, url: `${endpointUrl}/calls` } },
  });
}

const { endpointUrl, rpc, counter, stop } = await startTraced();
try {
  const createAgent = () => createTracedAgent(rpc, endpointUrl);
  const trips = tripsOf(rpc, await createAgent(), createAgent);
  const traced = await trace(trips, counter);
  if (process.argv.includes('--files')) printFiles(traced[FIRST_START]);
  else printTable(trips, traced);
} finally {
  await stop();
}
