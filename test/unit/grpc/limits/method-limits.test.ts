import { expect } from 'chai';
import * as services from '../../../../src/gen/index.callhooks.v1.ts';
import { limitsOf } from '../../../../src/grpc/limits/method-limits.ts';

const [READ, WRITE, CALL] = [4 * 1024, 1024 * 1024, 4 * 1024 * 1024];

describe('limitsOf', () => {
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
    it(`returns the limits of ${name}`, () => {
      expect(limitsOf(`/callhooks.v1.${name}`)).to.deep.equal({
        maxRequestBytes,
        isAdmin,
        isRead: maxRequestBytes === READ,
      });
    });
  }

  it('has a row here for every method of the API', () => {
    const { AgentAdminService, WebhookAdminService, CallLifecycleService, ExecutionLogService } = services;
    const all = [AgentAdminService, WebhookAdminService, CallLifecycleService, ExecutionLogService].flatMap(
      (service) =>
        Object.values<{ path: string }>(service).map(({ path }) => path.slice('/callhooks.v1.'.length)),
    );
    expect(new Set(Object.keys(rows))).to.deep.equal(new Set(all));
  });
});
