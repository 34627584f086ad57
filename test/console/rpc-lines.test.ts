import { expect } from 'chai';
import { startTestApp, type TestApp } from '../support/app.ts';
import { sqliteEngine } from '../support/engines.ts';
import { until } from '../support/until.ts';

const NOBODY = '00000000-0000-4000-8000-000000000001';

describe('The log line of an RPC that a page makes', () => {
  let app: TestApp;
  before(async () => {
    app = await startTestApp(sqliteEngine()!);
  });
  after(() => app.close());

  const linesOf = (rpc: string) => app.logLines.filter((line) => line['rpc'] === `callhooks.v1.${rpc}`);

  it('says that the console asked, who, and how it ended', async () => {
    await fetch(`http://${app.opsAddress}/console/executions`);
    const [line, ...more] = linesOf('ExecutionLog/ListExecutions');
    expect(more).to.have.length(0);
    expect(line).to.include({ msg: 'rpc', level: 'info', code: 'OK', via: 'console' });
    expect(line).to.include.keys('request_id', 'duration_ms', 'peer');
  });

  it('has the reason of a refusal', async () => {
    await fetch(`http://${app.opsAddress}/console/executions/${NOBODY}`);
    const lines = linesOf('ExecutionLog/GetExecution');
    expect(lines).to.have.length(1);
    expect(lines[0]).to.include({ code: 'NOT_FOUND', reason: 'EXECUTION_NOT_FOUND', via: 'console' });
  });

  it('comes once for a live list, as CANCELLED, when its browser has left', async () => {
    const leaving = new AbortController();
    await fetch(`http://${app.opsAddress}/console/executions/live`, { signal: leaving.signal });
    leaving.abort();
    const lines = () => linesOf('ExecutionLog/WatchExecutions');
    await until('the line of the live list', () => lines().length > 0);
    expect(lines()).to.have.length(1);
    expect(lines()[0]).to.include({ code: 'CANCELLED', via: 'console' });
  });
});
