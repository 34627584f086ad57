import { copyFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { TOOLS } from '../tools.ts';
import { startWebProgram } from './web-program.ts';

/** One series of the answer to a query. The value is text, such as `+Inf`. */
export interface Sample {
  readonly metric: Readonly<Record<string, string>>;
  readonly value: readonly [at: number, value: string];
}

/** A rule as the API shows it. */
interface Rule {
  readonly name: string;
  readonly query: string;
  readonly health: string;
  readonly lastError?: string;
}

/** An alert that is pending or fires. */
interface Alert {
  readonly labels: Readonly<Record<string, string>>;
  readonly annotations: Readonly<Record<string, string>>;
  readonly state: string;
}

/** A real Prometheus on a free port of 127.0.0.1. */
export interface Prometheus {
  /** Evaluates an expression now. Throws when Prometheus refuses it. */
  query(expr: string): Promise<readonly Sample[]>;
  /** Returns the values of a label in the series that match. */
  labelValues(label: string, match: string): Promise<readonly string[]>;
  rules(): Promise<readonly Rule[]>;
  alerts(): Promise<readonly Alert[]>;
  stop(): Promise<void>;
}

/** Starts a Prometheus that scrapes these addresses each second as the job `callhooks`, and evaluates the rules as often. */
export async function startPrometheus(
  targets: readonly string[],
  ruleFiles: readonly string[],
): Promise<Prometheus> {
  const { url, stop } = await startWebProgram(TOOLS.prometheus, async (folder) => {
    const copies = ruleFiles.map((_, at) => `rules-${at}.yml`);
    for (const [at, file] of ruleFiles.entries()) await copyFile(file, join(folder, copies[at] ?? ''));
    const settings = {
      global: { scrape_interval: '1s', scrape_timeout: '1s', evaluation_interval: '1s' },
      rule_files: copies,
      scrape_configs: [{ job_name: 'callhooks', static_configs: [{ targets }] }],
    };
    // JSON is YAML too.
    await writeFile(join(folder, 'prometheus.yml'), JSON.stringify(settings));
    return [`--config.file=${folder}/prometheus.yml`, `--storage.tsdb.path=${folder}/data`];
  });
  return { ...createApi(url), stop };
}

function createApi(base: string): Omit<Prometheus, 'stop'> {
  const get = async <T>(path: string, parameters: Readonly<Record<string, string>> = {}): Promise<T> => {
    const response = await fetch(`${base}/api/v1/${path}?${String(new URLSearchParams(parameters))}`);
    const { status, error, data } = (await response.json()) as { status: string; error?: string; data: T };
    if (status !== 'success') throw new Error(`${path} ${JSON.stringify(parameters)}: ${error}`);
    return data;
  };
  return {
    query: async (query) => (await get<{ result: readonly Sample[] }>('query', { query })).result,
    labelValues: (label, match) => get(`label/${label}/values`, { 'match[]': match }),
    rules: async () =>
      (await get<{ groups: readonly { rules: readonly Rule[] }[] }>('rules')).groups.flatMap(
        ({ rules }) => rules,
      ),
    alerts: async () => (await get<{ alerts: readonly Alert[] }>('alerts')).alerts,
  };
}
