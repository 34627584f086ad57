/** Makes calls wait until the engine has started. */
export interface Startup {
  /** Lets the waiting calls through, and all later ones. */
  finish(): void;
  /** Binds a command to what it works with. A call of it waits until the engine has started. */
  after<D, Q, C, R>(
    command: (deps: D, request: Q, context: C) => Promise<R>,
    deps: D,
  ): (request: Q, context: C) => Promise<R>;
}

/**
 * Makes the startup. The port is bound before the rows of a dead process are marked interrupted. A call that claimed a row
 * meanwhile would have it marked with them. Such calls come within milliseconds, and their time limits count from their
 * arrival.
 */
export function createStartup(): Startup {
  const { promise, resolve } = Promise.withResolvers<void>();
  return {
    finish: resolve,
    after: (command, deps) => async (request, context) => {
      await promise;
      return command(deps, request, context);
    },
  };
}
