import { expect } from 'chai';
import { makeAgent, newCall, postTo } from '../support/calls.ts';
import { describeEachEngine } from '../support/engines.ts';
import { startReceiver, type Receiver } from '../support/receiver.ts';
import { startConsoleServer, type ConsoleServer } from './support/console-server.ts';
import { describeInBrowser } from './support/describe-in-browser.ts';

describeEachEngine('The console', (engine) => {
  describeInBrowser('of a server with a call', (open) => {
    let server: ConsoleServer;
    let receiver: Receiver;
    before(async () => {
      receiver = await startReceiver({ body: { full_name: 'Ada' } });
      server = await startConsoleServer({}, engine);
    });
    after(async () => {
      await server.close();
      await receiver.close();
    });

    it('leads from the overview to the execution, its conversation and its agent', async () => {
      const assignments = [{ attributeName: 'name', dynamicVariable: 'customer_name' }];
      const pre = postTo(receiver.url, {}, { assignments });
      const agent = await makeAgent(server.rpc, { variables: { customer_name: 'there' }, pre });
      const call = newCall(agent);
      const { execution } = await server.rpc.calls.onCallStart(call);
      const page = await open(server.origin);
      await page.goto('/console');
      await page.getByRole('link', { name: 'Executions', exact: true }).click();
      await page.locator(`a[href="/console/executions/${execution?.executionUuid}"]`).first().click();
      await page.getByText('full_name').first().waitFor();
      await page.locator(`a[href="/console/conversations/${call.conversationUuid}"]`).first().click();
      await page.getByText('full_name').first().waitFor();
      await page.locator(`a[href^="/console/agents/${agent.agentUuid}"]`).first().click();
      expect(await page.locator('main').textContent()).to.include('customer_name');
    });
  });
});
