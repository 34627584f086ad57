import { sameJson, type JsonObject, type JsonValue } from '../../domain/json.ts';
import { memberPath } from '../../domain/validation/field-path.ts';
import { diffLines, type DiffLine } from './line-diff.ts';
import { writeYaml } from './write-yaml.ts';

/** A field in which two agents differ. */
export interface FieldChange {
  /** The path, with webhooks by their types: `webhooks[WEBHOOK_TYPE_PRE_CALL].webhook_config.api_schema.url`. */
  readonly field: string;
  readonly before: JsonValue | undefined;
  readonly after: JsonValue | undefined;
}

/** Returns the fields in which two documents of an agent differ, in the order of the documents. */
export function compareDocuments(before: JsonObject, after: JsonObject): readonly FieldChange[] {
  return compareValues(byType(before), byType(after), '');
}

// A list of webhooks becomes a map by their types, because an agent has at most one of each.
function byType(document: JsonObject): JsonObject {
  const { webhooks, ...rest } = document;
  if (!Array.isArray(webhooks)) return rest;
  const entries = (webhooks as JsonObject[]).map(({ webhook_type: type, ...webhook }) => [
    `webhooks[${String(type)}]`,
    webhook,
  ]);
  return { ...rest, ...(Object.fromEntries(entries) as JsonObject) };
}

function compareValues(
  before: JsonValue | undefined,
  after: JsonValue | undefined,
  field: string,
): readonly FieldChange[] {
  if (sameJson(before, after)) return [];
  if (!isObject(before) || !isObject(after)) return [{ field, before, after }];
  const names = [...new Set([...Object.keys(after), ...Object.keys(before)])];
  return names.flatMap((name) =>
    compareValues(memberOf(before, name), memberOf(after, name), pathOf(field, name)),
  );
}

function memberOf(value: JsonObject, name: string): JsonValue | undefined {
  return Object.hasOwn(value, name) ? value[name] : undefined;
}

function pathOf(field: string, name: string): string {
  return field === '' ? name : memberPath(field, name);
}

function isObject(value: JsonValue | undefined): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** Returns the lines of a change, as a unified diff has them. Each value is written as YAML. */
export function changeLines({ before, after }: FieldChange): readonly DiffLine[] {
  return diffLines(linesOf(before), linesOf(after));
}

const NO_LINE_BREAK = '(no line break at the end)';

function linesOf(value: JsonValue | undefined): readonly string[] {
  if (value === undefined) return [];
  if (typeof value === 'string' && value.includes('\n'))
    return value.endsWith('\n') ? value.slice(0, -1).split('\n') : [...value.split('\n'), NO_LINE_BREAK];
  return writeYaml(value).trimEnd().split('\n');
}
