import { html } from 'hono/html';
import { durationText } from '../../explain/words.ts';
import { WebhookType, type Execution } from '../../gen/index.callhooks.v1.ts';
import { outcomeWords, stateBadge } from './badges.ts';
import { idLink } from './ids.ts';
import { agentPath, conversationPath, executionPath } from './paths.ts';
import { scrollable } from './scroll.ts';
import type { Html } from './shell.ts';
import { timeText } from './time.ts';

/** What a table shows of executions besides themselves. */
interface TableParts {
  /** Names the table for those who can't see it. */
  readonly label: string;
  /** The display names of agents by their ids. Without it the table has no column for agents. */
  readonly agentNames?: ReadonlyMap<string, string>;
}

/** Returns a table of executions, in the order in which they are given. */
export function executionTable(executions: readonly Execution[], { label, agentNames }: TableParts): Html {
  const agent = agentNames === undefined ? '' : html`<th scope="col">Agent</th>`;
  return scrollable(
    label,
    html`<table class="executions" aria-label="${label}">
      <thead>
        <tr>
          <th scope="col">Accepted</th>
          <th scope="col">Outcome</th>
          <th scope="col">Type</th>
          <th scope="col" class="number">Took</th>
          ${agent}
          <th scope="col">Conversation</th>
          <th scope="col">Execution</th>
        </tr>
      </thead>
      <tbody>
        ${executionRows(executions, agentNames)}
      </tbody>
    </table>`,
  );
}

/** Returns the rows of executions for the body of their table. */
export function executionRows(
  executions: readonly Execution[],
  agentNames?: ReadonlyMap<string, string>,
): Html {
  return html`${executions.map((execution) => executionRow(execution, agentNames))}`;
}

function executionRow(execution: Execution, agentNames?: ReadonlyMap<string, string>): Html {
  const { executionUuid, conversationUuid, acceptedAt, webhookType, timings } = execution;
  const isPreCall = webhookType === WebhookType.WEBHOOK_TYPE_PRE_CALL;
  const took = timings?.total === undefined ? '' : durationText(timings.total);
  return html`<tr data-execution="${executionUuid}">
    <td class="time"><a href="${executionPath(executionUuid)}">${timeText(acceptedAt)}</a></td>
    <td class="outcome">${stateBadge(execution)} ${outcomeWords(execution)}</td>
    <td class="type">${isPreCall ? 'pre-call' : 'post-call'}</td>
    <td class="number">${took}</td>
    ${agentNames === undefined ? '' : html`<td>${agentLink(execution, agentNames)}</td>`}
    <td>${idLink(conversationPath(conversationUuid), conversationUuid)}</td>
    <td>${idLink(executionPath(executionUuid), executionUuid)}</td>
  </tr> `;
}

function agentLink({ agentUuid }: Execution, names: ReadonlyMap<string, string>): Html {
  const name = names.get(agentUuid);
  const path = agentPath(agentUuid);
  return name === undefined ? idLink(path, agentUuid) : html`<a class="name" href="${path}">${name}</a>`;
}
