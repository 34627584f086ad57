import { readFileSync } from 'node:fs';
import { expect } from 'chai';

const read = (path: string): string => readFileSync(new URL(`../../../${path}`, import.meta.url), 'utf8');

interface MethodConfig {
  readonly name: readonly { readonly method: string }[];
  /** A stream has none. */
  readonly timeout?: string;
  readonly retryPolicy?: { readonly maxAttempts: number; readonly retryableStatusCodes: readonly string[] };
}

const { methodConfig } = JSON.parse(read('deploy/service-config.json')) as {
  readonly methodConfig: readonly MethodConfig[];
};
const page = read('docs/clients.md');

/** What the page says of each method. */
function documented(): Map<string, object> {
  const rows = page.matchAll(/^\| ((?:`\w+`(?:, )?)+) \| (\d+ s|none) \| (\d) \| (.*?) \| .*\|$/gm);
  return new Map(
    [...rows].flatMap(([, methods = '', timeout, attempts, codes = '']) =>
      Array.from(
        methods.matchAll(/\w+/g),
        ([method]) =>
          [
            method,
            {
              timeout: timeout?.replace(' ', ''),
              attempts: Number(attempts),
              codes: codes.match(/\w+/g) ?? [],
            },
          ] as const,
      ),
    ),
  );
}

describe('docs/clients.md', () => {
  it('says of each RPC which deadline and retries the service config gives it', () => {
    const configured = methodConfig.flatMap(({ name, timeout, retryPolicy }) =>
      name.map(
        ({ method }) =>
          [
            method,
            {
              timeout: timeout ?? 'none',
              attempts: retryPolicy?.maxAttempts ?? 1,
              codes: retryPolicy?.retryableStatusCodes ?? [],
            },
          ] as const,
      ),
    );
    expect(documented()).to.deep.equal(new Map(configured));
  });

  it('says how long a client waits between the attempts of a start', () => {
    const { retryPolicy } = JSON.parse(read('deploy/service-config.json')).methodConfig[0];
    const first = Number.parseFloat(retryPolicy.initialBackoff);
    const waits = [1, 2, 3].map((attempt) => first * retryPolicy.backoffMultiplier ** (attempt - 1));
    expect(page).to.include(waits.map((wait) => `${Number(wait.toFixed(2))} s`).join(', '));
  });
});
