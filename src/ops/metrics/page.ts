import type { Metric } from './metric.ts';

/** A page in the text format of Prometheus, 0.0.4. */
export interface MetricsPage {
  readonly contentType: string;
  readonly body: Buffer;
}

const CONTENT_TYPE = 'text/plain; version=0.0.4; charset=utf-8';
/** Making a page takes a few milliseconds of the event loop, so many scrapers share the pages. */
const MAKE_EVERY_MS = 50;

/**
 * Returns the function that makes the page. `prepare` reads what the metrics show. All who ask while a page is not begun get
 * that page, and at most one page is begun in 50 ms, however many ask.
 */
export function createPage(
  metrics: readonly Metric[],
  prepare: () => Promise<void>,
): () => Promise<MetricsPage> {
  const heads = metrics.map(({ info }) => headOf(info));
  const make = async (): Promise<MetricsPage> => {
    await prepare();
    const text = metrics.map((metric, at) => `${heads[at]}${metric.samples()}`).join('');
    return { contentType: CONTENT_TYPE, body: Buffer.from(text) };
  };
  let begunAtMs = -Infinity;
  let next: Promise<MetricsPage> | undefined;
  return () => {
    next ??= pauseUntil(begunAtMs + MAKE_EVERY_MS).then(() => {
      begunAtMs = performance.now();
      next = undefined;
      return make();
    });
    return next;
  };
}

function headOf({ name, type, help }: Metric['info']): string {
  const text = help.replaceAll('\\', '\\\\').replaceAll('\n', '\\n');
  return `# HELP ${name} ${text}\n# TYPE ${name} ${type}\n`;
}

async function pauseUntil(instantMs: number): Promise<void> {
  const pauseMs = instantMs - performance.now();
  if (pauseMs > 0) await new Promise((resolve) => setTimeout(resolve, pauseMs));
}
