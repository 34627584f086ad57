import table from './authorization.json' with { type: 'json' };

/** The roles that a token may have. */
export const ROLES = ['viewer', 'lifecycle', 'admin'] as const;
/** What a token may do: one of {@link ROLES}. */
export type Role = (typeof ROLES)[number];

// Paths of HTTP/2 begin with a slash, names of methods in the table don't.
const ROLES_OF = new Map(Object.entries(table).map(([method, roles]) => [`/${method}`, new Set(roles)]));

/** Reports whether everybody may call a method, given as the path of its requests (`/grpc.health.v1.Health/Check`). */
export function isOpenToAll(path: string): boolean {
  return ROLES_OF.get(path)?.has('anyone') === true;
}

/**
 * Reports whether a role may call a method, given as the path of its requests (`/callhooks.v1.AgentAdmin/GetAgent`). A
 * method that authorization.json does not list is left to `admin`.
 */
export function mayCall(role: Role, path: string): boolean {
  return ROLES_OF.get(path)?.has(role) ?? role === 'admin';
}

/** Reports whether this server has a method, given as the path of its requests. */
export function isMethod(path: string): boolean {
  return ROLES_OF.has(path);
}

/** Reports whether a text is a role. */
export function isRole(text: string): text is Role {
  return ROLES.some((role) => role === text);
}
