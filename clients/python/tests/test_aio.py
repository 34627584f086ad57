import asyncio
import uuid
from pathlib import Path

import grpc
import pytest

from callhooks import AsyncClient, CallhooksError, texts
from callhooks.v1.agent_admin_pb2 import CreateAgentRequest, ListAgentsRequest
from callhooks.v1.call_lifecycle_pb2 import OnCallEndRequest, OnCallStartRequest
from callhooks.v1.execution_log_pb2 import WatchExecutionsRequest
from test_client import mutual_tls, new_agent, watch_request


async def test_starts_and_ends_a_call(address: str, endpoint: str) -> None:
    async with AsyncClient(address) as client:
        agent = (await client.agents.CreateAgent(CreateAgentRequest(agent=new_agent(endpoint)))).agent
        agent_uuid, conversation_uuid = agent.agent_uuid, str(uuid.uuid4())
        start = await client.calls.OnCallStart(
            OnCallStartRequest(agent_uuid=agent_uuid, conversation_uuid=conversation_uuid)
        )
        assert texts(start.dynamic_variables) == {"name": "Ada", "visits": "3"}
        end = OnCallEndRequest(agent_uuid=agent_uuid, conversation_uuid=conversation_uuid)
        assert not (await client.calls.OnCallEnd(end)).replayed


async def test_raises_an_error_with_its_reason(address: str) -> None:
    async with AsyncClient(address) as client:
        with pytest.raises(CallhooksError) as caught:
            await client.calls.OnCallStart(OnCallStartRequest(agent_uuid="x", conversation_uuid="y"))
    assert caught.value.reason == "VALIDATION_FAILED"
    assert len(caught.value.violations) == 2


async def test_repeats_a_start_where_that_is_safe(flaky_address: str) -> None:
    async with AsyncClient(flaky_address) as client:
        request = OnCallStartRequest(conversation_uuid=str(uuid.uuid4()), caller_phone="UNAVAILABLE*2")
        assert (await client.calls.OnCallStart(request)).reject_reason == "3"


async def test_ends_an_rpc_at_its_deadline_or_with_its_task(flaky_address: str) -> None:
    async with AsyncClient(flaky_address, timeouts={"OnCallStart": 0.1}) as client:
        request = OnCallStartRequest(conversation_uuid=str(uuid.uuid4()), caller_phone="silent")
        with pytest.raises(CallhooksError) as caught:
            await client.calls.OnCallStart(request)
        assert caught.value.code() == grpc.StatusCode.DEADLINE_EXCEEDED

        async def wait() -> None:
            await client.calls.OnCallStart(request, timeout=30)

        task = asyncio.create_task(wait())
        await asyncio.sleep(0)  # The task runs until it waits for the reply.
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task


async def test_sends_the_token_that_a_coroutine_returns_over_mutual_tls(
    tls_address: str, token: str, certs: Path
) -> None:
    tokens = iter(["wrong", token])

    async def next_token() -> str:
        return next(tokens)

    async with AsyncClient(tls_address, tls=mutual_tls(certs), token=next_token) as client:
        with pytest.raises(CallhooksError) as caught:
            await client.agents.ListAgents(ListAgentsRequest())
        assert caught.value.reason == "UNAUTHENTICATED"
        assert len((await client.agents.ListAgents(ListAgentsRequest())).agents) == 0


async def test_watches_an_execution_as_it_ends(address: str, endpoint: str) -> None:
    async with AsyncClient(address) as client:
        agent = (await client.agents.CreateAgent(CreateAgentRequest(agent=new_agent(endpoint)))).agent
        watch = client.watch_executions(WatchExecutionsRequest(agent_uuid=agent.agent_uuid))
        assert len((await anext(watch)).executions) == 0
        request = OnCallStartRequest(agent_uuid=agent.agent_uuid, conversation_uuid=str(uuid.uuid4()))
        start = await client.calls.OnCallStart(request)
        async for message in watch:
            if message.executions:
                break
        assert [e.execution_uuid for e in message.executions] == [start.execution.execution_uuid]
        await watch.aclose()


async def test_resumes_a_lost_watch_where_it_was_and_tells_nothing_twice(flaky_address: str) -> None:
    async with AsyncClient(flaky_address) as client:
        watch = client.watch_executions(watch_request("UNAVAILABLE*2"))
        messages = [await anext(watch) for _ in range(3)]
        told = [(e.execution_uuid, e.reject_reason) for message in messages for e in message.executions]
        assert told == [("1", "0"), ("2", "0"), ("3", "15"), ("4", "25")]
        await watch.aclose()


async def test_ends_a_watch_with_an_error_that_another_try_does_not_help(flaky_address: str) -> None:
    async with AsyncClient(flaky_address) as client:
        with pytest.raises(CallhooksError, match="attempt 4"):
            await anext(client.watch_executions(watch_request("!UNAVAILABLE*9")))
        watch = client.watch_executions(watch_request("PERMISSION_DENIED*1"))
        await anext(watch)
        with pytest.raises(CallhooksError, match="attempt 1"):
            await anext(watch)


async def test_ends_a_watch_at_its_timeout_with_its_task_or_with_its_client(flaky_address: str) -> None:
    async with AsyncClient(flaky_address) as client:
        with pytest.raises(CallhooksError) as caught:
            async for _ in client.watch_executions(watch_request(""), timeout=0.3):
                pass
        assert caught.value.code() == grpc.StatusCode.DEADLINE_EXCEEDED
        watch = client.watch_executions(watch_request(""))
        await anext(watch)
        task = asyncio.ensure_future(anext(watch))
        await asyncio.sleep(0)  # The task runs until it waits for the message.
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        watch = client.watch_executions(watch_request(""))
        await anext(watch)
        pending = asyncio.ensure_future(anext(watch))
        await asyncio.sleep(0)
    with pytest.raises(CallhooksError, match="the client was closed"):
        await pending
