import { expect } from 'chai';
import { parseConfig } from '../../../src/config/config.ts';
import { createLogger } from '../../../src/logger.ts';
import { warnIfOpen } from '../../../src/ops/openness.ts';
import { TOKEN_SETTINGS } from '../../support/tokens.ts';

const OUTSIDE = { CALLHOOKS_OPS_LISTEN: '0.0.0.0:9464' };
const OPEN = 'the console is served to other machines without tokens';
const PLAINTEXT = 'the console takes tokens from other machines in plaintext';

describe('warnIfOpen', () => {
  const warningsFor = (env: Readonly<Record<string, string>>): readonly string[] => {
    const lines: string[] = [];
    const destination = {
      write: (line: string) => void lines.push((JSON.parse(line) as { msg: string }).msg),
    };
    const logger = createLogger({ level: 'warn', instance: 'test', pretty: false, destination });
    warnIfOpen(parseConfig(env), logger);
    return lines;
  };

  const cases: [string, Record<string, string>, string[]][] = [
    ['nothing on loopback', {}, []],
    ['nothing on loopback with CALLHOOKS_AUTH=none', { CALLHOOKS_AUTH: 'none' }, []],
    ['nothing where there is no console', OUTSIDE, []],
    ['nothing where tokens come over TLS alone', { ...OUTSIDE, ...TOKEN_SETTINGS }, []],
    ['a console without tokens', { ...OUTSIDE, CALLHOOKS_AUTH: 'none' }, [OPEN]],
    ['tokens in plaintext', { ...OUTSIDE, ...TOKEN_SETTINGS, CALLHOOKS_INSECURE: 'true' }, [PLAINTEXT]],
    [
      'nothing when the console is off',
      { ...OUTSIDE, CALLHOOKS_AUTH: 'none', CALLHOOKS_CONSOLE: 'false' },
      [],
    ],
  ];
  for (const [title, env, expected] of cases)
    it(`warns of ${title}`, () => expect(warningsFor(env)).to.deep.equal(expected));
});
