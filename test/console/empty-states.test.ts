import { expect } from 'chai';
import { startTestApp, type TestApp } from '../support/app.ts';
import { sqliteEngine } from '../support/engines.ts';
import { TOKEN_SETTINGS } from '../support/tokens.ts';
import { consoleClient } from './support/console-client.ts';
import { textOf } from './support/page-text.ts';

describe('Pages of a console with nothing to show, of a server with tokens', () => {
  let app: TestApp;
  before(async () => {
    app = await startTestApp(sqliteEngine()!, TOKEN_SETTINGS);
  });
  after(() => app.close());

  for (const path of ['/console', '/console/agents', '/console/executions'])
    it(`show at ${path} commands that hand over a token`, async () => {
      const client = consoleClient(app.opsAddress);
      await client.logIn('admin');
      const commands = textOf((await client.get(path)).body).match(/grpcurl -.*? -d @ \S+/g) ?? [];
      expect(commands).to.have.length.above(0);
      for (const command of commands)
        expect(command).to.match(
          /^grpcurl -plaintext -H "authorization: Bearer \$\{TOKEN:\?\}" -d @ 127\.0\.0\.1:/,
        );
    });
});
