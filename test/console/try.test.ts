import { expect } from 'chai';
import { startTestApp, type TestApp } from '../support/app.ts';
import { makeAgent, type CallAgent } from '../support/calls.ts';
import { sqliteEngine } from '../support/engines.ts';
import { startReceiver, type Receiver } from '../support/receiver.ts';
import { NOBODY } from '../support/samples.ts';
import { consoleClient, type ConsoleClient } from './support/console-client.ts';

const PLANTED = `"'></textarea><planted-el></planted-el><script>planted=1</script>`;

describe('The page that tries a webhook', () => {
  let app: TestApp;
  let endpoint: Receiver;
  let agent: CallAgent;
  let client: ConsoleClient;

  before(async () => {
    app = await startTestApp(sqliteEngine()!, { CALLHOOKS_EGRESS_ALLOW: '127.0.0.0/8' });
    endpoint = await startReceiver();
    client = consoleClient(app.opsAddress);
    agent = await makeAgent(app.rpc, {
      variables: { customer_name: 'there', plan: 'unknown' },
      secrets: { CRM_TOKEN: 'crm-token' },
      pre: {
        apiSchema: {
          url: `${endpoint.url}/lookup`,
          method: 'POST',
          requestHeaders: {
            Authorization: 'Bearer {{secret.CRM_TOKEN}}',
            'x-direction': '{{metadata.direction}}',
          },
          requestBody: { phone: '{{caller_phone}}', plan: '{{plan}}' },
        },
        assignments: [
          { attributeName: 'customer.plan', dynamicVariable: 'plan' },
          { attributeName: 'customer.name', dynamicVariable: 'customer_name' },
        ],
      },
      post: {
        apiSchema: {
          url: `${endpoint.url}/calls`,
          method: 'POST',
          requestBody: { secs: '{{call_duration}}' },
        },
      },
    });
  });
  beforeEach(() => endpoint.respond({ body: { customer: { plan: 'gold', fullName: 'Ada' } } }));
  after(async () => {
    await app.close();
    await endpoint.close();
  });

  const submit = (form: Readonly<Record<string, string>>) =>
    client.post('/console/try', form, { page: '/console/try' });
  const stored = () => ({ webhook_uuid: agent.pre?.webhookUuid ?? '' });

  /** Renders a form and returns the fields of the form that sends it. */
  const sendFormOf = async (form: Readonly<Record<string, string>>) => {
    const { body } = await submit(form);
    const field = (name: string) => new RegExp(`name="${name}" value="([^"]+)"`).exec(body)?.[1] ?? '';
    return { ...form, send_key: field('send_key'), agent_etag: field('agent_etag') };
  };

  it('offers the webhooks of the agents when none is named', async () => {
    const { status, body } = await client.get('/console/try');
    expect(status).to.equal(200);
    expect(body).to.include(`/console/try?webhook=${agent.pre?.webhookUuid}`);
    expect(body).to.include(`/console/try?webhook=${agent.post?.webhookUuid}`);
  });

  it('shows a stored webhook with its configuration, and secrets as the API shows them', async () => {
    const { body } = await client.get(`/console/try?webhook=${agent.pre?.webhookUuid}`);
    expect(body).to.include(`POST ${endpoint.url}/lookup`);
    expect(body).to.include('{{secret.CRM_TOKEN}}');
    expect(body).not.to.include('crm-token');
    const edited = await client.get(`/console/try?webhook=${agent.pre?.webhookUuid}&edit=1`);
    expect(edited.body).to.match(/<textarea[^>]*name="webhook_config"[^>]*>\s*\{\s+&quot;api_schema&quot;/);
  });

  it('answers 404 for a webhook that does not exist, with the form', async () => {
    const { status, body } = await client.get(`/console/try?webhook=${NOBODY}`);
    expect(status).to.equal(404);
    expect(body).to.include(`there is no webhook ${NOBODY}`);
    expect(body).to.include('Render the request');
  });

  it('renders the request of a call, says what has no value, and sends nothing', async () => {
    const before = endpoint.requests.length;
    const { status, body, headers } = await submit({
      ...stored(),
      caller_phone: '+14155550123',
      dynamic_variables: 'plan=silver',
    });
    expect(status).to.equal(200);
    expect(headers['cache-control']).to.equal('no-store');
    expect(body)
      .to.include('rendered, not sent')
      .and.include('Nothing has been sent.')
      .and.include('Send it once');
    expect(body).to.include('+14155550123').and.include('silver').and.include('{{metadata.direction}}');
    expect(endpoint.requests).to.have.length(before);
  });

  it('sends in a second step: the answer, what is assigned, and what stood where nothing was found', async () => {
    const form = await sendFormOf({ ...stored(), caller_phone: '+14155550123' });
    const before = endpoint.requests.length;
    const { status, body } = await submit(form);
    expect(status).to.equal(200);
    expect(endpoint.requests.slice(before).map(({ headers }) => headers['callhooks-test'])).to.deep.equal([
      'true',
    ]);
    expect(endpoint.requests.at(-1)?.body).to.include('+14155550123');
    expect(body).to.include('HTTP 200').and.include('Would be assigned').and.include('&quot;gold&quot;');
    expect(body)
      .to.include('<code>customer</code> is an object with the keys')
      .and.include('<code>fullName</code>');
    expect(body).to.include('PROCEED').and.include('first byte');
    expect(body).not.to.include('Send it once');
  });

  it('sends once when the page is loaded again, or the button is pressed twice', async () => {
    const form = await sendFormOf(stored());
    const before = endpoint.requests.length;
    const answers = await Promise.all([submit(form), submit(form)]);
    const again = await submit(form);
    expect(endpoint.requests).to.have.length(before + 1);
    for (const { body } of [...answers, again]) expect(body).to.include('HTTP 200');
    expect(again.body).to.include('This is the answer to that');
  });

  it('sends nothing when the agent was changed after the request had been rendered', async () => {
    const form = await sendFormOf(stored());
    const before = endpoint.requests.length;
    const { agentUuid } = agent;
    await app.rpc.agents.updateAgent({
      agent: { agentUuid, displayName: 'Other' },
      updateMask: ['display_name'],
    });
    const { status, body } = await submit(form);
    expect(status).to.equal(409);
    expect(body).to.include('the agent was changed after the request had been rendered');
    expect(endpoint.requests).to.have.length(before);
  });

  it('shows an answer that takes longer than the port keeps an idle connection', async function () {
    this.timeout(30_000);
    endpoint.respond({ delayMs: 10_500, body: { customer: {} } });
    const config = { api_schema: { url: `${endpoint.url}/slow`, method: 'GET' }, response_timeout_secs: 20 };
    const form = await sendFormOf({ ...stored(), webhook_config: JSON.stringify(config) });
    const { status, body } = await submit(form);
    expect(status).to.equal(200);
    expect(body).to.include('HTTP 200');
  });

  it('says why a sent test failed', async () => {
    endpoint.respond({ status: 500, body: { error: 'down' } });
    const { body } = await submit(await sendFormOf(stored()));
    expect(body)
      .to.include('HTTP_STATUS')
      .and.include('HTTP 500')
      .and.include('degraded')
      .and.include('failure_policy');
  });

  it('shows all violations at once, at their controls, with what was put in, and sends nothing', async () => {
    const config = '{\n "api_schema": {\n  "url": "htp://x",\n  "method": "FETCH"\n }\n}';
    const before = endpoint.requests.length;
    const { status, body } = await submit({
      ...stored(),
      webhook_config: config,
      metadata: '{nope',
      conversation_uuid: '123',
      caller_phone: '+1',
      send_key: '01a2222b-0382-7611-b78e-790dc3ade55e',
    });
    expect(status).to.equal(400);
    expect(body).to.include('4 things are to be mended').and.include('href="#try-conversation-uuid"');
    expect(body).to.match(/webhook_config\.api_schema\.url<\/code> must be[^<]*<span class="dim">\(line 3\)/);
    for (const control of ['webhook-config', 'metadata', 'conversation-uuid'])
      expect(body).to.match(
        new RegExp(
          `id="try-${control}"[^>]*aria-describedby="[^"]*try-${control}-problems"[^>]*aria-invalid="true"`,
        ),
      );
    expect(body).to.include('&quot;htp://x&quot;').and.include('{nope').and.include('value="+1"');
    expect(endpoint.requests).to.have.length(before);
  });

  it('finds the stored webhook of an agent by its type, and takes the end of a call', async () => {
    const { status, body } = await submit({
      ...{
        agent_uuid: agent.agentUuid,
        webhook_type: 'post_call',
        call_duration: '142.5',
        call_summary: 'All is well.',
      },
    });
    expect(status).to.equal(200);
    expect(body).to.include(`${endpoint.url}/calls`).and.include('142.5');
  });

  it('names what is missing in an empty form', async () => {
    const { status, body } = await submit({});
    expect(status).to.equal(400);
    for (const field of ['agent_uuid', 'webhook_type', 'webhook_config'])
      expect(body).to.include(`<code>${field}</code>`);
  });

  it('shows markup that was put in, or that came back, as text', async () => {
    endpoint.respond({
      body: { customer: { [PLANTED]: PLANTED, plan: PLANTED } },
      headers: { 'x-planted': PLANTED },
    });
    const form = await sendFormOf({
      ...stored(),
      dynamic_variables: JSON.stringify({ plan: PLANTED }),
      metadata: JSON.stringify({ direction: 'a', [PLANTED]: PLANTED }),
      caller_phone: PLANTED,
    });
    const pages = [await submit({ ...form, send_key: PLANTED }), await submit(form)];
    pages.push(await submit({ ...form, metadata: PLANTED, webhook_uuid: PLANTED, agent_uuid: PLANTED }));
    for (const { body } of pages) {
      expect(body).to.include('&lt;planted-el&gt;');
      expect(body).not.to.include('<planted-el>');
    }
    expect(pages[1]?.body).to.include('HTTP 200');
  });

  it('is refused without the token of the form, and sends nothing', async () => {
    const form = await sendFormOf(stored());
    const before = endpoint.requests.length;
    expect((await client.post('/console/try', { ...form, csrf: 'made-up' })).status).to.equal(403);
    expect(endpoint.requests).to.have.length(before);
  });
});
