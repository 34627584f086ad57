"""Client of callhooks, which runs webhooks around phone calls.

`Client` is for synchronous programs and `AsyncClient` for asyncio. The messages are in `callhooks.v1`.
"""

from callhooks._connection import AsyncToken, Tls, Token
from callhooks.aio import AsyncClient
from callhooks.client import Client
from callhooks.errors import CallhooksError, Precondition, Violation
from callhooks.text import texts, to_text

__all__ = [
    "AsyncClient",
    "AsyncToken",
    "CallhooksError",
    "Client",
    "Precondition",
    "Tls",
    "Token",
    "Violation",
    "texts",
    "to_text",
]
