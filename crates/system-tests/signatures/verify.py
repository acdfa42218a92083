"""Checks messages as a publisher does, with the official library: one JSON object a line in, one word a line out.

A line holds `secret`, `headers`, `payload` (base64) and `json`, whether the payload is a body to be read or a request target.
"""

import base64
import json
import sys

from standardwebhooks import Webhook
from standardwebhooks.webhooks import WebhookVerificationError

for line in sys.stdin:
    message = json.loads(line)
    payload = base64.b64decode(message["payload"])
    try:
        body = Webhook(message["secret"]).verify(payload, message["headers"], json_parse=message["json"])
        print("believed", body["conversion"]["conversionId"] if message["json"] else "")
    except WebhookVerificationError as error:
        print("refused", error)
