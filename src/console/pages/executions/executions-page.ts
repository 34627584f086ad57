import type { Context } from 'hono';
import { html } from 'hono/html';
import type { GrpcTarget } from '../../../explain/copy/as-grpcurl.ts';
import {
  ExecutionLogService,
  type ListExecutionsRequest,
  type ListExecutionsResponse,
} from '../../../gen/index.callhooks.v1.ts';
import { firstCall } from '../../layout/first-steps.ts';
import { commandText, emptyState } from '../../layout/notices.ts';
import { orProblems } from '../../layout/refusal.ts';
import { shell, type Html } from '../../layout/shell.ts';
import type { ConsoleEnv } from '../../viewer.ts';
import { executionTable } from '../../layout/execution-table.ts';
import { livePath } from './live.ts';
import { filterForm, quickFilters } from './filter-form.ts';
import { filterQuery, parseFilter } from './filter.ts';

/** Answers with a page of the executions that a filter names, newest first. */
export async function executionsPage(c: Context<ConsoleEnv>): Promise<Response> {
  const { viewer, api, agentNames, grpcTarget } = c.var;
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
  const table = executionTable(executions, { label: 'Executions, the newest first', agentNames: names });
  const list =
    executions.length > 0
      ? table
      : html`<div data-when="empty">${nothingFound(request, found, grpcTarget)}</div>
          <div data-when="filled" hidden>${table}</div>`;
  return page(
    html`<div class="toolbar">${quickFilters(filter)} ${followButton(request)}</div>
      ${filterForm(filter)} ${list} ${pager(request, found)}`,
    200,
  );
}

/** Returns what follows the newest executions as they end. The script shows it, because it needs the script. */
function followButton(request: ListExecutionsRequest): Html {
  const path = livePath(request);
  if (path === undefined || request.pageToken !== '') return html``;
  return html`<p class="actions" data-live="${path}" hidden>
    <button type="button">Follow live</button> <span class="dim" role="status"></span>
  </p>`;
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

function nothingFound(
  request: ListExecutionsRequest,
  { nextPageToken }: ListExecutionsResponse,
  grpcTarget: GrpcTarget,
): Html {
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
      ${commandText('grpcurl call that reports the start of a call', firstCall(grpcTarget))}
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
