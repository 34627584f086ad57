import type { DescField, DescMessage } from '@bufbuild/protobuf';
import type { JsonObject, JsonValue } from '../../domain/json.ts';
import type * as pb from '../../gen/index.callhooks.v1.ts';
import { agentSchema, isJson, isOfTheServer } from './agent-schema.ts';

/**
 * Returns an agent as its file has it: fields in snake_case and in the order of the proto, enums by their names, and
 * nothing that is empty, a default of the wire, or the server's own. Names that are no fields are in alphabetical order, so
 * that one agent has one text.
 */
export function toDocument(agent: pb.Agent): JsonObject {
  const webhooks = agent.webhooks.toSorted((a, b) => a.webhookType - b.webhookType);
  return messageDocument({ ...agent, webhooks }, agentSchema());
}

function messageDocument(message: object, desc: DescMessage): JsonObject {
  const document: JsonObject = {};
  for (const field of desc.fields) {
    const value = isOfTheServer(field) ? undefined : valueOf(message as Record<string, unknown>, field);
    const written = value === undefined ? undefined : fieldDocument(value, field);
    if (written !== undefined && !isConstant(field, written)) document[field.name] = written;
  }
  return document;
}

// The only source that there is says nothing.
function isConstant({ parent, name }: DescField, value: JsonValue): boolean {
  return parent.name === 'Assignment' && name === 'source' && value === 'response';
}

function valueOf(message: Record<string, unknown>, { oneof, localName }: DescField): unknown {
  if (oneof === undefined) return message[localName];
  const chosen = message[oneof.localName] as { $case: string; value: unknown } | undefined;
  return chosen?.$case === localName ? chosen.value : undefined;
}

function fieldDocument(value: unknown, field: DescField): JsonValue | undefined {
  switch (field.fieldKind) {
    case 'message':
      return isEmptyStruct(value, field.message) ? undefined : messageValue(value, field.message);
    case 'list':
      return (value as unknown[]).length === 0
        ? undefined
        : (value as unknown[]).map((item) =>
            field.listKind === 'message' ? messageValue(item, field.message) : (item as JsonValue),
          );
    case 'map':
      return Object.keys(value as object).length === 0 ? undefined : sorted(value as JsonObject);
    case 'enum':
      return value === 0 ? undefined : (field.enum.value[value as number]?.name ?? (value as number));
    case 'scalar':
      return value === '' || value === 0 || value === false ? undefined : (value as JsonValue);
  }
}

function isEmptyStruct(value: unknown, { name }: DescMessage): boolean {
  return name === 'Struct' && Object.keys(value as object).length === 0;
}

function messageValue(value: unknown, desc: DescMessage): JsonValue {
  return isJson(desc) ? sorted(value as JsonValue) : messageDocument(value as object, desc);
}

/** Returns a JSON value with the keys of each object in alphabetical order, and 0 for -0. It recurses. */
function sorted(value: JsonValue): JsonValue {
  if (value === null || typeof value !== 'object') return value === 0 ? 0 : value;
  if (Array.isArray(value)) return value.map(sorted);
  return Object.fromEntries(
    Object.keys(value)
      .toSorted()
      .map((key) => [key, sorted(value[key] as JsonValue)]),
  );
}
