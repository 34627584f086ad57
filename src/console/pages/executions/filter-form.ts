import { html } from 'hono/html';
import { checkboxes, selectField, textField } from '../../layout/form-fields.ts';
import { executionsPath } from '../../layout/paths.ts';
import type { Html } from '../../layout/shell.ts';
import { filterQuery, FILTER_WORDS, type FilterField, type ParsedFilter } from './filter.ts';

/** Returns the form with all filters of ListExecutions. It is unfolded where a field breaks a rule. What filters is said. */
export function filterForm(filter: ParsedFilter): Html {
  const content = html`<summary>Filter</summary>
    ${fields(filter)}`;
  return filter.problems.size > 0
    ? html`<details class="panel" open>${content}</details>`
    : html`${activeFilters(filter)}
        <details class="panel">${content}</details>`;
}

const MAX_ACTIVE = 8;

function activeFilters({ request }: ParsedFilter): Html | '' {
  const active = [...new URLSearchParams(filterQuery({ ...request, pageSize: 0 }))];
  if (active.length === 0) return '';
  const more = active.length - MAX_ACTIVE;
  return html`<p class="active-filters">
    Only ${active.slice(0, MAX_ACTIVE).map(([field, value]) => html`<code>${field}=${value}</code> `)}
    ${more > 0 ? `and ${more} more` : ''} <a href="/console/executions">Remove all filters</a>
  </p>`;
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
      <button class="primary">Show</button>
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

/** Returns links to the outcomes that are looked for most. They keep all other filters: those by ids, type and time. */
export function quickFilters({ request }: ParsedFilter): Html {
  const here = filterQuery({ ...request, pageSize: 0 });
  const { degraded: _degraded, rejected: _rejected, ...kept } = request;
  const others = new URLSearchParams(filterQuery({ ...kept, states: [], failureCodes: [] }));
  const links = QUICK.map(({ label, filter }) => {
    const query = { ...Object.fromEntries(others), ...filter };
    const path = executionsPath(query);
    return isSame(here, query)
      ? html`<a href="${path}" aria-current="true">${label}</a>`
      : html`<a href="${path}">${label}</a>`;
  });
  return html`<nav class="quick" aria-label="Frequent filters">${links}</nav>`;
}

// A number of rows is no filter.
function isSame(here: string, { page_size: _size, ...query }: Readonly<Record<string, string>>): boolean {
  const [one, other] = [new URLSearchParams(here), new URLSearchParams(query)];
  one.sort();
  other.sort();
  return one.toString() === other.toString();
}
