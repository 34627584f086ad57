import { expect } from 'chai';
import { CallhooksError, type Reason } from '../../../src/errors.ts';
import {
  readConversation,
  readExecution,
  statusOfRefusal,
  type ReadingApi,
} from '../../../src/explain/read-conversation.ts';
import {
  Agent,
  AgentAdminService,
  Execution,
  ExecutionLogService,
  type ListExecutionsRequest,
} from '../../../src/gen/index.callhooks.v1.ts';

type Answer = (request: any) => object;

const refuse =
  (reason: Reason): Answer =>
  () => {
    throw new CallhooksError(reason, 'refused');
  };
const execution = (executionUuid: string, acceptedAtMs: number) =>
  Execution.fromPartial({
    executionUuid,
    agentUuid: 'a',
    webhookUuid: 'w',
    webhookEtag: 'e1',
    acceptedAt: new Date(acceptedAtMs),
  });
const EXECUTIONS = [execution('late', 2), execution('early', 1)];

/** Makes an API that answers by tables, and writes down what it was asked. */
function scriptedApi(more: Readonly<Record<string, Answer>> = {}) {
  const answers: Readonly<Record<string, Answer>> = {
    [ExecutionLogService.listExecutions.path]: () => ({ executions: EXECUTIONS, nextPageToken: '' }),
    [ExecutionLogService.getExecution.path]: ({ executionUuid }) => ({
      execution: EXECUTIONS.find((each) => each.executionUuid === executionUuid),
    }),
    [AgentAdminService.getAgent.path]: () => ({
      agent: Agent.fromPartial({ webhooks: [{ webhookUuid: 'w', etag: 'e1' }] }),
    }),
    ...more,
  };
  const asked: string[] = [];
  const api: ReadingApi = {
    call: async ({ path }, request) => {
      asked.push(path);
      return (answers[path] as Answer)(request) as never;
    },
    statusOf: statusOfRefusal,
  };
  return { api, asked };
}

describe('readConversation', () => {
  it('returns the executions in the order of their accepts, and reads their agent once', async () => {
    const { api, asked } = scriptedApi();
    const read = await readConversation(api, 'c');
    expect(read.map((each) => [each.execution.executionUuid, each.today.state])).to.deep.equal([
      ['early', 'same'],
      ['late', 'same'],
    ]);
    expect(asked.filter((path) => path === AgentAdminService.getAgent.path)).to.have.length(1);
  });

  it('reads on behind an empty page', async () => {
    const list = ({ pageToken }: ListExecutionsRequest) =>
      pageToken === ''
        ? { executions: [], nextPageToken: 'more' }
        : { executions: EXECUTIONS, nextPageToken: '' };
    const { api } = scriptedApi({ [ExecutionLogService.listExecutions.path]: list });
    expect(await readConversation(api, 'c')).to.have.length(2);
  });

  it('returns nothing when there is none', async () => {
    const list = () => ({ executions: [], nextPageToken: '' });
    const { api } = scriptedApi({ [ExecutionLogService.listExecutions.path]: list });
    expect(await readConversation(api, 'c')).to.deep.equal([]);
  });

  it('leaves out an execution that was removed after the list was read', async () => {
    const { api } = scriptedApi({ [ExecutionLogService.getExecution.path]: refuse('EXECUTION_NOT_FOUND') });
    expect(await readConversation(api, 'c')).to.deep.equal([]);
  });

  it('throws the refusal of a list', async () => {
    const { api } = scriptedApi({ [ExecutionLogService.listExecutions.path]: refuse('VALIDATION_FAILED') });
    expect(statusOfRefusal(await readConversation(api, 'c').catch((error: unknown) => error))).to.equal(
      'INVALID_ARGUMENT',
    );
  });
});

describe('readExecution', () => {
  const rows: [title: string, answer: Answer, state: string][] = [
    ['an agent that was deleted', refuse('AGENT_NOT_FOUND'), 'agent deleted'],
    ['an agent that may not be read', refuse('ROLE_NOT_ALLOWED'), 'not allowed'],
    ['an agent without the webhook', () => ({ agent: Agent.fromPartial({}) }), 'webhook deleted'],
    [
      'another revision of the webhook',
      () => ({ agent: Agent.fromPartial({ webhooks: [{ webhookUuid: 'w', etag: 'e2' }] }) }),
      'changed',
    ],
  ];
  for (const [title, answer, state] of rows) {
    it(`says "${state}" for ${title}`, async () => {
      const { api } = scriptedApi({ [AgentAdminService.getAgent.path]: answer });
      expect((await readExecution(api, 'early')).today.state).to.equal(state);
    });
  }

  it('throws NOT_FOUND for an execution that is not on record', async () => {
    const { api } = scriptedApi({ [ExecutionLogService.getExecution.path]: refuse('EXECUTION_NOT_FOUND') });
    const error = await readExecution(api, 'x').catch((thrown: unknown) => thrown);
    expect(api.statusOf(error)).to.equal('NOT_FOUND');
  });
});

describe('statusOfRefusal', () => {
  it('returns undefined for an error that is no refusal', () => {
    expect(statusOfRefusal(new Error('x'))).to.equal(undefined);
  });
});
