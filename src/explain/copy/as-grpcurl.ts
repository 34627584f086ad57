import type { ExplainedVariable } from '../variables.ts';
import { shellQuote } from './shell-quote.ts';

/** The server that a copied command calls. */
export interface GrpcTarget {
  /** Host and port: `127.0.0.1:50051`. */
  readonly address: string;
  readonly isTls: boolean;
  /** Reports whether the server has tokens. The command then takes one from the variable `TOKEN` of the shell. */
  readonly needsToken: boolean;
}

// Linux takes 128 KiB in one argument.
const MAX_REQUEST_CHARS = 64 * 1024;

/**
 * Returns a grpcurl command for a POSIX shell. `rpc` has the form `ExecutionLog/GetExecution`, and `request` is the message
 * as JSON.
 */
export function asGrpcurl(target: GrpcTarget, rpc: string, request: object): string {
  return grpcurl(target, rpc, shellQuote(JSON.stringify(request)));
}

/**
 * Returns a grpcurl command as {@link asGrpcurl} does, for people to read and change: the message stands in the lines below it,
 * of which none is `END`.
 */
export function asGrpcurlInLines(target: GrpcTarget, rpc: string, message: string): string {
  return `${grpcurl(target, rpc, '@')} <<'END'\n${message}\nEND`;
}

function grpcurl({ address, isTls, needsToken }: GrpcTarget, rpc: string, data: string): string {
  const options = [
    ...(isTls ? [] : ['-plaintext']),
    ...(needsToken ? ['-H "authorization: Bearer ${TOKEN:?}"'] : []),
    `-d ${data}`,
  ];
  return `grpcurl ${options.join(' ')} ${shellQuote(address)} callhooks.v1.${rpc}`;
}

/** Returns the grpcurl command that shows an execution. */
export function grpcurlOfExecution(target: GrpcTarget, executionUuid: string): string {
  return asGrpcurl(target, 'ExecutionLog/GetExecution', { execution_uuid: executionUuid });
}

/**
 * Returns the grpcurl command that renders a stored webhook and sends nothing, with the variables that OnCallStart gave. They
 * are left out when they are too large for a command.
 */
export function grpcurlOfTest(
  target: GrpcTarget,
  webhookUuid: string,
  variables: readonly ExplainedVariable[],
): string {
  const given = variables.filter(({ source }) => source === 'REQUEST');
  const values = Object.fromEntries(given.map(({ name, value }) => [name, value]));
  const isSmall = given.length > 0 && JSON.stringify(values).length <= MAX_REQUEST_CHARS;
  const request = { webhook_uuid: webhookUuid, ...(isSmall ? { dynamic_variables: values } : {}) };
  return asGrpcurl(target, 'WebhookAdmin/TestWebhook', request);
}
