import { readdirSync, readFileSync } from 'node:fs';
import { expect } from 'chai';
import { readFrozen } from '../../scripts/release/frozen.ts';
import { VERSION } from '../../src/version.ts';
import { describeEachEngine, type FreshDatabase } from '../support/engines.ts';
import { callWithJson } from '../support/proto-json.ts';
import { AGENT, agentUuid, FAILING, SECRETS } from '../support/release-fixture/agents.ts';
import { startFixtureEndpoint, type FixtureEndpoint } from '../support/release-fixture/endpoint.ts';
import {
  differences,
  readAgents,
  readExecutions,
  refusalOf,
  repeatCall,
  type Expectation,
} from '../support/release-fixture/expectation.ts';
import { fixtureEnv, serveFixture, type FixtureServer } from '../support/release-fixture/server.ts';
import { loadDatabase } from '../support/release-fixture/sql-text.ts';
import { makeRelease } from '../support/release-tree.ts';
import type { Rpc } from '../support/rpc.ts';
import { startProcess } from '../support/server-process.ts';
import { until } from '../support/until.ts';

const ROOT = new URL('../..', import.meta.url).pathname;
const FOLDER = new URL('../fixtures/releases/', import.meta.url);

const RELEASES = readdirSync(FOLDER, { withFileTypes: true })
  .filter((entry) => entry.isDirectory())
  .map(({ name }) => name);

interface Shown {
  readonly executionUuid: string;
  readonly state: string;
  readonly failure?: { readonly code: string; readonly sent: string };
}

describe('the fixtures of releases', () => {
  it(`have rows of ${VERSION}, with a finished execution of every state and failure that a test can make`, () => {
    expect(RELEASES).to.include(VERSION);
    // A fixture that is released can't have what was added later.
    if (readFrozen(ROOT).fixtures[`${VERSION}/mysql.json`] !== undefined) return;
    const wanted = FAILING.map(({ failure }) => failure.split(' ')[0]);
    const others = ['OVERLOADED', 'EXPIRED', 'WEBHOOK_REMOVED', 'INTERRUPTED', 'SHUTDOWN'];
    for (const name of ['sqlite', 'mysql']) {
      const executions = expectationOf(VERSION, name).executions as unknown as readonly Shown[];
      const codes = new Set(executions.map(({ failure }) => failure?.code.replace('FAILURE_CODE_', '')));
      expect([...codes].filter((code) => code !== undefined)).to.have.members([...wanted, ...others]);
      const states = new Set(executions.map(({ state }) => state.replace('EXECUTION_STATE_', '')));
      expect([...states]).to.have.members(['SUCCEEDED', 'FAILED', 'INTERRUPTED']);
    }
  });
});

function expectationOf(release: string, name: string): Expectation {
  return JSON.parse(readFileSync(new URL(`${release}/${name}.json`, FOLDER), 'utf8')) as Expectation;
}

for (const release of RELEASES)
  describeEachEngine(`A database of callhooks ${release}`, (engine) => {
    const name = engine.name === 'sqlite' ? 'sqlite' : 'mysql';
    const expected = expectationOf(release, name);
    let database: FreshDatabase;
    let endpoint: FixtureEndpoint;
    let server: FixtureServer;

    before(async function () {
      this.timeout(60_000);
      database = await engine.freshDatabase();
      await loadDatabase(database, readFileSync(new URL(`${release}/${name}.sql`, FOLDER), 'utf8'));
      endpoint = await startFixtureEndpoint();
      // The pending post-calls are sent as soon as the server runs.
      endpoint.release();
      const migrated = await startProcess(['migrate'], fixtureEnv(database)).ended();
      expect(migrated.exitCode, migrated.stderr).to.equal(0);
      server = await serveFixture(fixtureEnv(database));
    });
    after(async () => {
      await server?.stop();
      await endpoint?.close();
      await database.cleanup();
    });

    const expectAllRows = async (rpc: Rpc): Promise<void> => {
      expect(differences(expected.agents, await readAgents(rpc))).to.deep.equal([]);
      expect(expected.executions).to.have.length.above(20);
      for (const execution of expected.executions) {
        const reply = await callWithJson<{ execution: object }>(rpc, 'ExecutionLog/GetExecution', {
          execution_uuid: execution['executionUuid'],
        });
        expect(differences(execution, reply.execution)).to.deep.equal([]);
      }
    };

    it('has all its agents and executions after the migration, with their records', () =>
      expectAllRows(server.rpc)).timeout(20_000);

    it('answers repeats from the record, and refuses calls that were purged', async () => {
      for (const { call, reply } of expected.starts)
        expect(differences(reply, await repeatCall(server.rpc, 'OnCallStart', call))).to.deep.equal([]);
      for (const { call, reply } of expected.ends)
        expect(differences(reply, await repeatCall(server.rpc, 'OnCallEnd', call))).to.deep.equal([]);
      expect(expected.purged).not.to.have.length(0);
      for (const call of expected.purged)
        expect(await refusalOf(server.rpc, 'OnCallStart', call)).to.equal('CONVERSATION_PURGED');
    });

    it('gets its pending post-calls sent with opened secrets, and what was being sent marked interrupted', async () => {
      const outcomes: Record<string, string> = {};
      const look = async (): Promise<boolean> => {
        for (const { call, executionUuid, state } of expected.open) {
          const all = (await readExecutions(server.rpc, call)) as unknown as readonly Shown[];
          const found = all.find((it) => it.executionUuid === executionUuid);
          outcomes[executionUuid] = `${state} became ${found?.state} ${found?.failure?.sent ?? ''}`.trim();
        }
        return !Object.values(outcomes).some((text) =>
          /became EXECUTION_STATE_(?:ACCEPTED|SENDING)/.test(text),
        );
      };
      await until('the open executions to be finished', look, { timeoutMs: 40_000, everyMs: 200 });
      const became = new Map([
        ['EXECUTION_STATE_ACCEPTED', 'EXECUTION_STATE_SUCCEEDED'],
        ['EXECUTION_STATE_SENDING', 'EXECUTION_STATE_INTERRUPTED SENT_MAYBE'],
      ]);
      expect(outcomes).to.deep.equal(
        Object.fromEntries(
          expected.open.map(({ executionUuid, state }) => [
            executionUuid,
            `${state} became ${became.get(state)}`,
          ]),
        ),
      );
      const sent = endpoint.requests.filter(({ path }) => path === '/hold');
      expect(sent).to.have.length(expected.open.filter(({ state }) => state.endsWith('ACCEPTED')).length);
      for (const { headers, body } of sent) {
        expect(headers.authorization).to.equal(`Bearer ${SECRETS.crm}`);
        expect(JSON.parse(body)).to.deep.equal({
          name: 'caller',
          summary: 'She asked for "gold" – and got it.',
        });
      }
    }).timeout(60_000);

    it('opens every stored secret: literal headers, credentials, signing secrets', async () => {
      const agent = expected.agents.find((it) => it['agentUuid'] === agentUuid(AGENT.everything));
      const webhooks = agent?.['webhooks'] as { webhookUuid: string; webhookType: string }[];
      const preCall = webhooks.find(({ webhookType }) => webhookType === 'WEBHOOK_TYPE_PRE_CALL');
      await callWithJson(server.rpc, 'WebhookAdmin/TestWebhook', {
        ...{ agent_uuid: agentUuid(AGENT.everything), webhook_uuid: preCall?.webhookUuid, send: true },
      });
      const [tested] = endpoint.requests.filter(({ path }) => path === '/customer').slice(-1);
      const basic = Buffer.from(`crm:${SECRETS.crm}`).toString('base64');
      expect(tested?.headers).to.include({ 'x-api-key': 'literal-api-key', authorization: `Basic ${basic}` });
      expect(tested?.headers['webhook-signature']).to.match(/^v1,/);
      if (engine.name === 'sqlite') return;
      // This opens all the others too, and encrypts them with the first key. (SQLite has done it at the server's start.)
      const rotated = await startProcess(['rotate-keys'], fixtureEnv(database)).ended();
      expect(rotated.exitCode, rotated.stderr).to.equal(0);
      expect(rotated.stdout).to.match(
        /^the first key, new, encrypts \d+ stored values now, \d+ of them anew$/m,
      );
    }).timeout(20_000);

    // While this release is the only one, the migration above has nothing to do.
    it('has its agents and executions after migrations that change tables with rows, on both releases', async () => {
      const columns = ['executions', 'agents', 'webhooks'].map((table) => ({
        ...{ name: `${table}_region`, oldestRelease: '0.1.0' },
        statement: `ALTER TABLE ${table} ADD COLUMN region VARCHAR(64) NOT NULL DEFAULT 'north'`,
      }));
      const next = makeRelease({ version: '99.0.0', migrations: columns });
      const another = await engine.freshDatabase();
      try {
        await loadDatabase(another, readFileSync(new URL(`${release}/${name}.sql`, FOLDER), 'utf8'));
        const { exitCode, stdout, stderr } = await startProcess(
          ['migrate'],
          fixtureEnv(another),
          next.main,
        ).ended();
        expect(exitCode, stderr).to.equal(0);
        for (const added of next.added) expect(stdout).to.contain(`applied ${added}`);
        const newer = await serveFixture(fixtureEnv(another), next.main);
        await expectAllRows(newer.rpc);
        await newer.stop();
        // Back again: this release on the schema of the next one.
        const older = await serveFixture(fixtureEnv(another));
        await expectAllRows(older.rpc);
        await older.stop();
      } finally {
        await another.cleanup();
        next.remove();
      }
    }).timeout(60_000);
  });
