import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect } from 'chai';
import { readSamples } from '../support/page-samples.ts';
import { startBuiltServer } from './built-server.ts';
import type { Json } from './grpcurl.ts';
import { runProgram } from './programs.ts';
import { describeWith, pathWithTools } from './tools.ts';

const ROOT = join(import.meta.dirname, '../..');
const PAGE = readFileSync(join(ROOT, 'docs/migrating.md'), 'utf8');
const AGENT = JSON.parse(readFileSync(join(ROOT, 'examples/rest-agent.json'), 'utf8')) as {
  readonly webhooks: readonly {
    readonly webhook_config: { readonly api_schema: { readonly url: string } };
  }[];
};

describeWith(['grpcurl'], 'docs/migrating.md', function () {
  this.timeout(60_000);

  it('puts an agent of a REST API into CreateAgent as it is', async () => {
    const server = await startBuiltServer();
    const command = readSamples(PAGE).find(({ kind }) => kind === 'command')?.text ?? '';
    const { stdout, stderr, exitCode } = await runProgram(
      'sh',
      ['-c', command.replaceAll('127.0.0.1:50051', server.address)],
      { cwd: ROOT, env: { ...process.env, PATH: pathWithTools() } },
    );
    await server.stop();
    expect(exitCode, stderr).to.equal(0);
    const { agent } = JSON.parse(stdout) as { agent: { webhooks: Json[] } };
    expect(agent.webhooks).to.have.lengthOf(2);
    const stored = JSON.stringify(agent.webhooks);
    for (const { webhook_config: config } of AGENT.webhooks) expect(stored).to.include(config.api_schema.url);
  });
});
