import { expect } from 'chai';
import { createDatabaseHealth, type DatabaseHealth } from '../../../../src/engine/writes/database-health.ts';
import { DatabaseError } from '../../../../src/errors.ts';

function away(): Promise<never> {
  return Promise.reject(new DatabaseError('away'));
}
async function silent(): Promise<never> {
  await new Promise((resolve) => setTimeout(resolve, 600));
  return away();
}

function busy(): Promise<never> {
  return Promise.reject(new DatabaseError('busy'));
}
function locked(): Promise<never> {
  return Promise.reject(new DatabaseError('conflict'));
}
async function silentlyBusy(): Promise<never> {
  await new Promise((resolve) => setTimeout(resolve, 600));
  return busy();
}

async function untilIs(health: DatabaseHealth, isThere: boolean): Promise<void> {
  for (let turns = 0; turns < 400 && health.isThere() !== isThere; turns += 1)
    await new Promise((resolve) => setTimeout(resolve, 10));
  expect(health.isThere()).to.equal(isThere);
}
function untilThere(health: DatabaseHealth): Promise<void> {
  return untilIs(health, true);
}
function untilAway(health: DatabaseHealth): Promise<void> {
  return untilIs(health, false);
}

describe('the health of the database', () => {
  let health: DatabaseHealth;
  afterEach(() => health.close());

  it('is there although a connection was lost, as long as a probe is not', async () => {
    let probes = 0;
    health = createDatabaseHealth(
      () => {
        probes += 1;
        return Promise.resolve();
      },
      () => undefined,
    );
    await health.watch(away).catch(() => undefined);
    expect(health.isThere()).to.equal(true);
    expect(probes).to.equal(1);
  });

  it('is away at once when a statement has waited in vain, whatever the probe will say', async () => {
    health = createDatabaseHealth(
      () => new Promise(() => undefined),
      () => undefined,
    );
    await health.watch(silent).catch(() => undefined);
    expect(health.isThere()).to.equal(false);
  });

  it('is there and probes nothing when a statement found no free connection, however long it waited', async () => {
    let probes = 0;
    health = createDatabaseHealth(
      () => {
        probes += 1;
        return away();
      },
      () => undefined,
    );
    const beforeMs = health.thereForMs();
    for (const statement of [busy, silentlyBusy]) await health.watch(statement).catch(() => undefined);
    expect(health.isThere()).to.equal(true);
    expect(health.thereForMs()).to.be.at.least(beforeMs);
    expect(probes).to.equal(0);
  });

  it('learns nothing from a probe that found no free connection, or a table that others have locked', async () => {
    const probes: (() => Promise<void>)[] = [busy];
    health = createDatabaseHealth(
      () => (probes.shift() ?? away)(),
      () => undefined,
    );
    await health.watch(away).catch(() => undefined);
    await new Promise((resolve) => setImmediate(resolve));
    expect(health.isThere(), 'after a lost connection').to.equal(true);
    probes.push(locked);
    await health.watch(away).catch(() => undefined);
    await new Promise((resolve) => setImmediate(resolve));
    expect(health.isThere(), 'beside a locked table').to.equal(true);
    await health.watch(silent).catch(() => undefined);
    expect(health.isThere()).to.equal(false);
    probes.push(busy, locked, () => Promise.resolve());
    await untilThere(health);
    expect(probes).to.have.length(0);
  });

  it('counts as there all the time when one statement waits in vain and the next probe does not', async () => {
    health = createDatabaseHealth(
      () => Promise.resolve(),
      () => undefined,
    );
    const beforeMs = health.thereForMs();
    await health.watch(silent).catch(() => undefined);
    await untilThere(health);
    expect(health.thereForMs()).to.be.at.least(beforeMs);
  });

  it('begins anew when a probe has failed too', async () => {
    const probes = [away, () => Promise.resolve()];
    health = createDatabaseHealth(
      () => (probes.shift() ?? away)(),
      () => undefined,
    );
    const beforeMs = health.thereForMs();
    await health.watch(away).catch(() => undefined);
    await untilAway(health);
    await untilThere(health);
    expect(health.thereForMs()).to.be.below(beforeMs);
  });
});
