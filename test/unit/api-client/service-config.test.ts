import { readFileSync } from 'node:fs';
import { expect } from 'chai';
import { CHANNEL_CONFIG, DEADLINES } from '../../../src/api-client/service-config.ts';

const read = (path: string): string => readFileSync(new URL(`../../../${path}`, import.meta.url), 'utf8');
const FILE = 'deploy/service-config.json';
const WATCH = '/callhooks.v1.ExecutionLog/WatchExecutions';
const COPIES = ['gen/go/callhooks/service-config.json', 'clients/python/src/callhooks/service-config.json'];

interface MethodConfig {
  readonly name: readonly { readonly service: string; readonly method: string }[];
  readonly timeout?: string;
  readonly retryPolicy?: { readonly maxAttempts: number; readonly retryableStatusCodes: readonly string[] };
}

const CONFIG = JSON.parse(read(FILE)) as { readonly methodConfig: readonly MethodConfig[] };

/** The methods of the proto files by their paths, with the level of idempotency that they declare. */
const METHODS = new Map(
  ['agent_admin', 'call_lifecycle', 'execution_log', 'webhook_admin'].flatMap((name) => {
    const source = read(`proto/callhooks/v1/${name}.proto`);
    const service = /^service (\w+)/m.exec(source)?.[1];
    const methods = source.matchAll(
      /^ {2}rpc (\w+)\([^)]*\) returns \((?:stream )?\w+\)(?:;| \{\n *option idempotency_level = (\w+))/gm,
    );
    return Array.from(
      methods,
      ([, method, level = 'UNKNOWN']) => [`/callhooks.v1.${service}/${method}`, level] as const,
    );
  }),
);

const configOf = (path: string): MethodConfig[] =>
  CONFIG.methodConfig.filter(({ name }) =>
    name.some(({ service, method }) => `/${service}/${method}` === path),
  );

describe('deploy/service-config.json', () => {
  it('has one entry for each method of callhooks, with a timeout unless it is a stream', () => {
    expect([...METHODS.keys()]).to.have.lengthOf(16);
    const single = [...METHODS.keys()].filter((path) => path !== WATCH);
    expect(Object.keys(DEADLINES)).to.have.members(single);
    for (const path of METHODS.keys()) expect(configOf(path), path).to.have.lengthOf(1);
    for (const path of single) expect(configOf(path)[0]?.timeout, path).to.match(/^\d+s$/);
    expect(configOf(WATCH)[0]).not.to.have.property('timeout');
  });

  it('repeats after UNAVAILABLE what the proto files call idempotent or free of side effects, and nothing else', () => {
    for (const [path, level] of METHODS) {
      const codes = configOf(path)[0]?.retryPolicy?.retryableStatusCodes ?? [];
      expect(codes.includes('UNAVAILABLE'), path).to.equal(level !== 'UNKNOWN');
    }
  });

  it('repeats after RESOURCE_EXHAUSTED, when nothing was recorded, everything but a test', () => {
    for (const path of METHODS.keys()) {
      const codes = configOf(path)[0]?.retryPolicy?.retryableStatusCodes ?? [];
      expect(codes.includes('RESOURCE_EXHAUSTED'), path).to.equal(!path.endsWith('/TestWebhook'));
      expect(codes.length, path).to.be.at.most(2);
    }
  });

  it('asks for at most five attempts, because gRPC makes no more', () => {
    for (const { retryPolicy } of CONFIG.methodConfig)
      expect(retryPolicy?.maxAttempts ?? 2).to.be.within(2, 5);
  });

  it('gives the client its deadlines, and the channel everything else', () => {
    expect(DEADLINES).to.include({
      '/callhooks.v1.CallLifecycle/OnCallStart': 15_000,
      '/callhooks.v1.WebhookAdmin/TestWebhook': 65_000,
    });
    const [start] = (JSON.parse(CHANNEL_CONFIG) as typeof CONFIG).methodConfig;
    const { timeout: _, ...expected } = CONFIG.methodConfig[0] as MethodConfig;
    expect(start).to.deep.equal(expected);
  });

  for (const copy of COPIES) {
    it(`is the same as ${copy}`, () => {
      expect(read(copy)).to.equal(read(FILE));
    });
  }
});
