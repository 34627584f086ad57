import { join } from 'node:path';
import { expect } from 'chai';
import { startClientServers, type ClientServers } from './client-servers.ts';
import { runProgram } from './programs.ts';
import { describeWith, TOOLS } from './tools.ts';

const PACKAGE = join(import.meta.dirname, '../../clients/python');

describeWith(['newest python', 'oldest python'], 'The Python package', function () {
  this.timeout(120_000);
  let servers: ClientServers;
  before(async () => {
    servers = await startClientServers();
  });
  after(() => servers.stop());

  const python = (environment: 'newest python' | 'oldest python', ...args: readonly string[]) =>
    runProgram(join(TOOLS[environment], '../bin/python'), args, {
      cwd: PACKAGE,
      env: { ...process.env, PYTHONPATH: 'src', PYTHONDONTWRITEBYTECODE: '1', ...servers.env },
    });

  for (const environment of ['newest python', 'oldest python'] as const) {
    it(`passes its tests on real servers with the ${environment.split(' ')[0]} libraries, and skips none`, async () => {
      const args = ['-m', 'pytest', '-q', '-p', 'no:cacheprovider'];
      const { exitCode, stdout, stderr } = await python(environment, ...args);
      expect(exitCode, `${stdout}${stderr}`).to.equal(0);
      expect(stdout)
        .to.match(/\d+ passed in/)
        .and.not.match(/skipped/);
    });
  }

  it('passes mypy, strictly', async () => {
    const { exitCode, stdout } = await python('newest python', '-m', 'mypy', '--cache-dir=/dev/null');
    expect(exitCode, stdout).to.equal(0);
  });
});
