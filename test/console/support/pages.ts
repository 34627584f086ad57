import type { Scene } from './scene.ts';

/** Is a page of the console, with calls of the scene to show. */
export interface ConsolePage {
  readonly name: string;
  /** Returns the paths at which the page shows the call of this name. A page that shows no one call has one path. */
  readonly paths: (scene: Scene) => readonly string[];
}

/** Lists all pages that a person without a token can open. */
export const PAGES: readonly ConsolePage[] = [{ name: 'Overview', paths: () => ['/console'] }];
