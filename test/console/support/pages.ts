import { NOBODY } from '../../support/samples.ts';
import { planted } from './planted.ts';
import type { SceneCall } from './calls-of-every-kind.ts';
import type { Scene } from './scene.ts';

/** Is a page of the console, with calls of the scene to show. */
export interface ConsolePage {
  readonly name: string;
  /** Returns the paths at which the page is looked at. */
  readonly paths: (scene: Scene) => readonly string[];
  /** Lists the places of planted texts that one of its paths shows. */
  readonly planted: readonly string[];
  /** Is the status that it is answered with, where that is not 200. */
  readonly status?: number;
}

const pathOf = {
  execution: ({ executionUuid }: SceneCall) => `/console/executions/${executionUuid}`,
  conversation: ({ conversationUuid }: SceneCall) => `/console/conversations/${conversationUuid}`,
  agent: ({ agentUuid }: SceneCall) => `/console/agents/${agentUuid}`,
};

/** Returns the paths of a page for these calls of the scene, or for all. */
const forCalls =
  (kind: keyof typeof pathOf, names?: readonly string[]) =>
  ({ calls }: Scene) =>
    [...calls].filter(([name]) => names?.includes(name) ?? true).map(([, call]) => pathOf[kind](call));

// Agents differ by their webhooks, and conversations by what they show beside an execution.
const AGENTS = ['planted', 'success', 'report', 'AUTH'];
const CONVERSATIONS = [
  'planted',
  'planted rejection',
  'missed',
  'blocked',
  'report',
  'RENDER',
  'INTERRUPTED',
];

const WITH_FILTERS =
  '?webhook_type=WEBHOOK_TYPE_PRE_CALL&states=EXECUTION_STATE_FAILED&failure_codes=FAILURE_CODE_TIMEOUT&degraded=true';

/** Lists all pages that a person without a token can open. */
export const PAGES: readonly ConsolePage[] = [
  { name: 'Overview', paths: () => ['/console', '/console?range=day'], planted: ['displayname'] },
  {
    name: 'Try a webhook',
    paths: ({ calls }) => [
      '/console/try',
      `/console/try?webhook=${calls.get('planted')?.webhookUuid}&edit=1`,
      `/console/try?agent=${calls.get('planted report')?.agentUuid}&type=post_call`,
    ],
    planted: ['displayname', 'default', 'url', 'header', 'body', 'bodykey'],
  },
  {
    name: 'Executions',
    paths: () => ['/console/executions', `/console/executions${WITH_FILTERS}`],
    planted: ['displayname'],
  },
  {
    name: 'Execution',
    paths: forCalls('execution'),
    planted: [
      ...[
        'displayname',
        'header',
        'requestvariable',
        'bodykey',
        'body',
        'phone',
        'url',
        'answerheader',
        'answer',
      ],
      ...['otherkey', 'innerkey', 'item', 'attribute', 'missing', 'filled', 'reason', 'html'],
    ],
  },
  {
    name: 'Conversation',
    paths: forCalls('conversation', CONVERSATIONS),
    planted: ['displayname', 'missing', 'reason'],
  },
  {
    name: 'Executions with a filter that says nothing',
    paths: () => [
      `/console/executions?agent_uuid=${encodeURIComponent(planted('filter'))}&accepted_at_from=soon`,
    ],
    planted: ['filter'],
    status: 400,
  },
  {
    name: 'Execution that does not exist',
    paths: () => [`/console/executions/${NOBODY}`],
    planted: [],
    status: 404,
  },
  {
    name: 'Page that does not exist',
    paths: () => [`/console/${encodeURIComponent(planted('path'))}`],
    planted: [],
    status: 404,
  },
  {
    name: 'Search that finds nothing',
    paths: () => [`/console/search?q=${encodeURIComponent(planted('search'))}`],
    planted: ['search'],
    status: 404,
  },
  { name: 'Agents', paths: () => ['/console/agents'], planted: ['displayname'] },
  {
    name: 'Agent',
    paths: forCalls('agent', AGENTS),
    planted: [
      'displayname',
      'default',
      'variable',
      'variablekey',
      'url',
      'header',
      'body',
      'bodykey',
      'attribute',
    ],
  },
];
