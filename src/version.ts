/** The version of callhooks. A test checks that it is the version in package.json. */
export const VERSION = '0.1.0';
