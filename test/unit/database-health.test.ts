import { expect } from 'chai';
import { createDatabaseHealth, type DatabaseHealth } from '../../src/engine/database-health.ts';
import { DatabaseError } from '../../src/errors.ts';

const away = (): Promise<never> => Promise.reject(new DatabaseError('away'));

const untilThere = async (health: DatabaseHealth): Promise<void> => {
  for (let turns = 0; turns < 400 && !health.isThere(); turns += 1)
    await new Promise((resolve) => setTimeout(resolve, 10));
  expect(health.isThere()).to.equal(true);
};

describe('the health of the database', () => {
  let health: DatabaseHealth;
  afterEach(() => health.close());

  it('counts as there all the time when one statement ends badly and the next probe well', async () => {
    health = createDatabaseHealth(
      () => Promise.resolve(),
      () => undefined,
    );
    const beforeMs = health.thereForMs();
    await health.watch(away).catch(() => undefined);
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
    await untilThere(health);
    expect(health.thereForMs()).to.be.below(beforeMs);
  });
});
