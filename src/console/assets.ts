import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';

/** A file that pages load: its content, and the path under which it never changes. */
export interface Asset {
  readonly path: string;
  readonly contentType: string;
  readonly content: Buffer<ArrayBuffer>;
}

const TYPES = {
  'console.css': 'text/css; charset=utf-8',
  'console.js': 'text/javascript; charset=utf-8',
  'icon.svg': 'image/svg+xml',
} as const;

type AssetName = keyof typeof TYPES;

const FOLDER = join(import.meta.dirname, 'assets');

/** Holds the assets by their paths. They are read once, because the files belong to the program. */
const ASSETS = new Map(
  (Object.keys(TYPES) as AssetName[]).map((name) => {
    const content = readFileSync(join(FOLDER, name));
    // The path changes with the content, so that browsers may keep the file for ever.
    const version = createHash('sha256').update(content).digest('hex').slice(0, 12);
    const path = `/console/assets/${version}/${name}`;
    return [name, { path, content, contentType: TYPES[name] } satisfies Asset] as const;
  }),
);

/** Returns the path of an asset. */
export function assetPath(name: AssetName): string {
  return ASSETS.get(name)?.path ?? '';
}

/** Finds an asset by the path of a request. */
export function findAsset(path: string): Asset | undefined {
  return [...ASSETS.values()].find((asset) => asset.path === path);
}
