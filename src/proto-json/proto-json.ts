import {
  create,
  createFileRegistry,
  fromBinary,
  fromJson,
  toBinary,
  toJson,
  type DescMessage,
  type FileRegistry,
  type JsonValue,
} from '@bufbuild/protobuf';
import { FileDescriptorProtoSchema, FileDescriptorSetSchema } from '@bufbuild/protobuf/wkt';
import { FILE_DESCRIPTORS } from '../gen/descriptors.ts';

/** Encodes and decodes a message: what a generated message type has. */
interface MessageType<T> {
  encode(message: T): { finish(): Uint8Array };
  decode(bytes: Uint8Array): T;
}

/** Turns messages of the API into proto JSON and back, by their names without the package (`WebhookConfig`). */
export interface ProtoJson {
  /** Reads proto JSON. @throws Error that names the field, for a field that does not exist or has another type */
  read<T>(name: string, type: MessageType<T>, json: unknown): T;
  /** Writes proto JSON with the names of the proto files, without the fields that have their defaults. */
  write<T>(name: string, type: MessageType<T>, message: T): JsonValue;
}

/** Loads the descriptors of the API, which takes some milliseconds. */
export function loadDescriptors(): FileRegistry {
  const file = Object.values(FILE_DESCRIPTORS).map((base64) =>
    fromBinary(FileDescriptorProtoSchema, Buffer.from(base64, 'base64')),
  );
  return createFileRegistry(create(FileDescriptorSetSchema, { file }));
}

/** Returns the descriptor of a message, by its name without the package. */
export function messageIn(registry: FileRegistry, name: string): DescMessage {
  const message = registry.getMessage(`callhooks.v1.${name}`);
  if (message === undefined) throw new Error(`there is no message ${name}`);
  return message;
}

/** Returns what reads and writes the messages of the API. The descriptors are loaded once. */
export function loadProtoJson(): ProtoJson {
  loaded ??= createProtoJson(loadDescriptors());
  return loaded;
}

let loaded: ProtoJson | undefined;

function createProtoJson(registry: FileRegistry): ProtoJson {
  const messageOf = (name: string) => messageIn(registry, name);
  return {
    read: (name, type, json) =>
      type.decode(toBinary(messageOf(name), fromJson(messageOf(name), json as JsonValue, { registry }))),
    write: (name, type, message) =>
      toJson(messageOf(name), fromBinary(messageOf(name), type.encode(message).finish()), {
        registry,
        useProtoFieldName: true,
      }),
  };
}
