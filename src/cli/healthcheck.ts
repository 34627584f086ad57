import { readFileSync } from 'node:fs';
import { toListenAddress } from '../config/listen-address.ts';
import type { HealthAnswer, HealthTarget } from './client/ask-health.ts';
import { CommandError, defineCommand, UsageError } from './frame/command.ts';
import { EXIT } from './frame/exit-codes.ts';

const TIMEOUT_MS = 2_000;
const MAX_SERVICE_BYTES = 127;

type Environment = Readonly<Record<string, string | undefined>>;

/** Asks the server on this machine whether it serves. */
export const healthcheck = defineCommand({
  usage: '[--service NAME] [--address HOST:PORT]',
  about: `Asks the server that runs with the same environment whether it serves (grpc.health.v1), and waits for the answer for
two seconds. It is for the health check of a container, where no other tool is at hand.

It asks the port of CALLHOOKS_HEALTH_LISTEN if there is one, else the one of CALLHOOKS_LISTEN. With TLS it trusts the
certificate in CALLHOOKS_TLS_CERT_FILE alone, whatever names are in it. Where clients need a certificate
(CALLHOOKS_TLS_CLIENT_CA_FILE), it needs the health port.`,
  options: {
    service: {
      value: 'NAME',
      help: 'a service such as callhooks.v1.CallLifecycle, instead of the whole server',
    },
    address: {
      value: 'HOST:PORT',
      help: 'the address of a plaintext port, instead of the one in the environment',
    },
  },
  variables: {
    CALLHOOKS_HEALTH_LISTEN: 'the port that is asked, unless it is off',
    CALLHOOKS_LISTEN: 'the port that is asked otherwise (127.0.0.1:50051)',
    CALLHOOKS_TLS_CERT_FILE: 'the certificate of that port',
  },
  examples: ['callhooks healthcheck', 'callhooks healthcheck --service callhooks.v1.CallLifecycle'],
  exitCodes: {
    0: 'it serves',
    1: 'it does not serve',
    64: 'the command line is wrong',
    69: 'it gave no answer',
    78: 'the environment does not say whom to ask',
  },
  async run({ options: { service = '', address } }, shell) {
    if (Buffer.byteLength(service) > MAX_SERVICE_BYTES) throw new UsageError('--service is too long');
    const target = address === undefined ? healthTarget(shell.env) : toTarget(address);
    const { askHealth } = await import('./client/ask-health.ts');
    let answer: HealthAnswer;
    try {
      answer = await askHealth(target, service, TIMEOUT_MS);
    } catch (error) {
      const { code, message } = error as NodeJS.ErrnoException;
      throw new CommandError(`${target.address} gives no answer: ${code ?? message}`, EXIT.unavailable);
    }
    shell.print(`${answer}\n`);
    return answer === 'SERVING' ? EXIT.done : EXIT.no;
  },
});

/** Returns whom to ask, as the environment of the server says. @throws CommandError if it does not say it */
export function healthTarget(env: Environment): HealthTarget {
  const read = (name: string): string => env[name]?.trim() ?? '';
  const health = read('CALLHOOKS_HEALTH_LISTEN');
  if (health !== '' && health !== 'off')
    return { address: reachable('CALLHOOKS_HEALTH_LISTEN', health), certificate: undefined };
  const address = reachable('CALLHOOKS_LISTEN', read('CALLHOOKS_LISTEN') || '127.0.0.1:50051');
  const file = read('CALLHOOKS_TLS_CERT_FILE');
  if (file === '') return { address, certificate: undefined };
  if (read('CALLHOOKS_TLS_CLIENT_CA_FILE') !== '')
    throw new CommandError(
      'clients need a certificate (CALLHOOKS_TLS_CLIENT_CA_FILE): set CALLHOOKS_HEALTH_LISTEN, and the health is asked there',
      EXIT.config,
    );
  return { address, certificate: readCertificate(file) };
}

function toTarget(address: string): HealthTarget {
  try {
    return { address: toListenAddress(address).address, certificate: undefined };
  } catch (error) {
    throw new UsageError(`--address ${(error as RangeError).message}`, { cause: error });
  }
}

// A server that listens on every address listens on loopback too.
function reachable(name: string, text: string): string {
  let address: string;
  try {
    ({ address } = toListenAddress(text));
  } catch (error) {
    throw new CommandError(`${name} ${(error as RangeError).message}`, EXIT.config);
  }
  if (address.endsWith(':0'))
    throw new CommandError(`${name}=${address} means a free port: only the log says which one`, EXIT.config);
  return address.replace(/^0\.0\.0\.0:/, '127.0.0.1:').replace(/^\[::\]:/, '[::1]:');
}

function readCertificate(file: string): string {
  try {
    return readFileSync(file, 'utf8');
  } catch (error) {
    const { code = 'unreadable' } = error as NodeJS.ErrnoException;
    throw new CommandError(`CALLHOOKS_TLS_CERT_FILE can't be read (${code}): ${file}`, EXIT.config);
  }
}
