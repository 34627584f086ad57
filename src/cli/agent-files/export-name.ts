import { parseUuid } from '../../grpc/requests/reader.ts';
import type * as pb from '../../gen/index.callhooks.v1.ts';

const MAX_SLUG_CHARS = 40;

/**
 * Returns the name of the file of an agent: its display name in `[a-z0-9-]`, and its id, so that no two agents have one name
 * and no display name leads out of the folder.
 * @throws Error for an id that is none
 */
export function exportName({ agentUuid, displayName }: Pick<pb.Agent, 'agentUuid' | 'displayName'>): string {
  const uuid = parseUuid(agentUuid);
  if (uuid === undefined) throw new Error('the server has an agent whose id is no UUID');
  const slug = displayName
    .normalize('NFKD')
    .toLowerCase()
    .replace(/\p{M}+/gu, '')
    .replace(/[^a-z0-9]+/g, '-')
    .slice(0, MAX_SLUG_CHARS)
    .replace(/^-+|-+$/g, '');
  return slug === '' ? `${uuid}.yaml` : `${slug}.${uuid}.yaml`;
}
