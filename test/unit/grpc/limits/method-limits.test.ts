import { expect } from 'chai';
import * as services from '../../../../src/gen/index.callhooks.v1.ts';
import { limitsOf } from '../../../../src/grpc/limits/method-limits.ts';
import { createRpcLimit } from '../../../../src/grpc/limits/rpc-limit.ts';
import { CallhooksError } from '../../../../src/errors.ts';

const [READ, WRITE, CALL] = [4 * 1024, 1024 * 1024, 4 * 1024 * 1024];

describe('the limits of a method', () => {
  const rows: Readonly<Record<string, readonly [maxRequestBytes: number, isAdmin: boolean]>> = {
    'AgentAdmin/CreateAgent': [WRITE, true],
    'AgentAdmin/GetAgent': [READ, true],
    'AgentAdmin/ListAgents': [READ, true],
    'AgentAdmin/UpdateAgent': [WRITE, true],
    'AgentAdmin/DeleteAgent': [WRITE, true],
    'WebhookAdmin/CreateWebhook': [WRITE, true],
    'WebhookAdmin/GetWebhook': [READ, true],
    'WebhookAdmin/ListWebhooks': [READ, true],
    'WebhookAdmin/UpdateWebhook': [WRITE, true],
    'WebhookAdmin/DeleteWebhook': [WRITE, true],
    'WebhookAdmin/TestWebhook': [CALL, false],
    'CallLifecycle/OnCallStart': [CALL, false],
    'CallLifecycle/OnCallEnd': [CALL, false],
    'ExecutionLog/GetExecution': [READ, false],
    'ExecutionLog/ListExecutions': [READ, true],
  };
  for (const [name, [maxRequestBytes, isAdmin]] of Object.entries(rows)) {
    it(`are those of DESIGN for ${name}`, () => {
      expect(limitsOf(`/callhooks.v1.${name}`)).to.deep.equal({ maxRequestBytes, isAdmin });
    });
  }

  it('have a row here for every method that there is', () => {
    const { AgentAdminService, WebhookAdminService, CallLifecycleService, ExecutionLogService } = services;
    const all = [AgentAdminService, WebhookAdminService, CallLifecycleService, ExecutionLogService].flatMap(
      (service) =>
        Object.values<{ path: string }>(service).map(({ path }) => path.slice('/callhooks.v1.'.length)),
    );
    expect(new Set(Object.keys(rows))).to.deep.equal(new Set(all));
  });
});

describe('the limit of list and admin RPCs', () => {
  const refused = async (work: Promise<unknown>): Promise<CallhooksError> => {
    const error: unknown = await work.catch((thrown: unknown) => thrown);
    if (error instanceof CallhooksError) return error;
    throw new Error('was not refused');
  };

  it('refuses as LIMIT_REACHED while as many run as are allowed, and has room again whichever way they end', async () => {
    const limit = createRpcLimit(2, 'RPCs');
    const first = Promise.withResolvers<string>();
    const second = Promise.withResolvers<string>();
    const running = [limit(() => first.promise), limit(() => second.promise)];
    let isBegun = false;
    const third = (): Promise<string> =>
      limit(async () => {
        isBegun = true;
        return 'third';
      });
    const { reason, details } = await refused(third());
    expect([reason, details.retryAfterMs]).to.deep.equal(['LIMIT_REACHED', 1_000]);
    expect(isBegun).to.equal(false);
    first.resolve('first');
    expect(await running[0]).to.equal('first');
    expect(await third()).to.equal('third');
    second.reject(new Error('broken'));
    await running[1]?.catch(() => undefined);
    expect(await Promise.all([third(), third()])).to.deep.equal(['third', 'third']);
  });

  it('has room again when work throws at once', async () => {
    const limit = createRpcLimit(1, 'RPCs');
    const thrown: unknown = await limit(() => {
      throw new Error('broken');
    }).catch((error: unknown) => error);
    expect(thrown).to.be.an('error');
    expect(await limit(async () => 'next')).to.equal('next');
  });
});
