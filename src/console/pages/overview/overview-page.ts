import type { Context } from 'hono';
import { html } from 'hono/html';
import type { Overview, OverviewPeriod } from '../../../commands/overview.ts';
import { DatabaseError } from '../../../errors.ts';
import { nextTurn } from '../../layout/next-turn.ts';
import { scrollable } from '../../layout/scroll.ts';
import { shell, type Html } from '../../layout/shell.ts';
import { timeText } from '../../layout/time.ts';
import type { ConsoleEnv } from '../../viewer.ts';
import { failingTable, failureTable, refusalTable } from './count-tables.ts';
import { executionChart } from './execution-chart.ts';
import { outcomeLegend, waitingFigures } from './figures.ts';
import { latencySection } from './latency-section.ts';
import { nothingYet } from './nothing-yet.ts';
import { patterns } from './outcomes.ts';
import { stepTable } from './step-table.ts';

type C = Context<ConsoleEnv>;

const RANGES = [
  ['hour', 'Last hour', '/console'],
  ['day', 'Last day', '/console?range=day'],
] as const;
type Range = (typeof RANGES)[number][0];

/** Makes the first page: what happened lately on all replicas. `range=day` of the query shows the last day. */
export function createOverviewPage(read: () => Promise<Overview>): (c: C) => Promise<Response> {
  return async (c) => {
    const range: Range = c.req.query('range') === 'day' ? 'day' : 'hour';
    try {
      const body = await overviewBody(c, await read(), range);
      return await c.html(page(c, body));
    } catch (error) {
      if (!(error instanceof DatabaseError)) throw error;
      c.header('retry-after', '1');
      return c.html(page(c, AWAY), 503);
    }
  };
}

const AWAY = html`<div class="outcome-box bad" role="alert">
  <p><strong>The database does not answer now.</strong> Load this page again in a moment.</p>
</div>`;

function page({ var: { viewer } }: C, body: Html): Html {
  return shell(viewer, { title: 'Overview', section: '/console', body });
}

async function overviewBody(c: C, overview: Overview, range: Range): Promise<Html> {
  const period = overview[range];
  const { viewer, api, agentNames } = c.var;
  const agents = period.failingWebhooks.map(({ agentUuid }) => agentUuid);
  const names = await agentNames.read(viewer, api, agents);
  const isEmpty = overview.day.executions === 0 && overview.day.refusals.length === 0;
  return html`<div id="overview" data-refresh-secs="30">
    <nav class="ranges" aria-label="Time">
      ${RANGES.map(([name, label, path]) =>
        name === range
          ? html`<a href="${path}" aria-current="true">${label}</a>`
          : html`<a href="${path}">${label}</a>`,
      )}
      <span class="dim">All replicas, as of ${timeText(new Date(overview.nowMs))}</span>
    </nav>
    ${waitingFigures(overview)} ${isEmpty ? await nothingYet(c.var) : await charts(period, names)}
  </div>`;
}

async function charts(period: OverviewPeriod, names: ReadonlyMap<string, string>): Promise<Html> {
  const executions =
    period.executions === 0
      ? html`<p class="dim">No execution finished in this time.</p>`
      : await executionParts(period);
  return html`<h2>Executions a minute</h2>
    ${executions}
    <h2>Webhooks that fail most</h2>
    ${failingTable(period, names)}
    <div class="side-by-side">
      <section>
        <h2>Failure codes</h2>
        ${failureTable(period)}
      </section>
      <section>
        <h2>Refused RPCs by reason</h2>
        ${refusalTable(period)}
      </section>
    </div>`;
}

// Each part is made in a turn of its own.
async function executionParts(period: OverviewPeriod): Promise<Html> {
  const chart = scrollable('Chart of the executions', executionChart(period));
  await nextTurn();
  const latency = await latencySection(period);
  const table = await stepTable(period);
  return html`${patterns()} ${outcomeLegend(period)} ${chart} ${latency} ${table}`;
}
