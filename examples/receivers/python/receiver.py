"""An endpoint for callhooks, which takes only requests that callhooks has signed."""

import json
import os
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from standardwebhooks.webhooks import Webhook, WebhookVerificationError

MAX_BODY_BYTES = 4 << 20
"""callhooks does not send more than it was given in a call."""

CUSTOMERS = {"+14155550123": {"name": "Ada", "visits": 3}}
WEBHOOK = Webhook(os.environ["SIGNING_SECRET"])
REPORTS: dict[str, object] = {}
"""The reports by the id of their request. A request that somebody recorded and repeats adds nothing."""


class Receiver(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    timeout = 10  # Seconds that a client may keep silent.

    def do_POST(self) -> None:
        length = self.headers.get("content-length", "")
        if not length.isdecimal() or int(length) > MAX_BODY_BYTES:
            self.close_connection = True
            self.answer(413)
            return
        body = self.rfile.read(int(length))
        try:
            # The signature covers the bytes as they came: verify them before anything parses them. A malformed signature,
            # or a body that is no JSON in UTF-8, is a ValueError of the library.
            message = WEBHOOK.verify(body, dict(self.headers.items()))
        except (WebhookVerificationError, ValueError):
            self.answer(401)
            return
        if self.path == "/lookup":
            self.answer(200, CUSTOMERS.get(message.get("caller_phone"), {}))
        elif self.path == "/calls":
            REPORTS[self.headers["webhook-id"]] = message
            print(f"reports: {len(REPORTS)}", flush=True)
            self.answer(204)
        else:
            self.answer(404)

    def answer(self, status: int, body: object = None) -> None:
        content = b"" if body is None else json.dumps(body).encode()
        self.send_response(status)
        if status != 204:
            self.send_header("content-type", "application/json")
            self.send_header("content-length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, *_: object) -> None:
        """Logs nothing: paths and headers do not belong into a log."""


if __name__ == "__main__":
    server = ThreadingHTTPServer(("127.0.0.1", int(os.environ.get("PORT", "8080"))), Receiver)
    print(f"listening on http://127.0.0.1:{server.server_port}", flush=True)
    server.serve_forever()
