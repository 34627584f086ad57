/**
 * `callhooks/client`: a typed client for platforms that are written in TypeScript or JavaScript. It exports the messages
 * and enums of the API too.
 */
export type { ClientTls, TokenSource } from './channel-credentials.ts';
export type { RpcOptions } from './connection.ts';
export { CallhooksClientError, type StatusCode, type Violation } from './client-error.ts';
export {
  createClient,
  type CallhooksClient,
  type CallhooksClientOptions,
  type ExecutionsClient,
  type MethodName,
} from './create-client.ts';
export type { CallhooksServices, MessageFields, RpcFunction, ServiceClient } from './service-methods.ts';
export { toText } from './to-text.ts';
export type { WatchOptions } from './watch-executions.ts';
export * from '../gen/index.callhooks.v1.ts';
