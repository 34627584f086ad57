/** Runs the examples for frameworks of voice agents, with the means that the frameworks have for tests. */
import { join } from 'node:path';
import { expect } from 'chai';
import { startClientServers, type ClientServers } from './client-servers.ts';
import { runProgram } from './programs.ts';
import { describeWith, TOOLS } from './tools.ts';

const ROOT = join(import.meta.dirname, '../..');

describeWith(['voice frameworks'], 'The example for', function () {
  this.timeout(120_000);
  let servers: ClientServers;
  before(async () => {
    servers = await startClientServers();
  });
  after(() => servers.stop());

  for (const framework of ['livekit', 'pipecat'])
    it(`${framework} passes its tests on a real server, without a media server`, async () => {
      const python = join(TOOLS['voice frameworks'], '../bin/python');
      const args = ['-m', 'pytest', '-q', '-p', 'no:cacheprovider', '-o', 'asyncio_mode=auto', '--rootdir=.'];
      const { exitCode, stdout, stderr } = await runProgram(python, args, {
        cwd: join(ROOT, 'examples', framework),
        env: {
          ...process.env,
          PYTHONPATH: join(ROOT, 'clients/python/src'),
          PYTHONDONTWRITEBYTECODE: '1',
          ...servers.env,
        },
        timeout: 110_000,
      });
      expect(exitCode, `${stdout}${stderr}`).to.equal(0);
      expect(stdout)
        .to.match(/\d+ passed/)
        .and.not.match(/skipped/);
    });
});
