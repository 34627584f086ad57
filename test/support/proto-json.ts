import {
  create,
  createFileRegistry,
  fromBinary,
  fromJson,
  toBinary,
  toJson,
  type DescMessage,
  type JsonValue,
} from '@bufbuild/protobuf';
import { FileDescriptorProtoSchema, FileDescriptorSetSchema } from '@bufbuild/protobuf/wkt';
import { FILE_DESCRIPTORS } from '../../src/gen/descriptors.ts';
import type { Rpc } from './rpc.ts';

const registry = createFileRegistry(
  create(FileDescriptorSetSchema, {
    file: Object.values(FILE_DESCRIPTORS).map((base64) =>
      fromBinary(FileDescriptorProtoSchema, Buffer.from(base64, 'base64')),
    ),
  }),
);

/**
 * Calls an RPC such as `CallLifecycle/OnCallStart` with a request in proto JSON, as grpcurl does. Returns the reply in proto
 * JSON, without the fields that have their defaults. Throws for a field that the message does not have.
 */
export async function callWithJson<Reply>(rpc: Rpc, name: string, request: object): Promise<Reply> {
  const method = name.slice(name.indexOf('/') + 1);
  const input = messageOf(`${method}Request`);
  const output = messageOf(`${method}Response`);
  const bytes = toBinary(input, fromJson(input, request as JsonValue));
  const reply = await rpc.raw(`/callhooks.v1.${name}`, bytes);
  return toJson(output, fromBinary(output, reply), { registry }) as Reply;
}

function messageOf(name: string): DescMessage {
  const message = registry.getMessage(`callhooks.v1.${name}`);
  if (message === undefined) throw new Error(`there is no message ${name}`);
  return message;
}
