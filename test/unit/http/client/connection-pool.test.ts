import { expect } from 'chai';
import type { Connection } from '../../../../src/http/client/connection.ts';
import { createOriginConnections } from '../../../../src/http/client/connection-pool.ts';
import { createDeadlines } from '../../../../src/http/client/deadline.ts';

describe('createOriginConnections', () => {
  const inAMinute = () => createDeadlines().start(performance.now() + 60_000);
  let unused = 0;
  const make = (maxDials: number) => {
    unused = 0;
    return createOriginConnections({ maxDials, maxConnectionAgeMs: 60_000, onUnused: () => unused++ });
  };
  const connection = (isOpen = true): Connection => ({
    served: 0,
    openedAtMs: performance.now(),
    idleSinceMs: performance.now(),
    isOpen: () => isOpen,
    dispatch: () => undefined,
    noteProgress: () => undefined,
    headBytes: () => undefined,
    rest: () => undefined,
    destroy: () => undefined,
  });

  it('reports that it is unused when no connection is open and no dial is under way', async () => {
    const connections = make(2);
    const deadline = inAMinute();
    expect(await connections.takeTurn(deadline)).to.equal('dial');
    expect(await connections.takeTurn(deadline)).to.equal('dial');
    const opened = connection();
    connections.endDial(opened);
    connections.endDial();
    expect(unused).to.equal(0);
    connections.forget(opened);
    expect(unused).to.equal(1);
    deadline.stop();
  });

  it('hands a connection that falls idle to the first waiting request, and to no later one', async () => {
    const connections = make(1);
    const deadline = inAMinute();
    expect(await connections.takeTurn(deadline)).to.equal('dial');
    const [first, second] = [connections.takeTurn(deadline), connections.takeTurn(deadline)];
    const freed = connection();
    connections.giveBack(freed);
    expect(connections.takeIdle()).to.equal(undefined);
    const late = connections.takeTurn(deadline);
    expect(await first).to.equal(freed);
    for (const next of [second, late]) {
      connections.endDial();
      expect(await next).to.equal('dial');
    }
    deadline.stop();
  });

  it('skips an idle connection that has closed', async () => {
    const connections = make(1);
    const deadline = inAMinute();
    connections.giveBack(connection(false));
    expect(connections.takeIdle()).to.equal(undefined);
    expect(await connections.takeTurn(deadline)).to.equal('dial');
    deadline.stop();
  });
});
