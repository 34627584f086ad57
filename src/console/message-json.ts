import { loadProtoJson, type ProtoJson } from '../proto-json/proto-json.ts';

let protoJson: ProtoJson | undefined;

/** Returns what reads and writes messages as JSON. The first call loads it. */
export function messageJson(): ProtoJson {
  return (protoJson ??= loadProtoJson());
}
