import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { chmodSync, copyFileSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { freePort } from '../support/free-port.ts';
import { until } from '../support/until.ts';
import { TOOLS } from './tools.ts';

/** The user that each proxy knows. The password has characters that a URL encodes. */
export const USER = 'callhooks';
export const PASSWORD = 'p@ss:w/rd%';
/** The password of tinyproxy, which takes letters and digits alone. */
export const PLAIN_PASSWORD = 'password1';
/** The hash of {@link PASSWORD} as squid's helper reads it, made with `openssl passwd -apr1`. */
const PASSWORD_HASH = '$apr1$callhook$XXQyYGLX2HWBcugRSdNLD0';
/** squid refuses tunnels to this host; to the others of its hosts file it makes them. */
export const REFUSED_HOST = 'refused.wild.example';

/** A forward proxy of another project, on free ports of 127.0.0.1. */
export interface ProxyProgram {
  /** The port that speaks plaintext, and with squid the one that speaks TLS. */
  readonly port: number;
  readonly tlsPort: number;
  /** Returns what it has logged so far. */
  log(): string;
  /** Lets it stand still, until it is ended. */
  freeze(): void;
  /** Ends it at once, with all its tunnels. */
  kill(): Promise<void>;
  /** Ends it, and removes its files. */
  stop(): Promise<void>;
}

/** Starts squid. It knows one user, makes tunnels to any port, and resolves names by a hosts file of its own. */
export async function startSquid(): Promise<ProxyProgram> {
  const [port, tlsPort] = [await freePort(), await freePort()];
  const folder = sharedFolder();
  const unpacked = join(TOOLS.squid, '../../..');
  const file = (name: string, text: string): string => {
    const path = join(folder, name);
    writeFileSync(path, text);
    return path;
  };
  for (const name of ['endpoint.pem', 'endpoint.key']) {
    copyFileSync(certFile(name), join(folder, name));
    chmodSync(join(folder, name), 0o644);
  }
  const settings = file(
    'squid.conf',
    [
      `http_port 127.0.0.1:${port}`,
      `https_port 127.0.0.1:${tlsPort} tls-cert=${folder}/endpoint.pem tls-key=${folder}/endpoint.key`,
      `hosts_file ${file('hosts', `127.0.0.1 endpoint.example a.wild.example ${REFUSED_HOST}\n`)}`,
      'dns_nameservers 127.0.0.1',
      `auth_param basic program ${unpacked}/usr/lib/squid/basic_ncsa_auth ${file('users', `${USER}:${PASSWORD_HASH}\n`)}`,
      'auth_param basic children 1',
      'acl known proxy_auth REQUIRED',
      `acl refused dstdomain ${REFUSED_HOST}`,
      'http_access deny !known',
      'http_access deny refused',
      'http_access allow CONNECT',
      'http_access deny all',
      `access_log stdio:${folder}/log`,
      'cache_log /dev/null',
      'cache deny all',
      'cache_mem 8 MB',
      'pid_filename none',
      'netdb_filename none',
      'pinger_enable off',
      'shutdown_lifetime 0 seconds',
      'visible_hostname squid.example',
      `coredump_dir ${folder}`,
      `mime_table ${unpacked}/usr/share/squid/mime.conf`,
      `icon_directory ${unpacked}/usr/share/squid/icons`,
      `error_directory ${unpacked}/usr/share/squid-langpack/templates`,
      `unlinkd_program ${unpacked}/usr/lib/squid/unlinkd`,
      `logfile_daemon ${unpacked}/usr/lib/squid/log_file_daemon`,
    ].join('\n'),
  );
  return startProgram(TOOLS.squid, ['-N', '-f', settings], { folder, port, tlsPort });
}

/** Starts tinyproxy. It knows one user, and makes tunnels to one port alone. */
export async function startTinyproxy(allowedPort: number): Promise<ProxyProgram> {
  const port = await freePort();
  const folder = sharedFolder();
  const settings = join(folder, 'tinyproxy.conf');
  writeFileSync(
    settings,
    [
      'Listen 127.0.0.1',
      `Port ${port}`,
      `BasicAuth ${USER} ${PLAIN_PASSWORD}`,
      `ConnectPort ${allowedPort}`,
      `LogFile "${folder}/log"`,
      'LogLevel Connect',
      'MaxClients 50',
      'Timeout 60',
      '',
    ].join('\n'),
  );
  return startProgram(TOOLS.tinyproxy, ['-d', '-c', settings], { folder, port, tlsPort: 0 });
}

const certFile = (name: string): string =>
  fileURLToPath(new URL(`../support/certs/${name}`, import.meta.url));

// Started by root, squid becomes another user, who has to read its settings and write its log.
function sharedFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), 'callhooks-proxy-'));
  chmodSync(folder, 0o777);
  return folder;
}

async function startProgram(
  program: string,
  args: readonly string[],
  { folder, port, tlsPort }: { folder: string; port: number; tlsPort: number },
): Promise<ProxyProgram> {
  const child: ChildProcess = spawn(program, args, { stdio: ['ignore', 'ignore', 'pipe'] });
  const ended = once(child, 'exit');
  let errors = '';
  child.stderr?.setEncoding('utf8').on('data', (text: string) => (errors += text));
  const hasEnded = () => child.exitCode !== null || child.signalCode !== null;
  await until(`${program} to listen`, async () => hasEnded() || accepts(port));
  if (hasEnded()) throw new Error(`${program} did not start: ${errors}`);
  const kill = async () => {
    child.kill('SIGKILL');
    await ended;
  };
  return {
    port,
    tlsPort,
    log: () => readFileSync(join(folder, 'log'), 'utf8'),
    freeze: () => child.kill('SIGSTOP'),
    kill,
    stop: async () => {
      if (!hasEnded()) await kill();
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

function accepts(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(port, '127.0.0.1');
    socket.on('connect', () => resolve(true)).on('error', () => resolve(false));
    socket.on('connect', () => socket.destroy());
  });
}
