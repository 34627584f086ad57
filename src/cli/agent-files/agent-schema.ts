import type { DescField, DescMessage } from '@bufbuild/protobuf';
import { loadDescriptors, messageIn } from '../../proto-json/proto-json.ts';

/** Returns the descriptor of `callhooks.v1.Agent`, by which files are read and written. It is loaded once. */
export function agentSchema(): DescMessage {
  schema ??= messageIn(loadDescriptors(), 'Agent');
  return schema;
}

let schema: DescMessage | undefined;

const OF_THE_SERVER: Readonly<Record<string, readonly string[]>> = {
  Agent: ['secret_names', 'etag', 'created_at', 'updated_at'],
  Webhook: ['webhook_uuid', 'agent_uuid', 'etag', 'created_at', 'updated_at'],
};

/** Reports whether the server alone sets a field, so that it stands in no file. */
export function isOfTheServer({ parent, name }: DescField): boolean {
  return OF_THE_SERVER[parent.name]?.includes(name) ?? false;
}

/** Reports whether a message is `google.protobuf.Struct` or `google.protobuf.Value`: any JSON. */
export function isJson({ typeName }: DescMessage): boolean {
  return typeName === 'google.protobuf.Struct' || typeName === 'google.protobuf.Value';
}
