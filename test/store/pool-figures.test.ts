import { expect } from 'chai';
import { connectDirectly, openTested, type TestedDatabase } from './test-database.ts';
import { anAgent } from './samples.ts';
import { engines, serverEngine, type FreshDatabase } from '../support/engines.ts';
import { until } from '../support/until.ts';

const server = serverEngine();

if (server !== undefined)
  describe('the figures of the connections to a server', () => {
    let fresh: FreshDatabase;
    let database: TestedDatabase;
    before(async () => {
      fresh = await server.freshDatabase();
      // Changes of agents have two connections.
      database = await openTested({ url: fresh.url ?? '', poolSize: 2 });
      await database.migrate();
    });
    after(async () => {
      await database.close();
      await fresh.cleanup();
    });

    it('count connections in use and idle ones, and who had to wait for one', async () => {
      const { agents } = database;
      const agent = await agents.insertAgent(anAgent());
      const before = database.pool();
      expect(before).to.include({ inUse: 0, waits: 0 });
      expect(before.idle).to.be.at.least(1);
      const direct = connectDirectly(fresh);
      const changes: Promise<unknown>[] = [];
      await direct.transaction(async (session) => {
        await session.rows('SELECT agent_uuid FROM agents FOR UPDATE');
        for (let count = 0; count < 2; count += 1) changes.push(agents.replaceAgent(agent, agent));
        await until('both connections to be in use', () => database.pool().inUse === 2);
        expect(database.pool().waits).to.equal(0);
        changes.push(agents.replaceAgent(agent, agent));
        expect(database.pool().waits).to.equal(1);
      });
      await Promise.allSettled(changes);
      await direct.close();
      await until('no connection to be in use', () => database.pool().inUse === 0);
      expect(database.pool().idle).to.be.at.least(2);
    });
  });

describe('the kind of a database', () => {
  for (const engine of engines())
    it(`is ${engine.name} for ${engine.name}`, async () => {
      const fresh = await engine.freshDatabase();
      const database = await openTested({
        ...(fresh.url === null ? {} : { url: fresh.url }),
        dataDir: fresh.dataDir,
      });
      expect(await database.systemName()).to.equal(engine.name);
      if (engine.name === 'sqlite') expect(database.pool()).to.deep.equal({ inUse: 0, idle: 0, waits: 0 });
      await database.close();
      await fresh.cleanup();
    });
});
