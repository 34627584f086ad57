import { startScene, type Scene } from './scene.ts';

let shared: Promise<Scene> | undefined;

/** Starts the scene that all suites share before the first suite that uses it, and returns it. */
export function useScene(): () => Scene {
  let scene: Scene;
  before(async function () {
    this.timeout(120_000);
    scene = await (shared ??= startScene());
  });
  return () => scene;
}

after(async () => {
  // A scene that could not be started has failed the tests already.
  await (await shared?.catch(() => undefined))?.close();
});
