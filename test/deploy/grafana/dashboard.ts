import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

/** The file of the dashboard. */
export const DASHBOARD_FILE = fileURLToPath(
  new URL('../../../deploy/grafana/callhooks.json', import.meta.url),
);

/** A panel or a row, as far as the tests read it. */
export interface Panel {
  readonly id: number;
  readonly type: string;
  readonly title: string;
  readonly description?: string;
  readonly gridPos: { readonly x: number; readonly y: number; readonly w: number; readonly h: number };
  readonly links?: readonly { readonly title: string; readonly url: string }[];
  readonly fieldConfig?: { readonly defaults: { readonly unit?: string } };
  readonly datasource?: { readonly uid: string };
  readonly targets?: readonly Target[];
}

/** A query of a panel. */
interface Target {
  readonly refId: string;
  readonly expr: string;
  readonly datasource: { readonly uid: string };
}

/** The dashboard, as far as the tests read it. */
export interface Dashboard {
  readonly panels: readonly Panel[];
  readonly templating: { readonly list: readonly { readonly name: string; readonly definition?: string }[] };
  readonly annotations: { readonly list: readonly { readonly expr: string }[] };
}

/** Reads the dashboard. */
export function readDashboard(): Dashboard {
  return JSON.parse(readFileSync(DASHBOARD_FILE, 'utf8')) as Dashboard;
}

/** Returns the panels that show something. */
export function panelsOf({ panels }: Dashboard): readonly Panel[] {
  return panels.filter(({ type }) => type !== 'row');
}

/** Puts values into a query where it has variables, as Grafana does: all replicas of the job are chosen. */
export function fillVariables(expr: string): string {
  const values: Readonly<Record<string, string>> = {
    $job: 'callhooks',
    $instance: '.*',
    $__rate_interval: '1m',
  };
  return expr.replaceAll(/\$\w+/g, (name) => values[name] ?? name);
}
