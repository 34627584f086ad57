import { expect } from 'chai';
import { createDatabaseHealth, type DatabaseHealth } from '../../../../src/engine/writes/database-health.ts';
import { DatabaseError } from '../../../../src/errors.ts';
import { until } from '../../../support/until.ts';

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

function untilAvailable(health: DatabaseHealth): Promise<unknown> {
  return until('the database to be available', () => health.isAvailable());
}
function untilAway(health: DatabaseHealth): Promise<unknown> {
  return until('the database to be away', () => !health.isAvailable());
}

describe('the health of the database', () => {
  let health: DatabaseHealth;
  afterEach(() => health.close());

  it('is available when a connection was lost and the probe succeeds', async () => {
    let probes = 0;
    health = createDatabaseHealth(
      () => {
        probes += 1;
        return Promise.resolve();
      },
      () => undefined,
    );
    await health.watch(away).catch(() => undefined);
    expect(health.isAvailable()).to.equal(true);
    expect(probes).to.equal(1);
  });

  it('is away at once when a statement has waited in vain, before any probe ends', async () => {
    health = createDatabaseHealth(
      () => new Promise(() => undefined),
      () => undefined,
    );
    await health.watch(silent).catch(() => undefined);
    expect(health.isAvailable()).to.equal(false);
  });

  it('is available and probes nothing when a statement found no free connection, however long it waited', async () => {
    let probes = 0;
    health = createDatabaseHealth(
      () => {
        probes += 1;
        return away();
      },
      () => undefined,
    );
    const beforeMs = health.availableForMs();
    for (const statement of [busy, silentlyBusy]) await health.watch(statement).catch(() => undefined);
    expect(health.isAvailable()).to.equal(true);
    expect(health.availableForMs()).to.be.at.least(beforeMs);
    expect(probes).to.equal(0);
  });

  it('learns nothing from a probe that found no free connection or a locked table', async () => {
    const probes: (() => Promise<void>)[] = [busy];
    health = createDatabaseHealth(
      () => (probes.shift() ?? away)(),
      () => undefined,
    );
    await health.watch(away).catch(() => undefined);
    await new Promise((resolve) => setImmediate(resolve));
    expect(health.isAvailable(), 'after a lost connection').to.equal(true);
    probes.push(locked);
    await health.watch(away).catch(() => undefined);
    await new Promise((resolve) => setImmediate(resolve));
    expect(health.isAvailable(), 'beside a locked table').to.equal(true);
    await health.watch(silent).catch(() => undefined);
    expect(health.isAvailable()).to.equal(false);
    probes.push(busy, locked, () => Promise.resolve());
    await untilAvailable(health);
    expect(probes).to.have.length(0);
  });

  it('counts as available without a break when one statement waited in vain and the next probe succeeds', async () => {
    health = createDatabaseHealth(
      () => Promise.resolve(),
      () => undefined,
    );
    const beforeMs = health.availableForMs();
    await health.watch(silent).catch(() => undefined);
    await untilAvailable(health);
    expect(health.availableForMs()).to.be.at.least(beforeMs);
  });

  it('counts the time from its return when a probe has failed too', async () => {
    const probes = [away, () => Promise.resolve()];
    health = createDatabaseHealth(
      () => (probes.shift() ?? away)(),
      () => undefined,
    );
    const beforeMs = health.availableForMs();
    await health.watch(away).catch(() => undefined);
    await untilAway(health);
    await untilAvailable(health);
    expect(health.availableForMs()).to.be.below(beforeMs);
  });
});
