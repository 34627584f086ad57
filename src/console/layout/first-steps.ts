/** Holds the call that makes a first agent, for a server on this machine without tokens. README.md explains it. */
export const FIRST_AGENT = `grpcurl -plaintext -d @ 127.0.0.1:50051 callhooks.v1.AgentAdmin/CreateAgent <<'END'
{
  "agent": {
    "agent_uuid": "a0000000-0000-4000-8000-000000000001",
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
}
END`;

/** Holds the call that reports the start of a first call of that agent. */
export const FIRST_CALL = `grpcurl -plaintext -d @ 127.0.0.1:50051 callhooks.v1.CallLifecycle/OnCallStart <<'END'
{
  "agent_uuid": "a0000000-0000-4000-8000-000000000001",
  "conversation_uuid": "c0000000-0000-4000-8000-000000000001",
  "caller_phone": "+14155550123"
}
END`;
