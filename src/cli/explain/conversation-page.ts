import type { ExplainedConversation, ExplainedExecution } from '../../explain/explain-execution.ts';
import type { Page } from '../pages/page.ts';
import { executionLines } from './execution-lines.ts';

/** Returns the page about all executions of a conversation, in the order in which they were accepted. */
export function conversationPage(page: Page, explained: ExplainedConversation): string {
  const { conversationUuid, agentUuid, executions, noPreCall, noPostCall } = explained;
  const note = (text: string | undefined): string[] => (text === undefined ? [] : ['', ...page.wrap(text)]);
  return `${[
    page.bold(`Conversation ${conversationUuid} of agent ${agentUuid}`),
    ...note(noPreCall),
    ...executions.flatMap((each) => ['', ...executionLines(page, each)]),
    ...note(noPostCall),
  ].join('\n')}\n`;
}

/** Returns the page about one execution. */
export function executionPage(page: Page, explained: ExplainedExecution): string {
  return `${executionLines(page, explained).join('\n')}\n`;
}
