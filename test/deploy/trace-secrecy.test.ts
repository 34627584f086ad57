import { expect } from 'chai';
import { PLANTED_SETTINGS, plantedEndpoint, plantedIn, playPlantedCalls } from '../support/planted-calls.ts';
import { startReceiver } from '../support/receiver.ts';
import { startCollector } from './collector.ts';
import { describeWith } from './tools.ts';
import { startTracedServer } from './traced-server.ts';

describeWith(['otelcol'], 'What a collector receives', function () {
  this.timeout(120_000);

  it('has no phone number, path, query, variable, body, header, token or secret in it', async () => {
    const [collector, endpoint] = await Promise.all([startCollector(), startReceiver(plantedEndpoint)]);
    const server = await startTracedServer({
      OTEL_EXPORTER_OTLP_ENDPOINT: collector.httpUrl,
      OTEL_EXPORTER_OTLP_HEADERS: 'x-tenant=zqplantedtenant',
      ...PLANTED_SETTINGS,
    });
    await playPlantedCalls(server.rpc, endpoint, server.port);
    const { exitCode, stdout, stderr } = await server.stop();
    await Promise.all([collector.close(), endpoint.close()]);

    expect(exitCode).to.equal(0);
    const kinds = new Set(
      collector.spans().map(({ name, attributes }) => String(attributes['error.type'] ?? name)),
    );
    expect([...kinds]).to.include.members(['post_call', 'POST', '500', '401', 'PROTOCOL', 'EGRESS_DENIED']);
    expect(plantedIn(`${collector.text()}${stdout}${stderr}`)).to.deep.equal([]);
  });
});
