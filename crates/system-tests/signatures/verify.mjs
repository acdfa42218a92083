// Checks messages as a publisher does, with the official library: one JSON object a line in, one word a line out.
//
// A line holds `secret`, `headers`, `payload` (base64) and `json`, whether the payload is a body to be read or a request
// target. The argument is the folder with the packages.

import { createRequire } from "node:module";
import { createInterface } from "node:readline";

const { Webhook, WebhookVerificationError } = createRequire(`${process.argv[2]}/`)("standardwebhooks");

for await (const line of createInterface({ input: process.stdin })) {
    const message = JSON.parse(line);
    const payload = Buffer.from(message.payload, "base64");
    try {
        const body = new Webhook(message.secret).verify(payload, message.headers, { jsonParse: message.json });
        console.log("believed", message.json ? body.conversion.conversionId : "");
    } catch (error) {
        if (!(error instanceof WebhookVerificationError)) throw error;
        console.log("refused", error.message);
    }
}
