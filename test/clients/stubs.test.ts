import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect } from 'chai';
import { runProgram } from './programs.ts';
import { describeWith } from './tools.ts';

const ROOT = join(import.meta.dirname, '../..');
const SCRIPT = join(ROOT, 'scripts/stubs.ts');
const MODULE = 'github.com/callhooks/callhooks/gen/go';

describeWith(['protoc-gen-go', 'newest python', 'protoc-gen-grpc-java'], 'The stubs', function () {
  this.timeout(60_000);
  let folder: string;
  before(async () => {
    folder = await mkdtemp(join(tmpdir(), 'callhooks-stubs-'));
  });
  after(() => rm(folder, { recursive: true, force: true }));

  it('are generated for four languages, and those that are committed are fresh', async () => {
    const { exitCode, stderr } = await runProgram(process.execPath, [SCRIPT, '--check']);
    expect(exitCode, stderr).to.equal(0);
  });

  it('for Go lie where the go_package of each proto file says', async () => {
    const mod = await readFile(join(ROOT, 'gen/go/go.mod'), 'utf8');
    expect(mod.split('\n')[0]).to.equal(`module ${MODULE}`);
    const proto = await readFile(join(ROOT, 'proto/callhooks/v1/agent.proto'), 'utf8');
    const [, path = ''] = /^option go_package = "(.*);callhooksv1";$/m.exec(proto) ?? [];
    const stub = await readFile(
      join(ROOT, path.replace('github.com/callhooks/callhooks/', ''), 'agent.pb.go'),
      'utf8',
    );
    expect(path).to.match(new RegExp(`^${MODULE}/`));
    expect(stub).to.match(/^package callhooksv1$/m);
  });

  it('have the options that managed mode of buf would give them', async () => {
    const template = {
      version: 'v2',
      managed: { enabled: true, disable: [{ file_option: 'go_package' }] },
      inputs: [{ directory: 'proto', paths: ['proto/callhooks'] }],
      plugins: [{ protoc_builtin: 'java', protoc_path: join(ROOT, '.cache/bin/protoc'), out: '.' }],
    };
    const buf = join(ROOT, 'node_modules/.bin/buf');
    const args = ['generate', '--template', JSON.stringify(template), '--output', folder];
    const { exitCode, stderr } = await runProgram(buf, args, { cwd: ROOT });
    expect(exitCode, stderr).to.equal(0);
    const java = await readFile(join(folder, 'com/callhooks/v1/OnCallStartRequest.java'), 'utf8');
    expect(java).to.match(/^package com\.callhooks\.v1;$/m);
    await readFile(join(folder, 'com/callhooks/v1/CallLifecycleProto.java'));
  });
});
