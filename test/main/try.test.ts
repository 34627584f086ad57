import { spawn } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { fileURLToPath } from 'node:url';
import { expect } from 'chai';
import { startTestApp, type TestApp } from '../support/app.ts';
import { makeAgent, postTo } from '../support/calls.ts';
import { sqliteEngine } from '../support/engines.ts';
import { freePort } from '../support/free-port.ts';
import { startReceiver, type Receiver } from '../support/receiver.ts';
import { startProcess } from '../support/server-process.ts';

const MAIN = fileURLToPath(new URL('../../src/main.ts', import.meta.url));

const sqlite = sqliteEngine();
if (sqlite !== undefined)
  describe('callhooks try', () => {
    let app: TestApp;
    let crm: Receiver;
    let folder: string;
    let agentUuid: string;
    let webhookUuid: string;

    before(async () => {
      folder = mkdtempSync(join(tmpdir(), 'callhooks-'));
      app = await startTestApp(sqlite, { CALLHOOKS_EGRESS_ALLOW: '127.0.0.0/8' });
      crm = await startReceiver();
      const agent = await makeAgent(app.rpc, {
        variables: { customer_name: 'there', plan: 'unknown' },
        secrets: { CRM_TOKEN: 'a-secret-of-the-crm' },
        post: postTo(`${crm.url}/calls`, { note: '{{customer_name}}, {{call_duration}} s' }),
      });
      agentUuid = agent.agentUuid;
      webhookUuid = agent.post?.webhookUuid ?? '';
    });
    after(async () => {
      await crm.close();
      await app.close();
      rmSync(folder, { recursive: true });
    });

    const run = (args: readonly string[], env = {}) =>
      startProcess(['try', ...args], { CALLHOOKS_ADDRESS: `127.0.0.1:${app.port}`, ...env }).ended();

    function file(name: string, content: unknown): string {
      const path = join(folder, name);
      writeFileSync(path, typeof content === 'string' ? content : JSON.stringify(content, undefined, 2));
      return path;
    }

    const config = (more = {}) => ({
      api_schema: {
        url: `${crm.url}/lookup`,
        method: 'POST',
        request_headers: {
          Authorization: 'Bearer {{secret.CRM_TOKEN}}',
          'X-Direction': '{{metadata.direction}}',
        },
        request_body: { phone: '{{caller_phone}}', plan: '{{plan}}' },
      },
      assignments: [
        { attribute_name: 'customer.name', dynamic_variable: 'customer_name' },
        { attribute_name: 'customer.plan', dynamic_variable: 'plan' },
      ],
      ...more,
    });
    const pre = () => ['--agent', agentUuid, '--type', 'pre_call'];

    it('shows the rendered request with secrets masked, what has no value, and sends nothing', async () => {
      const call = ['--caller-phone', '+14155550123', '--set', 'plan=gold'];
      const { exitCode, stdout, stderr } = await run([file('a.json', config()), ...pre(), ...call]);
      expect([exitCode, stderr]).to.deep.equal([0, '']);
      expect(stdout).to.match(/^Request \(rendered, not sent\)\n {2}POST http.*\/lookup\n/);
      expect(stdout).to.contain('"phone": "+14155550123"').and.to.contain('"plan": "gold"');
      expect(stdout).to.contain('authorization: ••••••').and.not.to.contain('a-secret-of-the-crm');
      expect(stdout).to.contain('{{metadata.direction}} has no value in this call');
      expect(stdout).to.contain('Nothing was sent.').and.not.to.contain('\u001b');
      expect(crm.requests).to.have.length(0);
    });

    it('sends with --send, and shows what is assigned and what stood where nothing was found', async () => {
      crm.respond({ body: { customer: { fullName: 'Ada', plan: 'gold' } } });
      const metadata = file('metadata.json', { direction: 'inbound' });
      const { exitCode, stdout } = await run([
        file('b.json', config()),
        ...pre(),
        '--metadata',
        metadata,
        '--send',
      ]);
      expect(exitCode).to.equal(0);
      for (const part of [
        'HTTP status 200',
        'x-direction: inbound',
        'plan  = "gold"',
        'customer.name → customer_name: it is not in the response',
        'customer is an object with the keys fullName, plan',
        'PROCEED',
        'total',
      ])
        expect(stdout).to.contain(part);
      expect(crm.requests.at(-1)?.headers['callhooks-test']).to.equal('true');
    });

    it('exits with 1 and shows the failure when the endpoint answers with an error', async () => {
      crm.respond({ status: 500, body: { error: '\u001b]0;owned\u0007' } });
      const { exitCode, stdout } = await run([file('c.json', config()), ...pre(), '--send']);
      expect(exitCode).to.equal(1);
      expect(stdout).to.contain('HTTP_STATUS: ').and.to.contain('PROCEED, degraded');
      expect(stdout.replaceAll('\n', '')).to.not.match(/\p{Cc}/u);
    });

    it('reads the configuration from standard input, also where it stands under webhook_config', async () => {
      const child = spawn(process.execPath, [MAIN, 'try', '-', ...pre(), '--json'], {
        env: { PATH: process.env['PATH'], CALLHOOKS_ADDRESS: `127.0.0.1:${app.port}` },
        stdio: ['pipe', 'pipe', 'inherit'],
      });
      child.stdin.end(JSON.stringify({ webhook_config: config() }));
      expect(JSON.parse(await text(child.stdout))).to.have.nested.property('request.body_size');
    });

    it('tries a stored webhook with the details of a post-call', async () => {
      const { exitCode, stdout } = await run(['--webhook', webhookUuid, '--call-duration', '142.5']);
      expect(exitCode).to.equal(0);
      expect(stdout).to.contain('"note": "there, 142.5 s"');
    });

    it('names the line of the file for each violation', async () => {
      const broken = {
        assignments: [{ attribute_name: 'a', dynamic_variable: 'plann' }],
        response_timeout_secs: 99,
      };
      const path = file('e.json', config(broken));
      const { exitCode, stdout, stderr } = await run([path, ...pre()]);
      expect([exitCode, stdout]).to.deep.equal([1, '']);
      expect(stderr).to.contain(`webhook_config.assignments[0].dynamic_variable (${path} line 17): `);
      expect(stderr).to.match(/webhook_config\.response_timeout_secs \(.* line 20\): /);
    });

    const wrong: [string, () => string[], string][] = [
      ['without a file and a webhook', () => pre(), 'name a FILE'],
      ['without an agent', () => [file('f.json', config()), '--type', 'pre_call'], '--agent is required'],
      [
        'for a type that does not exist',
        () => [file('f.json', config()), '--agent', agentUuid, '--type', 'call'],
        '--type',
      ],
      [
        'for a file that is not there',
        () => ['nowhere.json', ...pre()],
        "nowhere.json can't be read (ENOENT)",
      ],
      ['for a file that is not JSON', () => [file('g.json', '{\n "a": x }'), ...pre()], 'is not JSON'],
      [
        'for a field that does not exist',
        () => [file('h.json', { api_shema: {} }), ...pre()],
        '"api_shema" is unknown',
      ],
      [
        'for a variable without a value',
        () => ['--webhook', webhookUuid, '--set', 'plan'],
        'must be NAME=VALUE',
      ],
      [
        'for metadata that is a list',
        () => ['--webhook', webhookUuid, '--metadata', file('i.json', [])],
        'JSON object',
      ],
    ];
    for (const [title, args, problem] of wrong) {
      it(`exits with 64 ${title}`, async () => {
        const { exitCode, stdout, stderr } = await run(args());
        expect([exitCode, stdout]).to.deep.equal([64, '']);
        expect(stderr).to.contain(problem);
      });
    }

    it('exits with 1 for an agent that does not exist', async () => {
      const missing = ['--agent', 'a0000000-0000-4000-8000-00000000dead', '--type', 'pre_call'];
      const { exitCode, stderr } = await run([file('j.json', config()), ...missing]);
      expect(exitCode).to.equal(1);
      expect(stderr).to.contain('NOT_FOUND, AGENT_NOT_FOUND');
    });

    it('exits with 69 when nobody serves, and says how another server is named', async () => {
      const env = { CALLHOOKS_ADDRESS: `127.0.0.1:${await freePort()}` };
      const { exitCode, stderr } = await run(['--webhook', webhookUuid], env);
      expect(exitCode).to.equal(69);
      expect(stderr).to.contain('UNAVAILABLE').and.to.contain('--address names another server');
    });
  });
