import { once } from 'node:events';
import { connect as connectSocket } from 'node:net';
import { setTimeout as wait } from 'node:timers/promises';
import { expect } from 'chai';
import { insertOpenRow, connectDirectly } from '../store/support.ts';
import { makeAgent, newCall, postTo } from '../support/calls.ts';
import { outcomeOf } from '../support/execution-words.ts';
import { engines, type FreshDatabase } from '../support/engines.ts';
import { startReceiver, type Receiver } from '../support/receiver.ts';
import { connect } from '../support/rpc.ts';
import { startProcess, type ServerProcess } from '../support/server-process.ts';

// Marking so many takes a good part of a second.
const LEFT_BEHIND = 4_000;

async function untilBound(port: number): Promise<void> {
  for (;;) {
    const socket = connectSocket(port, '127.0.0.1');
    const isBound = await once(socket, 'connect').then(
      () => true,
      () => false,
    );
    socket.destroy();
    if (isBound) return;
    await wait(5);
  }
}

const sqlite = engines().find(({ name }) => name === 'sqlite');
if (sqlite !== undefined)
  describe('a call that arrives while the server starts', () => {
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

    it('waits until all that a dead process left behind is marked interrupted, and is not marked itself', async () => {
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
      // Not before all has been marked that there is to mark.
      receiver.respond(async () => {
        await serving;
        return { body: {} };
      });
      await untilBound(port);
      expect(isServing, 'the call is early').to.equal(false);
      const rpc = connect(port);
      const { execution } = await rpc.calls.onCallStart(newCall(agent));
      rpc.close();
      expect(outcomeOf(execution ?? expect.fail())).to.equal('SUCCEEDED');
      expect(receiver.requests).to.have.length(1);
    }).timeout(30_000);
  });
