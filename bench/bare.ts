/**
 * Bare Node is the server that callhooks is compared with. It is a minimal grpc-js server with the same generated codecs. Its
 * handler of OnCallStart posts with an undici Pool, reads and parses the answer, and replies with the variables. It has no
 * database and checks nothing. With `--echo` it does not post either.
 *
 *   node bench/bare.ts --endpoint 127.0.0.1:8080 [--connections 128] [--echo]
 */
import { randomBytes, randomUUID } from 'node:crypto';
import { parseArgs } from 'node:util';
import { Server, ServerCredentials, type handleUnaryCall } from '@grpc/grpc-js';
import { Pool } from 'undici';
import {
  CallLifecycleService,
  Execution,
  type OnCallStartRequest,
  OnCallStartResponse,
} from '../src/gen/index.callhooks.v1.ts';
import { SECRET } from './rig/agent.ts';

const { values: args } = parseArgs({
  options: {
    endpoint: { type: 'string', default: '' },
    connections: { type: 'string', default: '128' },
    echo: { type: 'boolean', default: false },
  },
});
const pool = new Pool(`http://${args.endpoint}`, { connections: Number(args.connections), pipelining: 1 });

const REPLY = OnCallStartResponse.fromPartial({ decision: 1 });
const EXECUTION = Execution.fromPartial({});

interface Answer {
  readonly customer?: { readonly name?: string };
  readonly conversation?: string;
}

/** Posts with the headers that callhooks sends. */
async function post(call: OnCallStartRequest, executionUuid: string): Promise<Answer> {
  const { agentUuid, conversationUuid, callerPhone } = call;
  const { language, queue } = call.dynamicVariables ?? {};
  const { body } = await pool.request({
    path: '/hook',
    method: 'POST',
    headers: {
      'user-agent': 'callhooks-bench/1',
      'idempotency-key': executionUuid,
      authorization: `Bearer ${SECRET}`,
      'content-type': 'application/json',
      'accept-encoding': 'identity',
      'callhooks-execution': executionUuid,
      baggage: `callhooks.execution=${executionUuid}`,
      traceparent: `00-${randomBytes(16).toString('hex')}-${randomBytes(8).toString('hex')}-01`,
    },
    body: JSON.stringify({
      agent_uuid: agentUuid,
      conversation_uuid: conversationUuid,
      caller_phone: callerPhone,
      language,
      queue,
    }),
  });
  return JSON.parse(await body.text()) as Answer;
}

async function start(call: OnCallStartRequest): Promise<OnCallStartResponse> {
  const executionUuid = randomUUID();
  const answer = args.echo ? { conversation: call.conversationUuid } : await post(call, executionUuid);
  return {
    ...REPLY,
    dynamicVariables: {
      ...call.dynamicVariables,
      customer_name: answer.customer?.name,
      echo: answer.conversation,
    },
    execution: { ...EXECUTION, executionUuid, conversationUuid: call.conversationUuid },
  };
}

const onCallStart: handleUnaryCall<OnCallStartRequest, OnCallStartResponse> = ({ request }, callback) => {
  start(request).then((reply) => callback(null, reply), callback);
};

const server = new Server({ 'grpc.enable_channelz': 0 });
server.addService(CallLifecycleService, { onCallStart });
server.bindAsync('127.0.0.1:0', ServerCredentials.createInsecure(), (error, port) => {
  if (error) throw error;
  console.log(JSON.stringify({ msg: 'serving', grpcAddress: `127.0.0.1:${port}` }));
});
