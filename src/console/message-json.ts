import { loadProtoJson, type ProtoJson } from '../proto-json/proto-json.ts';

let protoJson: ProtoJson | undefined;

/** Returns what reads and writes messages as JSON. It is loaded when a page first needs it, which takes some milliseconds. */
export function messageJson(): ProtoJson {
  return (protoJson ??= loadProtoJson());
}
