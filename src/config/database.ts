import type { VariableName } from './schema.ts';
import { parseDatabaseUrl, verifiesCertificate } from '../store/sql/database-url.ts';

type Texts = Partial<Record<VariableName, string>>;

/** Returns what is missing or contradictory among the settings of a MySQL or MariaDB database. */
export function databaseProblems(texts: Texts): string[] {
  return [...missingKeys(texts), ...unusedAuthorities(texts)];
}

function missingKeys(texts: Texts): string[] {
  if (texts.DATABASE_URL === undefined || texts.CALLHOOKS_ENCRYPTION_KEYS !== undefined) return [];
  return [
    'CALLHOOKS_ENCRYPTION_KEYS is required with DATABASE_URL: ' +
      'give every replica the same keys, such as k1:$(openssl rand -base64 32)',
  ];
}

// Whoever names an authority expects that it is checked.
function unusedAuthorities(texts: Texts): string[] {
  if (texts.CALLHOOKS_DATABASE_CA_FILE === undefined || verifiesDatabase(texts.DATABASE_URL)) return [];
  return [
    'CALLHOOKS_DATABASE_CA_FILE is not used: let DATABASE_URL end in ?ssl-mode=VERIFY_IDENTITY or ?ssl-mode=VERIFY_CA',
  ];
}

function verifiesDatabase(url: string | undefined): boolean {
  try {
    return url !== undefined && verifiesCertificate(parseDatabaseUrl(url).sslMode);
  } catch {
    // The URL has a problem of its own.
    return true;
  }
}
