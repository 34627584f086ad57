import time
import uuid
from collections.abc import Iterator
from pathlib import Path

import grpc
import pytest

from callhooks import CallhooksError, Client, Tls, texts
from callhooks.v1.agent_admin_pb2 import CreateAgentRequest, GetAgentRequest, ListAgentsRequest
from callhooks.v1.agent_pb2 import Agent
from callhooks.v1.call_lifecycle_pb2 import OnCallEndRequest, OnCallStartRequest, OnCallStartResponse
from callhooks.v1.execution_log_pb2 import GetExecutionRequest, WatchExecutionsRequest
from callhooks.v1.execution_pb2 import CALL_DECISION_PROCEED, EXECUTION_STATE_SUCCEEDED
from callhooks.v1.webhook_pb2 import WEBHOOK_TYPE_PRE_CALL


def new_agent(endpoint: str) -> Agent:
    """An agent whose pre-call webhook loads who calls."""
    agent = Agent()
    agent.dynamic_variables.update({"name": "there", "visits": 0})
    webhook = agent.webhooks.add(webhook_type=WEBHOOK_TYPE_PRE_CALL)
    webhook.webhook_config.api_schema.url = endpoint
    webhook.webhook_config.api_schema.method = "POST"
    for name in ("name", "visits"):
        webhook.webhook_config.assignments.add(attribute_name=name, dynamic_variable=name)
    return agent


@pytest.fixture
def client(address: str) -> Iterator[Client]:
    with Client(address) as client:
        yield client


def test_starts_and_ends_a_call_and_reads_its_execution(client: Client, endpoint: str) -> None:
    agent = client.agents.CreateAgent(CreateAgentRequest(agent=new_agent(endpoint))).agent
    agent_uuid, conversation_uuid = agent.agent_uuid, str(uuid.uuid4())
    start = client.calls.OnCallStart(
        OnCallStartRequest(agent_uuid=agent_uuid, conversation_uuid=conversation_uuid, caller_phone="+4930123")
    )
    assert start.decision == CALL_DECISION_PROCEED
    assert texts(start.dynamic_variables) == {"name": "Ada", "visits": "3"}
    end = OnCallEndRequest(agent_uuid=agent_uuid, conversation_uuid=conversation_uuid)
    assert not client.calls.OnCallEnd(end).replayed
    request = GetExecutionRequest(execution_uuid=start.execution.execution_uuid)
    assert client.executions.GetExecution(request).execution.state == EXECUTION_STATE_SUCCEEDED


def test_raises_an_error_with_reason_and_violations(client: Client) -> None:
    with pytest.raises(CallhooksError) as caught:
        client.calls.OnCallStart(OnCallStartRequest(agent_uuid="x", conversation_uuid="y"))
    error = caught.value
    assert (error.code(), error.reason) == (grpc.StatusCode.INVALID_ARGUMENT, "VALIDATION_FAILED")
    assert [violation.field for violation in error.violations] == ["agent_uuid", "conversation_uuid"]
    assert error.violation_count == 2
    assert str(error).startswith("INVALID_ARGUMENT (VALIDATION_FAILED): agent_uuid")


def test_raises_an_error_that_names_what_was_not_found(client: Client) -> None:
    agent_uuid = str(uuid.uuid4())
    with pytest.raises(CallhooksError) as caught:
        client.agents.GetAgent(GetAgentRequest(agent_uuid=agent_uuid))
    error = caught.value
    assert (error.reason, error.resource_type, error.resource_name) == ("AGENT_NOT_FOUND", "agent", agent_uuid)


def mutual_tls(certs: Path) -> Tls:
    return Tls(
        ca=(certs / "ca.pem").read_bytes(),
        certificate=(certs / "client.pem").read_bytes(),
        private_key=(certs / "client.key").read_bytes(),
        server_name="endpoint.example",
    )


def test_sends_the_token_that_a_function_returns_over_mutual_tls(tls_address: str, token: str, certs: Path) -> None:
    tokens = iter(["wrong", token])
    with Client(tls_address, tls=mutual_tls(certs), token=lambda: next(tokens)) as client:
        with pytest.raises(CallhooksError) as caught:
            client.agents.ListAgents(ListAgentsRequest())
        assert caught.value.reason == "UNAUTHENTICATED"
        assert len(client.agents.ListAgents(ListAgentsRequest()).agents) == 0


def test_sends_a_token_unencrypted_to_this_machine_only() -> None:
    for address in ("callhooks:50051", "dns:///callhooks:50051", "10.0.0.1:50051"):
        with pytest.raises(ValueError, match="without encryption"):
            Client(address, token="t")
    for address in ("localhost:50051", "127.0.0.1:1", "dns:///localhost:1", "[::1]:1", "unix:/x"):
        Client(address, token="t").close()
    Client("callhooks:50051", token="t", tls=False).close()


@pytest.fixture
def flaky(flaky_address: str) -> Iterator[Client]:
    """A client of a server that fails as often as a request asks for, and says the number of the attempt."""
    with Client(flaky_address) as client:
        yield client


def start(client: Client, wish: str, timeout: float | None = None) -> OnCallStartResponse:
    request = OnCallStartRequest(conversation_uuid=str(uuid.uuid4()), caller_phone=wish)
    return client.calls.OnCallStart(request, timeout=timeout)


def test_repeats_a_start_where_that_is_safe(flaky: Client) -> None:
    assert start(flaky, "UNAVAILABLE*2").reject_reason == "3"
    assert start(flaky, "RESOURCE_EXHAUSTED*1+10").reject_reason == "2"
    with pytest.raises(CallhooksError, match="attempt 1"):
        start(flaky, "ABORTED*1")


def test_waits_as_long_as_the_server_asks_for(flaky: Client) -> None:
    began = time.monotonic()
    start(flaky, "RESOURCE_EXHAUSTED*1+700")
    assert time.monotonic() - began > 0.69


def test_does_not_repeat_a_create_whose_effect_is_not_known(flaky: Client) -> None:
    def create(wish: str) -> str:
        agent = Agent(agent_uuid=str(uuid.uuid4()), display_name=wish)
        return flaky.agents.CreateAgent(CreateAgentRequest(agent=agent)).agent.etag

    assert create("RESOURCE_EXHAUSTED*1+10") == "2"
    with pytest.raises(CallhooksError, match="attempt 1"):
        create("UNAVAILABLE*1")


def test_ends_an_rpc_at_its_deadline(flaky: Client, flaky_address: str) -> None:
    with pytest.raises(CallhooksError) as caught:
        start(flaky, "silent", timeout=0.1)
    assert caught.value.code() == grpc.StatusCode.DEADLINE_EXCEEDED
    with Client(flaky_address, timeouts={"OnCallStart": 0.1}) as impatient:
        with pytest.raises(CallhooksError) as caught:
            start(impatient, "silent")
    assert caught.value.code() == grpc.StatusCode.DEADLINE_EXCEEDED


def watch_request(wish: str) -> WatchExecutionsRequest:
    return WatchExecutionsRequest(conversation_uuid=str(uuid.uuid4()), webhook_uuid=wish)


def test_watches_an_execution_as_it_ends(client: Client, endpoint: str) -> None:
    agent_uuid = client.agents.CreateAgent(CreateAgentRequest(agent=new_agent(endpoint))).agent.agent_uuid
    watch = client.watch_executions(WatchExecutionsRequest(agent_uuid=agent_uuid))
    assert len(next(watch).executions) == 0
    start = client.calls.OnCallStart(OnCallStartRequest(agent_uuid=agent_uuid, conversation_uuid=str(uuid.uuid4())))
    told = next(execution for message in watch for execution in message.executions)
    assert told.execution_uuid == start.execution.execution_uuid
    watch.close()


def test_resumes_a_lost_watch_where_it_was_and_tells_nothing_twice(flaky: Client) -> None:
    lost: list[CallhooksError] = []
    watch = flaky.watch_executions(watch_request("UNAVAILABLE*2"), on_lost=lost.append)
    messages = [next(watch) for _ in range(3)]
    watch.close()
    told = [(e.execution_uuid, e.reject_reason) for message in messages for e in message.executions]
    assert told == [("1", "0"), ("2", "0"), ("3", "15"), ("4", "25")]
    assert lost == []


def test_watches_from_the_first_stream_that_can_be_had(flaky: Client) -> None:
    watch = flaky.watch_executions(watch_request("!UNAVAILABLE*2"))
    assert next(watch).executions[0].execution_uuid == "3"
    watch.close()
    with pytest.raises(CallhooksError, match="attempt 4"):
        next(flaky.watch_executions(watch_request("!UNAVAILABLE*9")))


def test_ends_a_watch_with_an_error_that_another_try_does_not_help(flaky: Client) -> None:
    watch = flaky.watch_executions(watch_request("PERMISSION_DENIED*1"))
    next(watch)
    with pytest.raises(CallhooksError, match="attempt 1"):
        next(watch)


def test_ends_a_watch_at_its_timeout_or_when_the_client_is_closed(flaky_address: str) -> None:
    with Client(flaky_address) as client:
        with pytest.raises(CallhooksError) as caught:
            list(client.watch_executions(watch_request(""), timeout=0.3))
        assert caught.value.code() == grpc.StatusCode.DEADLINE_EXCEEDED
        watch = client.watch_executions(watch_request(""))
        next(watch)
    with pytest.raises(CallhooksError):
        next(watch)
