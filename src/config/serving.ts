import { TLS_VARIABLES, tlsProblems, type TlsFiles, type TlsPaths } from '../access/tls-files.ts';
import { configSchema, readTextFile, type VariableName } from './schema.ts';

type Texts = Partial<Record<VariableName, string>>;

/** The TLS files of the gRPC port: where they lie, and what they held when the settings were read. */
export interface Tls {
  readonly paths: TlsPaths;
  readonly files: TlsFiles;
}

/** What {@link readTls} returns: the files, if the settings name any, and what is wrong with them. */
interface ReadTls {
  readonly tls: Tls | undefined;
  readonly problems: readonly string[];
}

/** Reads and checks the TLS files that the settings name. */
export function readTls(texts: Texts): ReadTls {
  const paths = {
    certificate: pathOf(texts, 'CALLHOOKS_TLS_CERT_FILE'),
    key: pathOf(texts, 'CALLHOOKS_TLS_KEY_FILE'),
    clientCa: pathOf(texts, 'CALLHOOKS_TLS_CLIENT_CA_FILE'),
  };
  const { certificate, key, clientCa } = paths;
  if (certificate !== undefined && key !== undefined) return readFiles({ certificate, key, clientCa });
  const isWanted = Object.values(paths).some((path) => path !== undefined);
  const missing = isWanted
    ? (['certificate', 'key'] as const).filter((name) => paths[name] === undefined)
    : [];
  const problems = missing.map(
    (name) => `${TLS_VARIABLES[name]} is required with the other variables of TLS`,
  );
  return { tls: undefined, problems };
}

function readFiles(paths: TlsPaths): ReadTls {
  const problems: string[] = [];
  const read = (name: keyof TlsPaths, path: string): string => {
    try {
      return readTextFile(path);
    } catch (error) {
      problems.push(`${TLS_VARIABLES[name]} ${(error as RangeError).message}`);
      return '';
    }
  };
  const files = {
    certificate: read('certificate', paths.certificate),
    key: read('key', paths.key),
    clientCa: paths.clientCa && read('clientCa', paths.clientCa),
  };
  if (problems.length === 0) problems.push(...tlsProblems(files));
  return { tls: { paths, files }, problems };
}

/** Returns what other machines could do that the settings do not allow on purpose. */
export function servingProblems(texts: Texts): string[] {
  const { CALLHOOKS_AUTH, CALLHOOKS_AUTH_TOKENS, CALLHOOKS_INSECURE, CALLHOOKS_TLS_CERT_FILE } = texts;
  const problems: string[] = [];
  if (CALLHOOKS_AUTH === 'none' && CALLHOOKS_AUTH_TOKENS !== undefined)
    problems.push('CALLHOOKS_AUTH=none and CALLHOOKS_AUTH_TOKENS contradict each other: unset one of them');
  const listen = configSchema.shape.CALLHOOKS_LISTEN.safeParse(texts.CALLHOOKS_LISTEN).data;
  if (listen === undefined || listen.isLoopback) return problems;
  const reached = `CALLHOOKS_LISTEN=${listen.address} can be reached from other machines`;
  if (CALLHOOKS_TLS_CERT_FILE === undefined && CALLHOOKS_INSECURE !== 'true')
    problems.push(
      `${reached}, in plaintext: listen on 127.0.0.1, set CALLHOOKS_TLS_CERT_FILE and CALLHOOKS_TLS_KEY_FILE, ` +
        'or set CALLHOOKS_INSECURE=true if you trust the network',
    );
  if (CALLHOOKS_AUTH_TOKENS === undefined && CALLHOOKS_AUTH !== 'none')
    problems.push(
      `${reached}, without tokens: listen on 127.0.0.1, set CALLHOOKS_AUTH_TOKENS ("callhooks token" makes one), ` +
        'or set CALLHOOKS_AUTH=none if everybody in the network may do everything',
    );
  return problems;
}

function pathOf(texts: Texts, name: VariableName & `CALLHOOKS_TLS_${string}`): string | undefined {
  return configSchema.shape[name].safeParse(texts[name]).data;
}
