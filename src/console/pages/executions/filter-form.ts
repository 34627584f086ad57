import { html } from 'hono/html';
import { checkboxes, selectField, textField } from '../../layout/form-fields.ts';
import { executionsPath } from '../../layout/paths.ts';
import type { Html } from '../../layout/shell.ts';
import type { ListExecutionsRequest } from '../../../gen/index.callhooks.v1.ts';
import { filterQuery, FILTER_WORDS, type FilterField, type ParsedFilter } from './filter.ts';

/** Returns the form with all filters of ListExecutions. It is unfolded when it says more than a frequent filter does. */
export function filterForm(filter: ParsedFilter): Html {
  const { problems, request } = filter;
  const isUnfolded = problems.size > 0 || !isFrequent(request);
  const content = html`<summary>Filter</summary>
    ${fields(filter)}`;
  return isUnfolded
    ? html`<details class="panel" open>${content}</details>`
    : html`<details class="panel">${content}</details>`;
}

function fields({ typed, chosen, problems }: ParsedFilter): Html {
  const parts = (name: FilterField, label: string) => ({ name, label, problem: problems.get(name) });
  const text = (name: FilterField, label: string, hint: string) =>
    textField({ ...parts(name, label), hint, value: typed(name) });
  const select = (name: FilterField, label: string, words: readonly string[], unset = 'any') =>
    selectField({ ...parts(name, label), words, unset, value: [...chosen(name)][0] ?? '' });
  const boxes = (name: FilterField, label: string, words: readonly string[]) =>
    checkboxes({ ...parts(name, label), words, chosen: chosen(name) });
  return html`<form class="filter" action="/console/executions">
    <div class="fields">
      ${text('agent_uuid', 'Agent id', '')} ${text('conversation_uuid', 'Conversation id', '')}
      ${text('webhook_uuid', 'Webhook id', '')}
      ${text('accepted_at_from', 'Accepted from', '2h or 2026-11-28 12:00 (UTC)')}
      ${text('accepted_at_to', 'Accepted before', '15m or 2026-11-28 13:00 (UTC)')}
      ${select('webhook_type', 'Type', FILTER_WORDS.types)}
      ${select('degraded', 'Degraded', ['true', 'false'])}
      ${select('rejected', 'Rejected', ['true', 'false'])}
      ${select('page_size', 'Executions a page', ['10', '25', '100', '200'], '50')}
    </div>
    ${boxes('states', 'States', FILTER_WORDS.states)}
    ${boxes('failure_codes', 'Failure codes', FILTER_WORDS.failureCodes)}
    <p class="actions">
      <button class="primary">Show</button> <a href="/console/executions">Remove all filters</a>
    </p>
  </form>`;
}

const QUICK = [
  { label: 'All', filter: {} },
  { label: 'Failed', filter: { states: 'FAILED' } },
  { label: 'Interrupted', filter: { states: 'INTERRUPTED' } },
  { label: 'Degraded', filter: { degraded: 'true' } },
  { label: 'Rejected', filter: { rejected: 'true' } },
  { label: 'Pending', filter: { states: 'ACCEPTED' } },
] as const;

function isFrequent(request: ListExecutionsRequest): boolean {
  const here = filterQuery({ ...request, pageSize: 0 });
  return QUICK.some(({ filter }) => here === new URLSearchParams(filter).toString());
}

/** Returns links to the filters that are used most. */
export function quickFilters({ request }: ParsedFilter): Html {
  const here = filterQuery({ ...request, pageSize: 0 });
  const links = QUICK.map(({ label, filter }) => {
    const path = executionsPath(filter);
    return here === new URLSearchParams(filter).toString()
      ? html`<a href="${path}" aria-current="true">${label}</a>`
      : html`<a href="${path}">${label}</a>`;
  });
  return html`<nav class="quick" aria-label="Frequent filters">${links}</nav>`;
}
