/** Returns the path of the page about an execution. */
export function executionPath(executionUuid: string): string {
  return `/console/executions/${encodeURIComponent(executionUuid)}`;
}

/** Returns the path of the page about a conversation. */
export function conversationPath(conversationUuid: string): string {
  return `/console/conversations/${encodeURIComponent(conversationUuid)}`;
}

/** Returns the path of the page about an agent. */
export function agentPath(agentUuid: string): string {
  return `/console/agents/${encodeURIComponent(agentUuid)}`;
}

/** Returns the path of the form that tries a stored webhook. */
export function tryPath(webhookUuid: string): string {
  return `/console/try?webhook=${encodeURIComponent(webhookUuid)}`;
}

/** Returns the path of the list of executions, with a filter by the names of ListExecutionsRequest. */
export function executionsPath(filter: Readonly<Record<string, string>> = {}): string {
  const query = new URLSearchParams(filter).toString();
  return query === '' ? '/console/executions' : `/console/executions?${query}`;
}
