import { ScalarType, type DescEnum, type DescField, type DescMessage } from '@bufbuild/protobuf';
import type { JsonValue } from '../../domain/json.ts';
import { entryPath, itemPath, memberPath } from '../../domain/validation/field-path.ts';
import { createNearestNames } from '../../domain/validation/nearest-names.ts';
import { isJson, isOfTheServer } from './agent-schema.ts';
import type { YamlNode } from './read-yaml.ts';

/** Takes what was found wrong with a field. `at` is an index into the text. */
export interface FieldReader {
  refuse(field: string, at: number, text: string): void;
  /** Remembers where a field stands. */
  place(field: string, at: number): void;
}

type Message = Record<string, unknown>;

/**
 * Reads a message from YAML as proto JSON has it: fields in snake_case or camelCase, enums by their names, null for a field
 * that is not set. Returns it in the form that `fromPartial` of the generated code takes. What is wrong goes to `reader`.
 */
export function readMessage(node: YamlNode, desc: DescMessage, path: string, reader: FieldReader): Message {
  const message: Message = {};
  if (node.kind !== 'map') {
    reader.refuse(path, node.at, node.kind === 'bad' ? node.problem : 'must be a map of fields');
    return message;
  }
  const seen = new Map<DescField | string, string>();
  for (const { key, at, value, problem: keyProblem } of node.entries) {
    const field = desc.fields.find(({ name, jsonName }) => key === name || key === jsonName);
    const problem = keyProblem ?? fieldProblem(desc, field, key, seen);
    if (field === undefined || problem !== undefined) {
      reader.refuse(memberPath(path, key), at, problem ?? 'is unknown');
      continue;
    }
    const fieldPath = memberPath(path, field.name);
    reader.place(fieldPath, at);
    const isNull = value.kind === 'scalar' && value.value === null;
    if (isNull && field.message?.typeName !== 'google.protobuf.Value') continue;
    setField(message, field, readField(value, field, fieldPath, reader));
  }
  return message;
}

function fieldProblem(
  desc: DescMessage,
  field: DescField | undefined,
  key: string,
  seen: Map<DescField | string, string>,
): string | undefined {
  if (field === undefined) return unknownField(desc, key);
  if (isOfTheServer(field)) return 'is set by the server and has no place in a file: remove it';
  const group = field.oneof?.name ?? field;
  const earlier = seen.get(group);
  seen.set(group, key);
  return earlier === undefined ? undefined : `can't stand beside ${earlier}`;
}

function unknownField(desc: DescMessage, key: string): string {
  const names = desc.fields.filter((field) => !isOfTheServer(field)).map(({ name }) => name);
  if (desc.name === 'Agent') names.push('secrets');
  const [nearest] = createNearestNames(new Set(names))(key);
  const hint = nearest === undefined ? `its fields are ${names.join(', ')}` : `did you mean ${nearest}?`;
  return `is no field of ${desc.name}: ${hint}`;
}

function setField(message: Message, field: DescField, value: unknown): void {
  if (value === undefined) return;
  if (field.oneof === undefined) message[field.localName] = value;
  else message[field.oneof.localName] = { $case: field.localName, value };
}

function readField(node: YamlNode, field: DescField, path: string, reader: FieldReader): unknown {
  switch (field.fieldKind) {
    case 'message':
      return readMessageField(node, field.message, path, reader);
    case 'list':
      return readList(node, field, path, reader);
    case 'map':
      return readMap(node, path, reader);
    case 'enum':
      return readEnum(node, field.enum, path, reader);
    case 'scalar':
      return readScalar(node, field.scalar, path, reader);
  }
}

function readMessageField(node: YamlNode, desc: DescMessage, path: string, reader: FieldReader): unknown {
  if (!isJson(desc)) return readMessage(node, desc, path, reader);
  if (desc.name === 'Struct' && node.kind !== 'map' && node.kind !== 'bad') {
    reader.refuse(path, node.at, 'must be a map of names to values');
    return undefined;
  }
  return readJson(node, path, reader);
}

function readList(
  node: YamlNode,
  field: DescField & { fieldKind: 'list' },
  path: string,
  reader: FieldReader,
): unknown[] {
  if (node.kind !== 'list') {
    reader.refuse(path, node.at, node.kind === 'bad' ? node.problem : 'must be a list');
    return [];
  }
  return node.items.map((item, index) => {
    const itemAt = itemPath(path, index);
    reader.place(itemAt, item.at);
    if (field.listKind === 'message') return readMessageField(item, field.message, itemAt, reader);
    if (field.listKind === 'enum') return readEnum(item, field.enum, itemAt, reader);
    // Later items keep their index when one is refused.
    const nothing = field.scalar === ScalarType.STRING ? '' : 0;
    return readScalar(item, field.scalar, itemAt, reader) ?? nothing;
  });
}

function readMap(node: YamlNode, path: string, reader: FieldReader): Record<string, string> {
  if (node.kind !== 'map') {
    reader.refuse(path, node.at, node.kind === 'bad' ? node.problem : 'must be a map of names to texts');
    return {};
  }
  return Object.fromEntries(
    node.entries.map(({ key, at, value, problem }) => {
      const entry = entryPath(path, key);
      if (problem === undefined) reader.place(entry, at);
      else reader.refuse(entry, at, problem);
      return [key, readScalar(value, ScalarType.STRING, entry, reader) as string];
    }),
  );
}

function readEnum(node: YamlNode, { values }: DescEnum, path: string, reader: FieldReader): number {
  if (node.kind === 'bad') {
    reader.refuse(path, node.at, node.problem);
    return 0;
  }
  const name = node.kind === 'scalar' ? node.value : undefined;
  const found = values.find((value) => value.name === name);
  if (found !== undefined) return found.number;
  const names = values.filter(({ number }) => number !== 0).map((value) => value.name);
  const [nearest] = typeof name === 'string' ? createNearestNames(new Set(names))(name) : [];
  reader.refuse(
    path,
    node.at,
    nearest ? `has no such value: did you mean ${nearest}?` : `must be ${names.join(' or ')}`,
  );
  return 0;
}

const INTEGERS: Readonly<Partial<Record<ScalarType, readonly [number, number]>>> = {
  [ScalarType.INT32]: [-(2 ** 31), 2 ** 31 - 1],
  [ScalarType.UINT32]: [0, 2 ** 32 - 1],
};

function readScalar(node: YamlNode, type: ScalarType, path: string, reader: FieldReader): unknown {
  const value = node.kind === 'scalar' ? node.value : undefined;
  const refuse = (text: string): undefined => {
    reader.refuse(path, node.at, text);
  };
  if (node.kind === 'bad') return refuse(node.problem);
  if (type === ScalarType.BOOL) return typeof value === 'boolean' ? value : refuse('must be true or false');
  if (type === ScalarType.STRING) {
    if (typeof value === 'string') return value;
    return refuse(node.kind === 'scalar' ? 'must be a text: put it into quotes' : 'must be a text');
  }
  if (typeof value !== 'number') return refuse('must be a number');
  const range = INTEGERS[type];
  if (range === undefined) return value;
  const fits = Number.isInteger(value) && value >= range[0] && value <= range[1];
  return fits ? value : refuse(`must be an integer from ${range[0]} to ${range[1]}`);
}

function readJson(node: YamlNode, path: string, reader: FieldReader): JsonValue {
  if (node.kind === 'scalar') return node.value;
  if (node.kind === 'bad') {
    reader.refuse(path, node.at, node.problem);
    return null;
  }
  if (node.kind === 'list')
    return node.items.map((item, index) => {
      const itemAt = itemPath(path, index);
      reader.place(itemAt, item.at);
      return readJson(item, itemAt, reader);
    });
  return Object.fromEntries(
    node.entries.map(({ key, at, value, problem }) => {
      const member = memberPath(path, key);
      if (problem === undefined) reader.place(member, at);
      else reader.refuse(member, at, problem);
      return [key, readJson(value, member, reader)];
    }),
  );
}
