// Takes the pictures of the console for the docs: `make screenshots`.
import { mkdir, stat } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import type { Page } from 'playwright-core';
import { launchChromium } from '../console/support/chromium.ts';
import { startPictureScene, type PictureScene } from '../console/support/picture-scene.ts';
import { openWatchedPage } from '../console/support/watched-page.ts';

/** Describes the pictures of one page. Their names are `console-NAME.png`, and with `-phone` or `-dark` before the dot. */
interface Pictures {
  readonly name: string;
  readonly path: (scene: PictureScene) => string;
  readonly height: number;
  /** Does what a person does before the page looks as it should. */
  readonly prepare?: (page: Page) => Promise<void>;
  /** Says which pictures there are besides that in a wide window. */
  readonly also?: readonly ('phone' | 'dark')[];
}

const PICTURES: readonly Pictures[] = [
  { name: 'overview', path: () => '/console', height: 900, also: ['dark'] },
  { name: 'executions', path: () => '/console/executions', height: 680 },
  {
    name: 'execution',
    path: ({ executionUuid }) => `/console/executions/${executionUuid}`,
    height: 1_200,
    also: ['phone'],
  },
  {
    name: 'try',
    path: ({ webhookUuid }) => `/console/try?webhook=${webhookUuid}`,
    height: 1_000,
    prepare: async (page) => {
      await page.getByLabel("Caller's number").fill('+14155550120');
      await page.getByRole('button', { name: 'Render the request' }).click();
      await page.getByRole('button', { name: 'Send it once' }).click();
      await page.getByText('HTTP 200').waitFor();
    },
  },
];

const FOLDER = fileURLToPath(new URL('../../docs/images/', import.meta.url));
const MAX_BYTES = 150_000;
const WIDE = 1_200;
const PHONE = { width: 390, height: 844 };

const scene = await startPictureScene();
const browser = await launchChromium();
try {
  await mkdir(FOLDER, { recursive: true });
  for (const picture of PICTURES)
    for (const look of ['wide', ...(picture.also ?? [])] as const) await takePicture(picture, look);
} finally {
  await browser.close();
  await scene.close();
}

async function takePicture(
  { name, path, height, prepare }: Pictures,
  look: 'wide' | 'phone' | 'dark',
): Promise<void> {
  const viewport = look === 'phone' ? PHONE : { width: WIDE, height };
  const { page, problems, close } = await openWatchedPage(browser, scene.server.origin, { viewport });
  await page.emulateMedia({ colorScheme: look === 'dark' ? 'dark' : 'light', reducedMotion: 'reduce' });
  await page.goto(path(scene));
  await prepare?.(page);
  const file = `console-${name}${look === 'wide' ? '' : `-${look}`}.png`;
  await page.screenshot({ path: `${FOLDER}${file}`, animations: 'disabled' });
  await close();
  const { size } = await stat(`${FOLDER}${file}`);
  console.log(`docs/images/${file}: ${Math.ceil(size / 1024)} KiB`);
  if (problems().length > 0) throw new Error(`${file}: ${problems().join('\n')}`);
  if (size > MAX_BYTES) throw new Error(`${file} is larger than ${MAX_BYTES} bytes`);
}
