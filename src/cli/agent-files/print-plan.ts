import { WebhookType } from '../../gen/index.callhooks.v1.ts';
import type * as pb from '../../gen/index.callhooks.v1.ts';
import { plainLine } from '../frame/plain-text.ts';
import { changeLines } from './compare.ts';
import type { AgentPlan } from './plan-agent.ts';
import { sourceName } from './secret-sources.ts';
import { toDocument } from './to-document.ts';
import { writeYaml } from './write-yaml.ts';

/** Returns an agent as people call it: its id, and its name if it has one. */
export function agentName({ agentUuid, displayName }: Pick<pb.Agent, 'agentUuid' | 'displayName'>): string {
  return displayName === '' ? agentUuid : `${agentUuid} ${plainLine(JSON.stringify(displayName))}`;
}

/** Returns the lines that show what a plan does; none when it does nothing and nothing is to be noted. */
export function planLines(plan: AgentPlan): readonly string[] {
  const { kind, file } = plan;
  const notes = keptLines(plan);
  if (kind === 'none') return notes.length === 0 ? [] : [`  ${title(plan)}`, ...notes];
  if (kind === 'create')
    return [
      `+ ${title(plan)}`,
      ...writeYaml(toDocument(file.agent))
        .trimEnd()
        .split('\n')
        .map((line) => `    + ${plainLine(line)}`),
      ...secretLines(plan),
    ];
  return [`~ ${title(plan)}`, ...fieldLines(plan), ...secretLines(plan), ...notes];
}

function title({ file }: AgentPlan): string {
  return `${plainLine(file.path)}: agent ${agentName(file.agent)}`;
}

function fieldLines({ changes }: AgentPlan): readonly string[] {
  return changes.flatMap((change) => [
    `    ${plainLine(change.field)}:`,
    ...changeLines(change).map(({ mark, text }) => `      ${mark} ${plainLine(text)}`.trimEnd()),
  ]);
}

function secretLines({ secrets, removedSecrets }: AgentPlan): readonly string[] {
  return [
    ...secrets.map(({ name, source, isNew }) => {
      const from = plainLine(sourceName(source));
      return isNew
        ? `    + secrets.${name}: set from ${from}`
        : `    ~ secrets.${name}: set again from ${from} (whether it differs is not known)`;
    }),
    ...removedSecrets.map((name) => `    - secrets.${plainLine(name)}`),
  ];
}

function keptLines({ keptWebhooks, keptSecrets }: AgentPlan): readonly string[] {
  const names = [
    ...keptWebhooks.map(({ webhookType }) => `webhooks[${typeName(webhookType)}]`),
    ...keptSecrets.map((name) => `secrets.${plainLine(name)}`),
  ];
  return names.map((name) => `    ! ${name} is on the server only: --prune deletes it`);
}

function typeName(type: pb.WebhookType): string {
  return Object.entries(WebhookType).find(([, number]) => number === type)?.[0] ?? String(type);
}

/** Returns the lines that show that an agent is deleted. */
export function deletionLines(agent: Pick<pb.Agent, 'agentUuid' | 'displayName'>): readonly string[] {
  return [`- agent ${agentName(agent)}: no file has it, so it is deleted with its webhooks and secrets`];
}
