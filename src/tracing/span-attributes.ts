import type { Attributes } from '@opentelemetry/api';

// The fields of log lines that become attributes of spans. All others stay out.
const ATTRIBUTES: Readonly<Record<string, string>> = {
  request_id: 'callhooks.request_id',
  agent_uuid: 'callhooks.agent_uuid',
  conversation_uuid: 'callhooks.conversation_uuid',
  execution_uuid: 'callhooks.execution_uuid',
  webhook_uuid: 'callhooks.webhook_uuid',
  webhook_type: 'callhooks.webhook_type',
  outcome: 'callhooks.outcome',
  decision: 'callhooks.decision',
  degraded: 'callhooks.degraded',
  rejected: 'callhooks.rejected',
  failure_code: 'callhooks.failure_code',
  sent: 'callhooks.sent',
  reason: 'callhooks.reason',
  replayed: 'callhooks.replayed',
  recorded: 'callhooks.recorded',
};

/** Returns the attributes that the fields of a log line are. */
export function toAttributes(fields: object): Attributes {
  const attributes: Attributes = {};
  for (const [field, value] of Object.entries(fields)) {
    const name = ATTRIBUTES[field];
    if (name !== undefined && (typeof value === 'string' || typeof value === 'boolean'))
      attributes[name] = value;
  }
  return attributes;
}
