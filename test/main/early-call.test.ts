import { once } from 'node:events';
import { connect as connectSocket } from 'node:net';
import { expect } from 'chai';
import { insertOpenRow } from '../store/fill-tables.ts';
import { connectDirectly } from '../store/test-database.ts';
import { makeAgent, newCall, postTo } from '../support/calls.ts';
import { sqliteEngine, type FreshDatabase } from '../support/engines.ts';
import { outcomeOf } from '../support/execution-words.ts';
import { startReceiver, type Receiver } from '../support/receiver.ts';
import { connect } from '../support/rpc.ts';
import { startProcess, type ServerProcess } from '../support/server-process.ts';
import { until } from '../support/until.ts';

// Marking so many executions takes a good part of a second.
const LEFT_BEHIND = 4_000;

async function isBound(port: number): Promise<boolean> {
  const socket = connectSocket(port, '127.0.0.1');
  const connected = await once(socket, 'connect').then(
    () => true,
    () => false,
  );
  socket.destroy();
  return connected;
}

const sqlite = sqliteEngine();
if (sqlite !== undefined)
  describe('A call that arrives while the server starts', () => {
    let database: FreshDatabase;
    let receiver: Receiver;
    let server: ServerProcess | undefined;
    before(async () => {
      database = await sqlite.freshDatabase();
      receiver = await startReceiver();
    });
    after(async () => {
      server?.kill('SIGKILL');
      await server?.ended();
      await receiver.close();
      await database.cleanup();
    });

    const serve = (port: number): ServerProcess => {
      server = startProcess(['serve'], {
        CALLHOOKS_LISTEN: `127.0.0.1:${port}`,
        CALLHOOKS_DATA_DIR: database.dataDir,
        CALLHOOKS_EGRESS_ALLOW: '127.0.0.1',
      });
      return server;
    };

    it('waits until the executions of a dead process are marked interrupted, and is not marked itself', async () => {
      const first = serve(0);
      const port = Number((await first.serving()).split(':').at(-1));
      const before = connect(port);
      const agent = await makeAgent(before, { pre: postTo(`${receiver.url}/hook`) });
      before.close();
      first.kill('SIGTERM');
      await first.ended();
      const beside = connectDirectly(database);
      await beside.transaction(async (session) => {
        for (let at = 0; at < LEFT_BEHIND; at += 1) await insertOpenRow(session, 'sending', 60_000);
      });
      await beside.close();

      const second = serve(port);
      let isServing = false;
      const serving = second.serving().then(() => {
        isServing = true;
      });
      // The endpoint answers when everything has been marked.
      receiver.respond(async () => {
        await serving;
        return { body: {} };
      });
      await until('the port to be bound', () => isBound(port), { everyMs: 5 });
      expect(isServing, 'the call is early').to.equal(false);
      const rpc = connect(port);
      const { execution } = await rpc.calls.onCallStart(newCall(agent));
      rpc.close();
      expect(outcomeOf(execution ?? expect.fail())).to.equal('SUCCEEDED');
      expect(receiver.requests).to.have.length(1);
    }).timeout(30_000);
  });
