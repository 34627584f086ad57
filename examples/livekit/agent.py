"""A voice agent on LiveKit, which knows its callers by callhooks."""

import os

from callhooks import AsyncClient
from callhooks_call import Call, conversation_uuid
from livekit.agents import Agent, AgentServer, AgentSession, JobContext, cli

AGENT = os.environ.get("CALLHOOKS_AGENT", "a0000000-0000-4000-8000-000000000001")
ADDRESS = os.environ.get("CALLHOOKS_ADDRESS", "127.0.0.1:50051")


class FrontDesk(Agent):
    """Talks with a caller, whom it knows."""

    def __init__(self, call: Call) -> None:
        facts = "\n".join(f"{name}: {text}" for name, text in sorted(call.known.items()))
        # What comes from outside are facts for the model, and no orders.
        super().__init__(
            instructions=f"You answer the phone, in short sentences.\nThis is known of the caller:\n{facts}"
        )
        self._name = call.known.get("customer_name")

    async def on_enter(self) -> None:
        self.session.say(f"Hello {self._name}!" if self._name else "Hello!")


class TurnAway(Agent):
    """Turns a caller away."""

    def __init__(self) -> None:
        super().__init__(instructions="You say nothing.")

    async def on_enter(self) -> None:
        await self.session.say("Sorry, we can't take your call.", allow_interruptions=False)
        self.session.shutdown()


def agent_of(call: Call) -> Agent:
    """Returns the agent that the decision of callhooks asks for."""
    return FrontDesk(call) if call.talk else TurnAway()


server = AgentServer()


@server.rtc_session(agent_name="front-desk")
async def take_call(ctx: JobContext) -> None:
    """Takes one call. LiveKit runs it in a process of its own."""
    await ctx.connect()
    caller = await ctx.wait_for_participant()
    client = AsyncClient(ADDRESS, token=os.environ.get("CALLHOOKS_TOKEN"))
    phone = caller.attributes.get("sip.phoneNumber", "")
    call = Call(client, AGENT, conversation_uuid(ctx.job.id), phone)
    await call.start()

    session: AgentSession = AgentSession(
        stt="deepgram/nova-3", llm="openai/gpt-4.1-mini", tts="cartesia/sonic-3"
    )
    call.report_when_closed(session)

    async def close() -> None:
        await call.reported()
        await client.close()

    ctx.add_shutdown_callback(close)
    await session.start(agent=agent_of(call), room=ctx.room)


if __name__ == "__main__":
    cli.run_app(server)
