import type { Context } from 'hono';
import { html } from 'hono/html';
import {
  ExecutionLogService,
  type ListExecutionsRequest,
  type ListExecutionsResponse,
} from '../../../gen/index.callhooks.v1.ts';
import { FIRST_CALL } from '../../layout/first-steps.ts';
import { commandText, emptyState } from '../../layout/notices.ts';
import { orProblems } from '../../layout/refusal.ts';
import { shell, type Html } from '../../layout/shell.ts';
import type { ConsoleEnv } from '../../viewer.ts';
import { executionTable } from '../../layout/execution-table.ts';
import { filterForm, quickFilters } from './filter-form.ts';
import { filterQuery, parseFilter } from './filter.ts';

/** Answers with a page of the executions that a filter names, newest first. */
export async function executionsPage(c: Context<ConsoleEnv>): Promise<Response> {
  const { viewer, api, agentNames } = c.var;
  const filter = parseFilter(new URL(c.req.url).searchParams, Date.now());
  const { request } = filter;
  const page = (body: Html, status: 200 | 400): Response | Promise<Response> =>
    c.html(shell(viewer, { title: 'Executions', section: '/console/executions', body }), status);
  const found =
    filter.problems.size > 0
      ? filter
      : await orProblems(api.call(ExecutionLogService.listExecutions, request));
  if ('problems' in found) {
    const form = filterForm({ ...filter, problems: found.problems });
    return page(html`${quickFilters(filter)} ${brokenToken(found.problems)} ${form}`, 400);
  }
  const { executions } = found;
  const names = await agentNames.read(
    viewer,
    api,
    executions.map(({ agentUuid }) => agentUuid),
  );
  const table =
    executions.length === 0
      ? nothingFound(request, found)
      : executionTable(executions, { label: 'Executions, the newest first', agentNames: names });
  return page(html`${quickFilters(filter)} ${filterForm(filter)} ${table} ${pager(request, found)}`, 200);
}

function brokenToken(problems: ReadonlyMap<string, string>): Html {
  const rule = problems.get('page_token');
  return rule === undefined
    ? html``
    : emptyState(
        'This page does not belong to this filter.',
        `page_token ${rule}. Show the newest executions.`,
      );
}

function nothingFound(request: ListExecutionsRequest, { nextPageToken }: ListExecutionsResponse): Html {
  if (nextPageToken !== '')
    return emptyState(
      'Nothing that matches was found yet.',
      'A page ends when the search has read 20,000 entries of the index, so this one is empty. Older executions may match: search on.',
    );
  if (request.pageToken !== '')
    return emptyState('There are no older executions.', 'The newest ones are on the first page.');
  if (filterQuery({ ...request, pageSize: 0 }) !== '')
    return emptyState(
      'No execution matches.',
      'Remove a filter, or choose an earlier time. Retention removes old executions.',
    );
  return emptyState(
    'No webhook has run yet.',
    html`<p>
        An execution is made when a call of an agent with an enabled webhook starts or ends. The platform
        reports a start so:
      </p>
      ${commandText('grpcurl call that reports the start of a call', FIRST_CALL)}
      <p><a href="/console/agents">The agents are here.</a></p>`,
  );
}

/** Returns the links to the pages before and after this one. */
function pager(request: ListExecutionsRequest, { executions, nextPageToken }: ListExecutionsResponse): Html {
  const path = (pageToken: string): string => `/console/executions?${filterQuery(request, pageToken)}`;
  const wanted = request.pageSize || 50;
  const isShort = nextPageToken !== '' && executions.length > 0 && executions.length < wanted;
  const older = executions.length === 0 ? 'Search on' : 'Older executions';
  return html`<nav class="pager" aria-label="Pages">
      ${request.pageToken === '' ? '' : html`<a href="${path('')}">The newest executions</a>`}
      ${nextPageToken === '' ? '' : html`<a class="next" href="${path(nextPageToken)}" rel="next">${older}</a>`}
    </nav>
    ${isShort ? html`<p class="dim">${SHORT}</p>` : ''}`;
}

const SHORT =
  'This page is short, because a page ends at 1 MiB, or when the search has read 20,000 entries of the index. There may be more.';
