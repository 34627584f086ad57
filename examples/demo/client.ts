import { Client, credentials } from '@grpc/grpc-js';
import {
  CreateAgentRequest,
  CreateAgentResponse,
  ListExecutionsRequest,
  ListExecutionsResponse,
  OnCallEndRequest,
  OnCallEndResponse,
  OnCallStartRequest,
  OnCallStartResponse,
  UpdateWebhookRequest,
  UpdateWebhookResponse,
} from '../../src/gen/index.callhooks.v1.ts';

interface Codec<T> {
  encode(message: T): { finish(): Uint8Array };
  decode(bytes: Uint8Array): T;
  fromPartial(part: object): T;
}

/** The RPCs that the demo calls, over one real connection. */
export interface DemoRpc {
  createAgent(request: object): Promise<CreateAgentResponse>;
  updateWebhook(request: object): Promise<UpdateWebhookResponse>;
  onCallStart(request: object): Promise<OnCallStartResponse>;
  onCallEnd(request: object): Promise<OnCallEndResponse>;
  listExecutions(request: object): Promise<ListExecutionsResponse>;
  close(): void;
}

const DEADLINE_MS = 20_000;

/** Connects to a running callhooks. */
export function connectDemo(address: string): DemoRpc {
  const client = new Client(address, credentials.createInsecure());
  const rpc =
    <Q, R>(path: string, request: Codec<Q>, reply: Codec<R>) =>
    (message: object): Promise<R> =>
      new Promise((resolve, reject) => {
        client.makeUnaryRequest(
          `/callhooks.v1.${path}`,
          (value: Q) => Buffer.from(request.encode(value).finish()),
          (bytes: Buffer) => reply.decode(bytes),
          request.fromPartial(message),
          { deadline: Date.now() + DEADLINE_MS },
          (error, value) => (error ? reject(error) : resolve(value as R)),
        );
      });
  return {
    createAgent: rpc('AgentAdmin/CreateAgent', CreateAgentRequest, CreateAgentResponse),
    updateWebhook: rpc('WebhookAdmin/UpdateWebhook', UpdateWebhookRequest, UpdateWebhookResponse),
    onCallStart: rpc('CallLifecycle/OnCallStart', OnCallStartRequest, OnCallStartResponse),
    onCallEnd: rpc('CallLifecycle/OnCallEnd', OnCallEndRequest, OnCallEndResponse),
    listExecutions: rpc('ExecutionLog/ListExecutions', ListExecutionsRequest, ListExecutionsResponse),
    close: () => client.close(),
  };
}
