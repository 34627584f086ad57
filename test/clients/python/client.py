"""A Python client of callhooks, made from nothing but the published protos.

    python -m grpc_tools.protoc -I proto --python_out=gen --grpc_python_out=gen proto/callhooks/v1/*.proto
    PYTHONPATH=gen python client.py 127.0.0.1:50051 http://127.0.0.1:8080/crm

It creates an agent whose webhooks call the endpoint, starts and ends a call, reads what became of it, makes a mistake
on purpose, and sends JSON as deep as callhooks takes it. What it saw goes to standard output as JSON.
"""

import json
import sys
import time
import uuid

import grpc
from google.protobuf import json_format
from google.rpc import error_details_pb2
from grpc_status import rpc_status

from callhooks.v1 import agent_admin_pb2, agent_admin_pb2_grpc
from callhooks.v1 import call_lifecycle_pb2, call_lifecycle_pb2_grpc
from callhooks.v1 import execution_log_pb2, execution_log_pb2_grpc
from callhooks.v1 import execution_pb2

TIMEOUT_SECS = 20
GREATEST_DEPTH = 24  # nested objects and lists of one JSON value


def main(address: str, endpoint: str) -> None:
    with grpc.insecure_channel(address) as channel:
        client = Client(channel)
        agent = client.create_agent(endpoint)
        conversation = str(uuid.uuid4())
        start = client.start_call(agent["agent_uuid"], conversation)
        repeat = client.start_call(agent["agent_uuid"], conversation)
        accepted = client.end_call(agent["agent_uuid"], conversation)
        execution = client.wait_until_ended(accepted["execution"]["execution_uuid"])
        report = {
            "agent": agent,
            "read_again": client.get_agent(agent["agent_uuid"]),
            "start": start,
            "repeat": repeat,
            "accepted": accepted,
            "execution": execution,
            "mistake": client.make_a_mistake(),
            "too_deep": client.go_too_deep(agent["agent_uuid"]),
        }
    print(json.dumps(report))


class Client:
    def __init__(self, channel: grpc.Channel) -> None:
        self.agents = agent_admin_pb2_grpc.AgentAdminStub(channel)
        self.calls = call_lifecycle_pb2_grpc.CallLifecycleStub(channel)
        self.log = execution_log_pb2_grpc.ExecutionLogStub(channel)

    def create_agent(self, endpoint: str) -> dict:
        pre_call = {
            "api_schema": {
                "url": endpoint,
                "method": "POST",
                "request_headers": {"Authorization": "Bearer {{secret.TOKEN}}"},
                "request_body": {"phone": "{{caller_phone}}", "given": "{{given}}", "metadata": "{{metadata}}"},
            },
            "assignments": [{"attribute_name": "answer", "dynamic_variable": "answer"}],
            "response_timeout_secs": 5,
        }
        post_call = {
            "api_schema": {
                "url": endpoint,
                "method": "POST",
                "request_body": {"seconds": "{{call_duration}}", "summary": "{{call_summary}}", "answer": "{{answer}}"},
            }
        }
        request = {
            "agent": {
                "display_name": "Front desk",
                "dynamic_variables": {"answer": "none", "given": "none", "deep": nested(GREATEST_DEPTH)},
                "webhooks": [
                    {"webhook_type": "WEBHOOK_TYPE_PRE_CALL", "webhook_config": pre_call},
                    {"webhook_type": "WEBHOOK_TYPE_POST_CALL", "webhook_config": post_call},
                ],
            },
            "secrets": {"TOKEN": "a-token-that-nobody-reads-back"},
        }
        message = json_format.ParseDict(request, agent_admin_pb2.CreateAgentRequest())
        return to_dict(self.agents.CreateAgent(message, timeout=TIMEOUT_SECS))["agent"]

    def get_agent(self, agent_uuid: str) -> dict:
        request = agent_admin_pb2.GetAgentRequest(agent_uuid=agent_uuid)
        return to_dict(self.agents.GetAgent(request, timeout=TIMEOUT_SECS))["agent"]

    def start_call(self, agent_uuid: str, conversation_uuid: str) -> dict:
        request = call_lifecycle_pb2.OnCallStartRequest(
            agent_uuid=agent_uuid, conversation_uuid=conversation_uuid, caller_phone="+49301234567"
        )
        request.dynamic_variables.update({"given": nested(GREATEST_DEPTH)})
        request.metadata.update(nested(GREATEST_DEPTH))
        return to_dict(self.calls.OnCallStart(request, timeout=TIMEOUT_SECS))

    def end_call(self, agent_uuid: str, conversation_uuid: str) -> dict:
        request = call_lifecycle_pb2.OnCallEndRequest(
            agent_uuid=agent_uuid, conversation_uuid=conversation_uuid, call_summary="Asked about an order. 👍"
        )
        request.call_duration.FromMilliseconds(142_500)
        return to_dict(self.calls.OnCallEnd(request, timeout=TIMEOUT_SECS))

    def wait_until_ended(self, execution_uuid: str) -> dict:
        request = execution_log_pb2.GetExecutionRequest(execution_uuid=execution_uuid)
        running = (execution_pb2.EXECUTION_STATE_ACCEPTED, execution_pb2.EXECUTION_STATE_SENDING)
        while True:
            reply = self.log.GetExecution(request, timeout=TIMEOUT_SECS)
            if reply.execution.state not in running:
                return to_dict(reply)["execution"]
            time.sleep(0.02)

    def make_a_mistake(self) -> dict:
        request = call_lifecycle_pb2.OnCallStartRequest(agent_uuid="nobody", conversation_uuid="nothing")
        return explain(lambda: self.calls.OnCallStart(request, timeout=TIMEOUT_SECS))

    def go_too_deep(self, agent_uuid: str) -> dict:
        request = call_lifecycle_pb2.OnCallStartRequest(agent_uuid=agent_uuid, conversation_uuid=str(uuid.uuid4()))
        request.dynamic_variables.update({"given": nested(GREATEST_DEPTH + 1)})
        return explain(lambda: self.calls.OnCallStart(request, timeout=TIMEOUT_SECS))


def explain(call) -> dict:
    """What an error says, taken apart with the standard classes of google.rpc."""
    try:
        call()
    except grpc.RpcError as error:
        found = {"code": error.code().name, "message": error.details(), "violations": []}
        for detail in rpc_status.from_call(error).details:
            info, bad_request = error_details_pb2.ErrorInfo(), error_details_pb2.BadRequest()
            if detail.Unpack(info):
                found |= {"reason": info.reason, "domain": info.domain, "count": info.metadata["violations"]}
            elif detail.Unpack(bad_request):
                found["violations"] = [violation.field for violation in bad_request.field_violations]
        return found
    raise AssertionError("the call succeeded")


def nested(depth: int) -> dict | list | str:
    """A JSON value of this depth, objects and lists by turns, with an object outside."""
    value: dict | list | str = "innermost ü 👍"
    for level in range(depth, 0, -1):
        value = {"level": level, "inner": value} if level % 2 else [level, None, value]
    return value


def to_dict(message) -> dict:
    return json_format.MessageToDict(message, preserving_proto_field_name=True)


if __name__ == "__main__":
    main(*sys.argv[1:])
