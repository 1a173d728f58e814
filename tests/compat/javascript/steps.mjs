// Runs the steps of a scenario with the AWS SDK for JavaScript v3, and prints what each answered as JSON.
//
// Arguments: file of the scenario, endpoint, region.

import { readFileSync } from "node:fs";
import * as events from "@aws-sdk/client-eventbridge";

const [file, endpoint, region] = process.argv.slice(2);
const credentials = { accessKeyId: "any", secretAccessKey: "any" };
const client = new events.EventBridgeClient({ endpoint, region, credentials, maxAttempts: 1 });

async function run({ operation, request }) {
  try {
    const { $metadata, ...answer } = await client.send(new events[`${operation}Command`](request));
    return { answer };
  } catch (error) {
    return { error: { code: error.name, message: error.message } };
  }
}

const seen = [];
for (const step of JSON.parse(readFileSync(file, "utf8"))) {
  seen.push(await run(step));
}
console.log(JSON.stringify(seen));
