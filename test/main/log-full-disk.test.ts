import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, existsSync, mkdtempSync, openSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { expect } from 'chai';
import { mountSmallDisk, type SmallDisk } from '../faults/support/small-disk.ts';
import { freePort } from '../support/free-port.ts';
import { connect, type Rpc } from '../support/rpc.ts';
import { until } from '../support/until.ts';

const MAIN = fileURLToPath(new URL('../../src/main.ts', import.meta.url));
const CALLS = 200;
const DISK_BYTES = 256 * 1024;

interface Server {
  readonly rpc: Rpc;
  readonly pid: number;
  /** Returns `callhooks_log_lines_dropped_total`. */
  dropped(): Promise<number>;
  call(times: number): Promise<void>;
  /** Ends it with SIGTERM, and returns its exit code. */
  stop(): Promise<number | null>;
}

/** Starts a server that logs to a descriptor. Its addresses are chosen here, because nobody may be able to read its log. */
async function startServer(stdout: number | 'pipe'): Promise<Server> {
  const dataDir = mkdtempSync(join(tmpdir(), 'callhooks-log-'));
  const [port, opsPort] = [await freePort(), await freePort()];
  const env = {
    PATH: process.env['PATH'],
    CALLHOOKS_LISTEN: `127.0.0.1:${port}`,
    CALLHOOKS_OPS_LISTEN: `127.0.0.1:${opsPort}`,
    CALLHOOKS_DATA_DIR: dataDir,
  };
  const child: ChildProcess = spawn(process.execPath, [MAIN, 'serve'], {
    env,
    stdio: ['ignore', stdout, 'inherit'],
  });
  const ended = once(child, 'exit');
  child.stdout?.destroy();
  const rpc = connect(port);
  await until('the server to answer', () =>
    rpc.agents.listAgents().then(
      () => true,
      () => false,
    ),
  );
  return {
    rpc,
    pid: child.pid ?? 0,
    dropped: async () => {
      const page = await (await fetch(`http://127.0.0.1:${opsPort}/metrics`)).text();
      return Number(/^callhooks_log_lines_dropped_total (\d+)$/m.exec(page)?.[1]);
    },
    call: async (times) => {
      for (let count = 0; count < times; count += 1) await rpc.agents.listAgents();
    },
    stop: async () => {
      rpc.close();
      child.kill('SIGTERM');
      const [exitCode] = await ended;
      rmSync(dataDir, { recursive: true });
      return exitCode as number | null;
    },
  };
}

/** Returns the CPU time that a process has used, in ticks of 10 ms. */
function ticksOf(pid: number): number {
  const fields = readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ')[1]?.split(' ') ?? [];
  return Number(fields[11]) + Number(fields[12]);
}

/** Expects that a process that has nothing to do uses less than a third of a second of CPU time in a second. */
async function expectIdle(pid: number): Promise<void> {
  const before = ticksOf(pid);
  await wait(1_000);
  expect(ticksOf(pid) - before).to.be.below(33);
}

describe('A server whose log cannot be written', function () {
  this.timeout(60_000);

  it('counts the lines that it drops, and does not spin, when the reader has closed its end', async () => {
    const server = await startServer('pipe');
    await server.call(CALLS);
    await until('the lines to be dropped', async () => (await server.dropped()) >= CALLS);
    await expectIdle(server.pid);
    expect(await server.stop()).to.equal(0);
  });

  it('counts the lines that it drops, and does not spin, on a device without room', async function () {
    if (!existsSync('/dev/full')) return this.skip();
    const full = openSync('/dev/full', 'w');
    const server = await startServer(full);
    closeSync(full);
    await server.call(CALLS);
    await until('the lines to be dropped', async () => (await server.dropped()) >= CALLS);
    await expectIdle(server.pid);
    expect(await server.stop()).to.equal(0);
  });

  describe('into a file on a full disk', () => {
    let disk: SmallDisk;
    before(function () {
      const mounted = mountSmallDisk(DISK_BYTES);
      if (mounted === undefined) {
        const message = 'LEFT OUT: this user may not mount a small disk (root may)';
        if (process.env['CI'] === 'true') throw new Error(message);
        console.error(`\n*** full disks of logs: ${message} ***\n`);
        return this.skip();
      }
      disk = mounted;
    });
    after(() => disk?.unmount());

    it('drops and counts lines, does not spin, and writes whole lines again when there is room', async () => {
      const path = join(disk.folder, 'log');
      const file = openSync(path, 'a');
      const server = await startServer(file);
      closeSync(file);
      disk.fill(0);
      // What is left of the last page of the file takes a few lines.
      await server.call(CALLS);
      await until('lines to be dropped', async () => (await server.dropped()) > CALLS / 2);
      await expectIdle(server.pid);
      disk.empty();
      const lines = () => readFileSync(path, 'utf8').split('\n').slice(0, -1);
      await until('the line about dropped lines', async () => {
        await server.call(1);
        return lines().some((line) => line.includes('log lines were dropped'));
      });
      const dropped = await server.dropped();
      expect(await server.stop()).to.equal(0);
      const parsed = lines().map((line) => JSON.parse(line) as Record<string, unknown>);
      const reported = parsed.map(({ msg, lines: count }) =>
        /dropped/.test(String(msg)) ? Number(count) : 0,
      );
      expect(reported.reduce((sum, count) => sum + count, 0)).to.equal(dropped);
      expect(parsed.at(-1)).to.include({ msg: 'stopped', exit_code: 0 });
    });
  });
});
