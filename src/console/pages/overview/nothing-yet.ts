import { html } from 'hono/html';
import { AgentAdminService, type Agent } from '../../../gen/index.callhooks.v1.ts';
import { CallhooksError } from '../../../errors.ts';
import { firstAgent, firstCall } from '../../layout/first-steps.ts';
import { commandText, emptyState } from '../../layout/notices.ts';
import type { Html } from '../../layout/shell.ts';
import type { ConsoleEnv, ViewerApi } from '../../viewer.ts';

/** Says what to do where no call was ever seen: make an agent, or report a call. */
export async function nothingYet({ api, grpcTarget }: ConsoleEnv['Variables']): Promise<Html> {
  const agents = await firstAgents(api);
  if (agents === 'unknown')
    return emptyState('Nothing has happened in the last day.', 'No call was reported.');
  if (agents.length === 0)
    return emptyState(
      'There is no agent yet.',
      html`<p>An agent has the webhooks that run around its calls. This call makes a first one:</p>
        ${commandText('grpcurl call that makes a first agent', firstAgent(grpcTarget))}
        <p>And this one reports the start of a call to it:</p>
        ${commandText('grpcurl call that starts a first call', firstCall(grpcTarget))}`,
    );
  return emptyState(
    'Nothing has happened in the last day.',
    html`<p>
        The platform reports calls with OnCallStart and OnCallEnd.
        <a href="/console/try">Try a webhook</a> runs one without a call. This call reports the start of one
        to the first agent:
      </p>
      ${commandText('grpcurl call that starts a call', firstCall(grpcTarget, agents[0]?.agentUuid))}`,
  );
}

// A lifecycle token may see executions, and no agents.
async function firstAgents(api: ViewerApi): Promise<readonly Agent[] | 'unknown'> {
  try {
    return (await api.call(AgentAdminService.listAgents, { pageSize: 1, pageToken: '' })).agents;
  } catch (error) {
    if (error instanceof CallhooksError && error.reason === 'ROLE_NOT_ALLOWED') return 'unknown';
    throw error;
  }
}
