import { asGrpcurlInLines, type GrpcTarget } from '../../explain/copy/as-grpcurl.ts';

const AGENT_UUID = 'a0000000-0000-4000-8000-000000000001';

/** Returns the call that makes a first agent. README.md explains it. */
export function firstAgent(target: GrpcTarget): string {
  return asGrpcurlInLines(target, 'AgentAdmin/CreateAgent', AGENT_MESSAGE);
}

/** Returns the call that reports the start of a first call of an agent: of that first one where no other is given. */
export function firstCall(target: GrpcTarget, agentUuid = AGENT_UUID): string {
  const message = `{
  "agent_uuid": "${agentUuid}",
  "conversation_uuid": "c0000000-0000-4000-8000-000000000001",
  "caller_phone": "+14155550123"
}`;
  return asGrpcurlInLines(target, 'CallLifecycle/OnCallStart', message);
}

const AGENT_MESSAGE = `{
  "agent": {
    "agent_uuid": "${AGENT_UUID}",
    "display_name": "Front desk",
    "dynamic_variables": { "customer_name": "there", "plan": "unknown" },
    "webhooks": [
      {
        "webhook_type": "WEBHOOK_TYPE_PRE_CALL",
        "webhook_config": {
          "api_schema": {
            "url": "http://127.0.0.1:8080/lookup",
            "method": "POST",
            "request_headers": { "Authorization": "Bearer {{secret.CRM_TOKEN}}" },
            "request_body": { "caller_phone": "{{caller_phone}}" }
          },
          "assignments": [
            { "attribute_name": "customer.name", "dynamic_variable": "customer_name" },
            { "attribute_name": "customer.plan", "dynamic_variable": "plan" }
          ],
          "response_timeout_secs": 2
        }
      }
    ]
  },
  "secrets": { "CRM_TOKEN": "crm-token" }
}`;
