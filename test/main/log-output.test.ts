import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, existsSync, mkdtempSync, openSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Readable } from 'node:stream';
import { fileURLToPath } from 'node:url';
import { expect } from 'chai';
import { connect } from '../support/rpc.ts';

const MAIN = fileURLToPath(new URL('../../src/main.ts', import.meta.url));
// A device on which every write fails with ENOSPC; only Linux has it.
const FULL = '/dev/full';

/** Serves with this standard output, and asks it for something three times; the exit code after SIGTERM. */
const serveWith = async (stdout: number | 'pipe'): Promise<number | null> => {
  const dataDir = mkdtempSync(join(tmpdir(), 'callhooks-log-'));
  const env = {
    PATH: process.env['PATH'],
    CALLHOOKS_LISTEN: '127.0.0.1:0',
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
};

/** The port that is told to people; the log, which has it too, can't be read here. */
const portIn = async (stderr: Readable | null): Promise<number> => {
  let text = '';
  for await (const chunk of stderr?.iterator({ destroyOnReturn: false }) ?? []) {
    text += String(chunk);
    const port = /serves gRPC on 127\.0\.0\.1:(\d+)/.exec(text)?.[1];
    if (port !== undefined) return Number(port);
  }
  throw new Error(`ended with: ${text}`);
};

describe('the log of a real process', function () {
  this.timeout(60_000);

  it('costs lines, not calls, when nobody reads it any more', async () => {
    expect(await serveWith('pipe')).to.equal(0);
  });

  if (existsSync(FULL))
    it('costs lines, not calls, when the disk behind it is full', async () => {
      const full = openSync(FULL, 'w');
      try {
        expect(await serveWith(full)).to.equal(0);
      } finally {
        closeSync(full);
      }
    });
});
