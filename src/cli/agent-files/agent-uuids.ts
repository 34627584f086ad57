import { parseUuid } from '../../grpc/requests/reader.ts';
import { UsageError } from '../frame/command.ts';

/** Returns the ids that `--agent` names, in lower case. @throws UsageError for a text that is no UUID */
export function parseAgentUuids(texts: readonly string[]): readonly string[] {
  return texts.map((text) => {
    const uuid = parseUuid(text);
    if (uuid === undefined) throw new UsageError(`--agent must be a UUID, not "${text}"`);
    return uuid;
  });
}
