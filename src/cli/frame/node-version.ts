/** The oldest release of Node.js that callhooks runs on. A test checks that package.json says the same. */
export const OLDEST_NODE = '24.15';

/** Reports whether `version`, such as `v24.21.0`, is older than {@link OLDEST_NODE}. */
export function isTooOld(version: string): boolean {
  const [major = 0, minor = 0] = version.replace(/^v/, '').split('.').map(Number);
  const [oldestMajor = 0, oldestMinor = 0] = OLDEST_NODE.split('.').map(Number);
  return major < oldestMajor || (major === oldestMajor && minor < oldestMinor);
}
