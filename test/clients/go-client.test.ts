import { join } from 'node:path';
import { expect } from 'chai';
import { startClientServers, type ClientServers } from './client-servers.ts';
import { runProgram } from './programs.ts';
import { describeWith, pathWithTools } from './tools.ts';

const MODULE = join(import.meta.dirname, '../../gen/go');
/** A first build compiles gRPC. */
const BUILD_MS = 300_000;

describeWith(['protoc-gen-go'], 'The Go module', function () {
  this.timeout(BUILD_MS);
  let servers: ClientServers;
  before(async () => {
    servers = await startClientServers();
  });
  after(() => servers.stop());

  const go = (...args: readonly string[]) =>
    runProgram('go', args, {
      cwd: MODULE,
      env: { ...process.env, PATH: `${pathWithTools()}:/usr/local/go/bin`, GOFLAGS: '', ...servers.env },
      timeout: BUILD_MS,
    });

  it('is formatted by gofmt', async () => {
    const { exitCode, stdout, stderr } = await go('fmt', './...');
    expect([exitCode, stdout], stderr).to.deep.equal([0, '']);
  });

  it('passes go vet', async () => {
    const { exitCode, stderr } = await go('vet', './...');
    expect(exitCode, stderr).to.equal(0);
  });

  it('passes its tests on real servers, and skips none', async () => {
    const { exitCode, stdout, stderr } = await go('test', '-count=1', '-v', './...');
    expect(exitCode, `${stdout}${stderr}`).to.equal(0);
    expect(stdout.match(/^--- PASS/gm)?.length, stdout).to.be.at.least(11);
    expect(stdout).not.to.include('--- SKIP');
  });
});
