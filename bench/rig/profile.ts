/** A CPU profile as V8 writes it. */
export interface CpuProfile {
  readonly nodes: readonly {
    readonly id: number;
    readonly callFrame: { readonly functionName: string; readonly url: string };
    readonly children?: readonly number[];
  }[];
  /** In microseconds of the monotonic clock. */
  readonly startTime: number;
  readonly samples: readonly number[];
  readonly timeDeltas: readonly number[];
}

const AREAS: readonly (readonly [RegExp, string])[] = [
  [/node_modules\/better-sqlite3\//, 'SQLite'],
  [/node_modules\/(?:knex|tarn)\//, 'knex'],
  [/node_modules\/mysql2\//, 'mysql2'],
  [
    /node_modules\/(?:pino|sonic-boom|@pinojs|fast-redact|quick-format-unescaped|safe-stable-stringify)\//,
    'pino',
  ],
  [/node_modules\/undici\//, 'undici'],
  [/node_modules\/@grpc\//, 'grpc-js'],
  [/node_modules\/(?:@bufbuild\/protobuf|zod)\//, 'protobuf, zod'],
  [/\/src\/gen\//, 'generated codecs'],
  [/\/src\/(\w+)(?:\/|\.)/, 'callhooks: $1'],
  [/^node:internal\/http2/, 'Node.js: HTTP/2'],
  [
    /^node:(?:internal\/)?(?:stream|net|tls|timers|events|buffer|async)/,
    'Node.js: streams, sockets, buffers',
  ],
  [/^node:/, 'Node.js: other'],
];

// The statements of better-sqlite3 are native functions, which have no file.
const SQLITE_CALLS = new Set(['run', 'get', 'all', 'iterate', 'exec', 'prepare', 'pragma']);
const CALL_SQLITE = new Set(['knex', 'SQLite', 'callhooks: store']);

/** Returns the share of each area in the busy time of a profile after `fromUs`, the largest first. */
export function sharesOf(
  profile: CpuProfile,
  fromUs: number,
): readonly (readonly [area: string, share: number])[] {
  const areas = areasOf(profile);
  const times = new Map<string, number>();
  let atUs = profile.startTime;
  profile.samples.forEach((node, at) => {
    const deltaUs = profile.timeDeltas[at] ?? 0;
    atUs += deltaUs;
    const area = areas.get(node);
    if (atUs < fromUs || area === undefined || area === 'idle') return;
    times.set(area, (times.get(area) ?? 0) + deltaUs);
  });
  const all = [...times.values()].reduce((sum, us) => sum + us, 0);
  return [...times].map(([area, us]) => [area, us / all] as const).toSorted((a, b) => b[1] - a[1]);
}

/** Returns the area of each node. A native function belongs to the area of its caller. */
function areasOf(profile: CpuProfile): Map<number, string> {
  const byId = new Map(profile.nodes.map((node) => [node.id, node]));
  const areas = new Map<number, string>();
  const visit = (id: number, caller: string): void => {
    const node = byId.get(id);
    if (node === undefined) return;
    const area = areaOf(node.callFrame, caller);
    areas.set(id, area);
    for (const child of node.children ?? []) visit(child, area);
  };
  visit(profile.nodes[0]?.id ?? 0, 'Node.js: other');
  return areas;
}

function areaOf({ functionName, url }: CpuProfile['nodes'][number]['callFrame'], caller: string): string {
  if (functionName === '(garbage collector)') return 'garbage collection';
  if (functionName === '(program)') return 'system calls, libuv, V8';
  if (functionName === '(idle)') return 'idle';
  if (url === '') return SQLITE_CALLS.has(functionName) && CALL_SQLITE.has(caller) ? 'SQLite' : caller;
  for (const [pattern, name] of AREAS) {
    const match = pattern.exec(url);
    if (match !== null) return name.replace('$1', match[1] ?? '');
  }
  return caller;
}
