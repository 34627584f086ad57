import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { Server, ServerCredentials } from '@grpc/grpc-js';
import { expect } from 'chai';
import type * as pb from '../../src/gen/index.callhooks.v1.ts';
import { makeAgent, newCall, postTo, type CallAgent } from '../support/calls.ts';
import { freePort } from '../support/free-port.ts';
import { startReceiver, type Receiver } from '../support/receiver.ts';
import { connect, type Rpc } from '../support/rpc.ts';
import { startProcess, type ServerProcess } from '../support/server-process.ts';
import { until } from '../support/until.ts';

const MAIN = fileURLToPath(new URL('../../src/main.ts', import.meta.url));

/** Starts `callhooks explain --follow`, and collects its lines. */
function startFollowing(port: number, ...args: string[]) {
  const child = spawn(process.execPath, [MAIN, 'explain', '--follow', ...args], {
    env: { PATH: process.env['PATH'], CALLHOOKS_ADDRESS: `127.0.0.1:${port}` },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const text = { stdout: '', stderr: '' };
  child.stdout.setEncoding('utf8').on('data', (chunk: string) => (text.stdout += chunk));
  child.stderr.setEncoding('utf8').on('data', (chunk: string) => (text.stderr += chunk));
  return {
    lines: () => text.stdout.split('\n').slice(0, -1),
    stderr: () => text.stderr,
    stop: async () => {
      const ended = once(child, 'close');
      child.kill('SIGINT');
      await ended;
    },
  };
}

describe('callhooks explain --follow', () => {
  let folder: string;
  let port: number;
  let crm: Receiver;
  let server: ServerProcess;
  let rpc: Rpc;
  let agent: CallAgent;

  async function serve(): Promise<void> {
    server = startProcess(['serve'], {
      CALLHOOKS_LISTEN: `127.0.0.1:${port}`,
      CALLHOOKS_DATA_DIR: folder,
      CALLHOOKS_EGRESS_ALLOW: '127.0.0.0/8',
    });
    await server.serving();
    rpc = connect(port);
  }
  async function stopServer(signal: NodeJS.Signals = 'SIGTERM'): Promise<void> {
    rpc.close();
    server.kill(signal);
    await server.ended();
  }

  before(async () => {
    folder = mkdtempSync(join(tmpdir(), 'callhooks-'));
    port = await freePort();
    crm = await startReceiver(({ url }) => (url.includes('fail') ? { status: 503 } : { body: {} }));
    await serve();
    agent = await makeAgent(rpc, {
      variables: { mood: 'fine' },
      pre: postTo(`${crm.url}/{{mood}}`),
    });
  });
  after(async () => {
    await stopServer();
    await crm.close();
    rmSync(folder, { recursive: true });
  });

  async function start(mood = 'fine'): Promise<string> {
    const call = newCall(agent);
    await rpc.calls.onCallStart({ ...call, dynamicVariables: { mood } });
    return call.conversationUuid;
  }
  const conversationsIn = (lines: readonly string[]) =>
    lines.map((line) => /conversation=(\S+)/.exec(line)?.[1] ?? line);

  it('prints a line for each execution that ends, once, also behind a restart of the server', async () => {
    const early = await start();
    const following = startFollowing(port, '--since', '1h');
    await until('the line of the first call', () => following.lines().length >= 1);
    const calls = [early, await start('fail'), await start()];
    await until('three lines', () => following.lines().length >= 3);
    await stopServer();
    await until('the server to be away', () => following.stderr().includes('asked again'));
    await serve();
    calls.push(await start('fail'));
    await until('four lines', () => following.lines().length >= 4);
    await following.stop();
    expect(conversationsIn(following.lines())).to.deep.equal(calls);
    expect(following.lines()[1]).to.match(
      /^20\S+Z pre_call FAILED HTTP_STATUS PROCEED degraded [\d.]+ m?s conversation=\S+ execution=\S+ agent=\S+$/,
    );
  });

  it('loses no line and repeats none when the server is killed', async () => {
    const following = startFollowing(port);
    const calls: string[] = [];
    await until('the first line', async () => {
      calls.push(await start());
      return following.lines().length > 0;
    });
    const before = calls.indexOf(conversationsIn(following.lines())[0] ?? '');
    for (let count = 0; count < 20; count += 1) calls.push(await start(count % 2 === 0 ? 'fail' : 'fine'));
    await stopServer('SIGKILL');
    await serve();
    for (let count = 0; count < 5; count += 1) calls.push(await start());
    const wanted = calls.slice(before);
    await until('all lines', () => following.lines().length >= wanted.length, { timeoutMs: 20_000 });
    // What a resumed stream tells again would come before this one.
    wanted.push(await start());
    await until('the last line', () => conversationsIn(following.lines()).includes(wanted.at(-1) ?? ''));
    await following.stop();
    expect(conversationsIn(following.lines())).to.deep.equal(wanted);
  }).timeout(60_000);

  it('says in one sentence that a server without WatchExecutions is too old', async () => {
    const older = new Server();
    const olderPort = await promisify(older.bindAsync.bind(older))(
      '127.0.0.1:0',
      ServerCredentials.createInsecure(),
    );
    const { exitCode, stderr } = await startProcess(['explain', '--follow'], {
      CALLHOOKS_ADDRESS: `127.0.0.1:${olderPort}`,
    }).ended();
    older.forceShutdown();
    expect(exitCode).to.equal(1);
    expect(stderr).to.equal(
      `callhooks explain: --follow needs WatchExecutions, which 127.0.0.1:${olderPort} does not serve: it is an older callhooks, or another program\n`,
    );
  });

  it('prints only what ends later and matches the filters, as JSON', async () => {
    await start('fail');
    const all = startFollowing(port, '--since', '1h');
    const failing = startFollowing(
      port,
      '--failure-code',
      'http_status',
      '--agent',
      agent.agentUuid,
      '--json',
    );
    await until('the first lines', () => all.lines().length > 0);
    // Nobody sees when the second one has begun, so calls fail until it prints one.
    const calls: string[] = [];
    await until('a line', async () => {
      await start();
      calls.push(await start('fail'));
      return failing.lines().length > 0;
    });
    await all.stop();
    await failing.stop();
    const printed = failing.lines().map((line) => JSON.parse(line) as Record<string, string>);
    expect(calls).to.include.members(printed.map((execution) => execution['conversation_uuid']));
    expect(new Set(printed.map((execution) => execution['state']))).to.deep.equal(
      new Set(['EXECUTION_STATE_FAILED'] satisfies (keyof typeof pb.ExecutionState)[]),
    );
  });

  it('ends without a word when the reader of its lines has gone', async () => {
    await start();
    await start();
    const child = spawn(
      'bash',
      [
        '-c',
        'set -o pipefail; "$0" "$1" explain --follow --since 1h | head -n 1; echo "${PIPESTATUS[0]}"',
        process.execPath,
        MAIN,
      ],
      {
        env: { PATH: process.env['PATH'], CALLHOOKS_ADDRESS: `127.0.0.1:${port}` },
        stdio: ['ignore', 'pipe', 'pipe'],
      },
    );
    let output = '';
    child.stdout.setEncoding('utf8').on('data', (chunk: string) => (output += chunk));
    child.stderr.setEncoding('utf8').on('data', (chunk: string) => (output += chunk));
    const ended = once(child, 'close');
    // It writes into the broken pipe when the next execution ends.
    await until('its end', async () => {
      await start();
      return output.trimEnd().split('\n').length > 1;
    });
    await ended;
    expect(output.trimEnd().split('\n')).to.have.length(2).and.to.include('0');
  });
});
