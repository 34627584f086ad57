import type { DatabaseHealth } from './database-health.ts';

type Statement = (...values: readonly unknown[]) => Promise<unknown>;

/** The same store, but how each of its statements ends is known to `health`. */
export const watched = <Store extends object>(store: Store, health: DatabaseHealth): Store => {
  const watch = ([name, statement]: [string, Statement]): [string, Statement] => [
    name,
    (...values) => health.watch(() => statement(...values)),
  ];
  return Object.fromEntries(
    Object.entries<Statement>(store as Record<string, Statement>).map(watch),
  ) as Store;
};
