import { existsSync, globSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { chromium, type Browser } from 'playwright-core';

const FOLDER = fileURLToPath(new URL('../../../.cache/chromium', import.meta.url));
const PROGRAM = `${FOLDER}/usr/lib/chromium/chromium`;

/** Says what a suite in a browser needs, in the form that `describeWithTools` takes. */
export const CHROMIUM = { missing: existsSync(PROGRAM) ? [] : ['chromium'], target: 'test-console' } as const;

// Without these flags Chromium asks servers of its makers for updates and the like. The last one leaves it no name to ask for.
const ARGS = [
  '--no-sandbox',
  '--disable-gpu',
  '--disable-quic',
  '--no-first-run',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-sync',
  '--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1',
];

/** Starts the Chromium that `test/tools/chromium-install.sh` has unpacked, with a new and empty profile. */
export function launchChromium(): Promise<Browser> {
  const libraries = globSync(`${FOLDER}/{lib,usr/lib}/*-linux-gnu{,/pulseaudio}`).join(':');
  const env = {
    PATH: process.env['PATH'] ?? '',
    LD_LIBRARY_PATH: libraries,
    FONTCONFIG_FILE: `${FOLDER}/fonts/fonts.conf`,
    XDG_CACHE_HOME: `${FOLDER}/cache`,
    TZ: 'UTC',
  };
  return chromium.launch({ executablePath: PROGRAM, args: ARGS, env, timeout: 60_000 });
}
