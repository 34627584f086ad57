import { expect } from 'chai';
import { startReceiver, type Receiver } from '../support/receiver.ts';
import type { SceneCall } from './support/calls-of-every-kind.ts';
import { describeInBrowser } from './support/describe-in-browser.ts';
import { planted } from './support/planted.ts';
import { plantedParts, plantedPlaces } from './support/planted-parts.ts';
import { useScene } from './support/use-scene.ts';

describeInBrowser('Markup that somebody puts into a trial, or that comes back,', (open) => {
  const scene = useScene();
  let receiver: Receiver;
  before(async () => {
    receiver = await startReceiver({ body: { [planted('key')]: planted('answer') } });
  });
  after(() => receiver.close());

  const configOf = (url: string) =>
    JSON.stringify({
      api_schema: { url, method: 'POST', request_body: { note: `${planted('body')} {{text}}` } },
      assignments: [{ attribute_name: 'name', dynamic_variable: 'answer' }],
    });
  const openForm = async (config: string) => {
    const { agentUuid } = scene().calls.get('planted') as SceneCall;
    const page = await open(scene().server.origin);
    await page.goto(`/console/try?agent=${agentUuid}&type=pre_call&edit=1`);
    await page.getByLabel('Configuration (webhook_config)').fill(config);
    return page;
  };

  it('is text beside the request and beside the answer', async () => {
    const page = await openForm(configOf(receiver.url));
    await page.getByLabel('Dynamic variables').fill(`text=${planted('given')}`);
    await page.getByRole('button', { name: 'Render the request' }).click();
    await page.getByText('rendered, not sent').waitFor();
    expect(await plantedPlaces(page)).to.include.all.keys('body', 'given');
    expect(await plantedParts(page)).to.deep.equal([]);
    await page.getByRole('button', { name: 'Send it once' }).click();
    await page.getByText('HTTP 200').waitFor();
    expect(receiver.requests.at(-1)?.body).to.include('given<planted-el>');
    expect(await plantedPlaces(page)).to.include.all.keys('body', 'given', 'key', 'answer');
    expect(await plantedParts(page)).to.deep.equal([]);
  });

  it('is text in fields and in what is wrong with them', async () => {
    const page = await openForm(configOf(planted('nourl')));
    await page.getByLabel('Metadata').fill(planted('metadata'));
    await page.getByLabel("Caller's number").fill(planted('phone'));
    await page.getByRole('button', { name: 'Render the request' }).click();
    await page.getByRole('alert').waitFor();
    expect(await plantedPlaces(page)).to.include.all.keys('nourl', 'metadata', 'phone');
    expect(await plantedParts(page)).to.deep.equal([]);
  });
});
