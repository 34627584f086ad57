import type { ServerCredentials } from '@grpc/grpc-js';
import { certificateExpiresAtMs, type TlsFiles, type TlsPaths } from '../access/tls-files.ts';
import { watchTlsFiles } from '../access/watch-tls-files.ts';
import type { Logger } from '../logger.ts';
import { ReplaceableCredentials } from './tls-credentials.ts';

/** The TLS of a server. It follows its files. */
export interface ServerTls {
  readonly credentials: ServerCredentials;
  /** Reads the files now. */
  reload(): Promise<void>;
  /** Reports whether the files can't be used, so that older ones are in use. */
  isStale(): boolean;
  /** Returns until when the certificate in use is valid, in epoch milliseconds. */
  expiresAtMs(): number;
  close(): void;
}

/** What the TLS of a server works with. */
export interface ServerTlsDeps {
  readonly paths: TlsPaths;
  /** What the files hold now, without problems. */
  readonly files: TlsFiles;
  readonly logger: Logger;
  /** How often the files are read. */
  readonly everyMs?: number;
}

/** Makes the TLS of a server, and begins to watch its files. */
export function createServerTls({ paths, files: initial, logger, everyMs }: ServerTlsDeps): ServerTls {
  const credentials = new ReplaceableCredentials(initial);
  let expiresAtMs = certificateExpiresAtMs(initial);
  const warnIfExpired = (): void => {
    if (expiresAtMs < Date.now())
      logger.warn(
        { expires_at: new Date(expiresAtMs) },
        'the TLS certificate has expired: clients refuse it',
      );
  };
  warnIfExpired();
  const watch = watchTlsFiles({
    ...{ paths, initial },
    ...(everyMs === undefined ? {} : { everyMs }),
    onChange: (files) => {
      credentials.replace(files);
      expiresAtMs = certificateExpiresAtMs(files);
      logger.info(
        { expires_at: new Date(expiresAtMs) },
        'the TLS files have changed: new connections use them',
      );
      warnIfExpired();
    },
    onProblems: (problems) =>
      logger.error({ problems }, 'the TLS files can not be used: the last good ones stay in use'),
  });
  return {
    credentials,
    reload: watch.lookNow,
    isStale: watch.isStale,
    expiresAtMs: () => expiresAtMs,
    close: watch.close,
  };
}
