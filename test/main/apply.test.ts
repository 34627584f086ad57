import { mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect } from 'chai';
import { startTestApp, type TestApp } from '../support/app.ts';
import { sqliteEngine } from '../support/engines.ts';
import { startProcess } from '../support/server-process.ts';
import { TOKEN_SETTINGS, TOKENS, withToken } from '../support/tokens.ts';

const UUID = 'a0000000-0000-4000-8000-000000000001';
const sqlite = sqliteEngine();

if (sqlite !== undefined)
  describe('callhooks apply and callhooks export, as processes', () => {
    let app: TestApp;
    let dir: string;

    before(async () => {
      app = await startTestApp(sqlite, TOKEN_SETTINGS);
      dir = mkdtempSync(join(tmpdir(), 'callhooks-apply-'));
      mkdirSync(join(dir, 'agents'));
      writeFileSync(
        join(dir, 'agents/one.yaml'),
        `agent_uuid: ${UUID}\ndisplay_name: One\nsecrets: { TOKEN: { env: TOKEN } }\n`,
      );
    });
    after(async () => {
      await app.close();
      rmSync(dir, { recursive: true });
    });

    const run = async (line: string, env: Record<string, string> = {}) => {
      const args = line.split(' ').map((word) => word.replace('DIR', dir));
      return startProcess(args, { CALLHOOKS_ADDRESS: `127.0.0.1:${app.port}`, ...env }).ended();
    };
    const agents = async () => (await app.rpc.agents.listAgents({}, withToken(TOKENS.viewer))).agents;

    it('end with 64 without a folder, or for an id that is none', async () => {
      expect(await run('apply')).to.include({ exitCode: 64, stdout: '' });
      expect(await run('export DIR --agent me')).to.include({ exitCode: 64, stdout: '' });
    });

    it('ask for a token where the server wants one', async () => {
      const { exitCode, stderr } = await run('apply DIR/agents');
      expect(exitCode).to.equal(1);
      expect(stderr).to.match(/UNAUTHENTICATED[^]*CALLHOOKS_TOKEN/);
    });

    it('show the difference to a viewer, who may not write', async () => {
      const env = { CALLHOOKS_TOKEN: TOKENS.viewer, TOKEN: 'a secret value' };
      const dry = await run('apply DIR/agents --dry-run', env);
      expect(dry.exitCode).to.equal(2);
      expect(dry.stdout).to.match(/^\+ \S+one\.yaml: agent a0/);
      const wet = await run('apply DIR/agents', env);
      expect(wet.exitCode).to.equal(1);
      expect(wet.stderr).to.match(/^Not written:\n {2}a0[^\n]*\nRun [^]*PERMISSION_DENIED/);
      expect(await agents()).to.deep.equal([]);
    });

    it('write for an admin, and never print the value of a secret', async () => {
      const env = { CALLHOOKS_TOKEN: TOKENS.admin, TOKEN: 'a secret value' };
      const first = await run('apply DIR/agents', env);
      expect(first).to.include({ exitCode: 0, stderr: '' });
      expect(
        (await agents()).map(({ displayName, secretNames }) => [displayName, secretNames]),
      ).to.deep.equal([['One', ['TOKEN']]]);
      const again = await run('apply DIR/agents --secrets', env);
      expect(again.exitCode).to.equal(0);
      expect(first.stdout + again.stdout + again.stderr).not.to.include('a secret value');
      const second = await run('apply DIR/agents', { CALLHOOKS_TOKEN: TOKENS.viewer });
      expect(second).to.include({ exitCode: 0, stderr: '' });
    });

    it('write files for a viewer', async () => {
      const { exitCode, stdout } = await run('export DIR/out', { CALLHOOKS_TOKEN: TOKENS.viewer });
      expect(exitCode).to.equal(0);
      expect(stdout).to.match(/Written: 1\. As it was: 0\. Not written: 0\.\n$/);
      expect(readdirSync(join(dir, 'out'))).to.deep.equal([`one.${UUID}.yaml`]);
    });

    it('end with 69 when no server answers', async () => {
      const { exitCode, stderr } = await run('apply DIR/agents --address 127.0.0.1:1 --timeout 5');
      expect(exitCode).to.equal(69);
      expect(stderr).to.match(/UNAVAILABLE/);
    });
  });
