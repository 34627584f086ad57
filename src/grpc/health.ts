import type { Server } from '@grpc/grpc-js';
import { HealthImplementation } from 'grpc-health-check';

/**
 * Adds `grpc.health.v1.Health`, which says NOT_SERVING at first. Returns the function that changes its answer for `""` and
 * for all `names` together.
 */
export function addHealth(server: Server, names: readonly string[]): (isServing: boolean) => void {
  const all = ['', ...names];
  const health = new HealthImplementation(Object.fromEntries(all.map((name) => [name, 'NOT_SERVING'])));
  health.addToServer(server);
  return (isServing) => {
    for (const name of all) health.setStatus(name, isServing ? 'SERVING' : 'NOT_SERVING');
  };
}
