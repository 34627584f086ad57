import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, existsSync, mkdtempSync, openSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Readable } from 'node:stream';
import { fileURLToPath } from 'node:url';
import { expect } from 'chai';
import { onPipe, onSocket, type Unread } from '../support/log-reader.ts';
import { connect } from '../support/rpc.ts';
import { until } from '../support/until.ts';

const MAIN = fileURLToPath(new URL('../../src/main.ts', import.meta.url));
// A device on which every write fails with ENOSPC; only Linux has it.
const FULL = '/dev/full';

/** Starts a server with this standard output, and calls it three times. Returns the exit code after SIGTERM. */
async function serveWith(stdout: number | 'pipe'): Promise<number | null> {
  const dataDir = mkdtempSync(join(tmpdir(), 'callhooks-log-'));
  const env = {
    PATH: process.env['PATH'],
    CALLHOOKS_LISTEN: '127.0.0.1:0',
    CALLHOOKS_OPS_LISTEN: 'off',
    CALLHOOKS_DATA_DIR: dataDir,
    MAKELEVEL: '1',
  };
  const child = spawn(process.execPath, [MAIN, 'serve'], { env, stdio: ['ignore', stdout, 'pipe'] });
  const ended = once(child, 'exit');
  child.stdout?.destroy();
  try {
    const rpc = connect(await portIn(child.stderr));
    for (let count = 0; count < 3; count += 1) await rpc.agents.listAgents();
    rpc.close();
    child.kill('SIGTERM');
    return (await ended)[0] as number | null;
  } finally {
    child.kill('SIGKILL');
    await ended;
    rmSync(dataDir, { recursive: true });
  }
}

/** Reads the port from what is printed for people. The log has it too, but nobody reads that here. */
async function portIn(stderr: Readable | null): Promise<number> {
  let text = '';
  for await (const chunk of stderr?.iterator({ destroyOnReturn: false }) ?? []) {
    text += String(chunk);
    const port = /serves gRPC on 127\.0\.0\.1:(\d+)/.exec(text)?.[1];
    if (port !== undefined) return Number(port);
  }
  throw new Error(`ended with: ${text}`);
}

// A pipe takes the first 64 KiB of lines, and the buffers of a socket take several hundred.
const MORE_THAN_FITS = 1_000;
const CRASH = "data:text/javascript,process.once('SIGUSR2', () => { throw new Error('on purpose'); })";

describe('A server whose log nobody reads', function () {
  this.timeout(60_000);
  let folder: string;
  let unread: Unread;
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'callhooks-log-'));
  });
  afterEach(() => {
    unread.child.kill('SIGKILL');
    rmSync(folder, { recursive: true });
  });

  const env = () => ({
    PATH: process.env['PATH'],
    CALLHOOKS_LISTEN: '127.0.0.1:0',
    CALLHOOKS_OPS_LISTEN: 'off',
    CALLHOOKS_DATA_DIR: folder,
    MAKELEVEL: '1',
  });
  const serveAndAsk = async (times: number, start = onPipe): Promise<void> => {
    unread = start(folder, ['--import', CRASH, MAIN, 'serve'], env());
    const rpc = connect(await portIn(unread.child.stderr));
    for (let count = 0; count < times; count += 1) await rpc.agents.listAgents();
    rpc.close();
  };

  for (const [kind, start] of Object.entries({ pipe: onPipe, socket: onSocket })) {
    it(`answers, and keeps the lines for a later reader (${kind})`, async () => {
      await serveAndAsk(MORE_THAN_FITS, start);
      const { lines, ended } = unread.read();
      await until('all lines', () => lines.filter(({ msg }) => msg === 'rpc').length === MORE_THAN_FITS);
      unread.child.kill('SIGTERM');
      await ended;
      expect(lines.at(-1)).to.include({ msg: 'stopped', exit_code: 0 });
      const times = lines.map(({ time }) => String(time));
      expect(times).to.deep.equal(times.toSorted());
    });
  }

  it('writes the line about an uncaught error when it exits', async () => {
    await serveAndAsk(1);
    unread.child.kill('SIGUSR2');
    expect(await once(unread.child, 'exit')).to.deep.equal([70, null]);
    const { lines, ended } = unread.read();
    await ended;
    expect(lines.at(-1)).to.include({ level: 'error', msg: 'unexpected error: exiting' });
    expect(lines.at(-1)).to.have.nested.property('err.message', 'on purpose');
  });

  it('exits after an uncaught error though its lines are not read', async () => {
    await serveAndAsk(MORE_THAN_FITS);
    unread.child.kill('SIGUSR2');
    expect(await once(unread.child, 'exit')).to.deep.equal([70, null]);
  });
});

describe('A server whose log cannot be written', function () {
  this.timeout(60_000);

  it('answers, and loses lines, when the reader has closed its end', async () => {
    expect(await serveWith('pipe')).to.equal(0);
  });

  if (existsSync(FULL))
    it('answers, and loses lines, when the disk is full', async () => {
      const full = openSync(FULL, 'w');
      try {
        expect(await serveWith(full)).to.equal(0);
      } finally {
        closeSync(full);
      }
    });
});
