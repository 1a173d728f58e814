// Runs the steps of a scenario with a client of the AWS SDK for JavaScript v3, and prints what each answered as JSON.
//
// Arguments: the client's package, file of the scenario, endpoint, region.

import { readFileSync } from "node:fs";

const [library, file, endpoint, region] = process.argv.slice(2);
const events = await import(library);
const credentials = { accessKeyId: "any", secretAccessKey: "any" };
const Client = events.EventBridgeClient ?? events.CloudWatchEventsClient;
const client = new Client({ endpoint, region, credentials, maxAttempts: 1 });

async function run({ operation, request }) {
  const Command = events[`${operation}Command`];
  if (!Command) {
    return {};
  }
  try {
    const { $metadata, ...answer } = await client.send(new Command(request));
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
