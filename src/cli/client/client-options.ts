import { CLIENT_VARIABLES } from '../../config/client-variables.ts';
import type { OptionSpecs, OptionValues } from '../frame/command.ts';

/** Holds the options of every command that asks a server. */
export const CLIENT_OPTIONS = {
  address: { value: 'HOST:PORT', help: 'the server (CALLHOOKS_ADDRESS, or 127.0.0.1:50051)' },
  tls: { help: 'use TLS, and verify the certificate of the server' },
  'ca-file': {
    value: 'FILE',
    help: 'trust the authorities in this PEM file, instead of the public ones (means --tls)',
  },
  'cert-file': { value: 'FILE', help: 'the certificate of this client in PEM, for mutual TLS (means --tls)' },
  'key-file': { value: 'FILE', help: 'its private key in PEM' },
  'server-name': { value: 'NAME', help: 'the name in the certificate of the server (means --tls)' },
  timeout: { value: 'SECONDS', help: 'how long an answer may take' },
  insecure: { help: 'send the token in plaintext to another machine' },
} as const satisfies OptionSpecs;

/** The values of {@link CLIENT_OPTIONS}. */
export type ClientOptionValues = OptionValues<typeof CLIENT_OPTIONS>;

/** Holds the environment variables of every command that asks a server, with their help. */
export const CLIENT_VARIABLE_HELP: Readonly<Record<string, string>> = Object.fromEntries(
  Object.entries(CLIENT_VARIABLES).map(([name, { meaning }]) => [name, meaning.replaceAll('`', '')]),
);

/** Holds the exit codes of every command that asks a server. */
export const CLIENT_EXIT_CODES = {
  1: 'the server refused: not found, not allowed, a mistake in the request',
  64: 'the command line is wrong',
  69: 'the server gave no answer in time',
  70: 'there was an unexpected error',
} as const;
