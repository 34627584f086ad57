/**
 * Runs a command with DATABASE_URL set to a fresh database on a private MariaDB, and with an encryption key. The server and
 * its data are removed when the command ends.
 *
 *   tools/node/with-node.sh node test/tools/with-mariadb.ts node src/main.ts serve
 */
import { spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { createConnection } from 'mysql2/promise';
import { startMariadb } from '../support/mariadb.ts';

const [command, ...args] = process.argv.slice(2);
if (command === undefined) throw new Error('usage: node test/tools/with-mariadb.ts COMMAND [ARGUMENT…]');

const server = await startMariadb();
const connection = await createConnection(server.url(''));
await connection.query('CREATE DATABASE callhooks');
await connection.end();
console.error(`DATABASE_URL=${server.url('callhooks')}`);

const child = spawn(command, args, {
  stdio: 'inherit',
  env: {
    CALLHOOKS_ENCRYPTION_KEYS: `trial:${randomBytes(32).toString('base64')}`,
    CALLHOOKS_MIGRATE: 'true',
    ...process.env,
    DATABASE_URL: server.url('callhooks'),
  },
});
// Ctrl-C reaches the command by itself. SIGTERM reaches this process alone, so it is passed on.
process.on('SIGINT', () => {});
process.on('SIGTERM', () => child.kill('SIGTERM'));
const [code] = (await once(child, 'exit')) as [number | null];
await server.stop();
process.exitCode = code ?? 1;
