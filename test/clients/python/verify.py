"""Checks signatures with the official Standard Webhooks library for Python.

It reads a JSON list of {"secret", "body", "headers"} from standard input, and writes a JSON list: for each message the
parsed body, or the name of the error.
"""

import json
import sys

from standardwebhooks.webhooks import Webhook, WebhookVerificationError


def verify(message: dict) -> object:
    try:
        return Webhook(message["secret"]).verify(message["body"], message["headers"])
    except WebhookVerificationError as error:
        return type(error).__name__


print(json.dumps([verify(message) for message in json.load(sys.stdin)]))
