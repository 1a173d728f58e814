// One rule with the AWS SDK for JavaScript v3, from its beginning, or to its end. Prints what it saw as JSON.
//
// Arguments: begin or end, endpoint, region, key id, secret, session token (may be empty), URL of a target.

import {
  DeleteRuleCommand,
  DescribeRuleCommand,
  EventBridgeClient,
  ListRulesCommand,
  ListTargetsByRuleCommand,
  PutEventsCommand,
  PutRuleCommand,
  PutTargetsCommand,
  RemoveTargetsCommand,
} from "@aws-sdk/client-eventbridge";

const [part, endpoint, region, accessKeyId, secretAccessKey, sessionToken, target] = process.argv.slice(2);
const credentials = { accessKeyId, secretAccessKey, sessionToken: sessionToken || undefined };
const client = new EventBridgeClient({ endpoint, region, credentials, maxAttempts: 1 });
const seen = {};

async function begin() {
  const EventPattern = JSON.stringify({ source: ["läden"] });
  seen.arn = (await client.send(new PutRuleCommand({ Name: "js", EventPattern, Description: "ä b" }))).RuleArn;
  seen.isSame = (await client.send(new DescribeRuleCommand({ Name: "js" }))).EventPattern === EventPattern;
  const Targets = [{ Id: "t", Arn: target, RetryPolicy: { MaximumRetryAttempts: 3 } }];
  seen.failed = (await client.send(new PutTargetsCommand({ Rule: "js", Targets }))).FailedEntryCount;
  seen.targets = (await client.send(new ListTargetsByRuleCommand({ Rule: "js" }))).Targets;
  const Time = new Date("2026-05-01T10:00:01.5Z");
  const Entries = [{ Source: "läden", DetailType: "d", Detail: JSON.stringify({ n: 1 }), Time }];
  seen.eventId = (await client.send(new PutEventsCommand({ Entries }))).Entries[0].EventId;
}

async function end() {
  await client.send(new PutRuleCommand({ Name: "other", EventPattern: JSON.stringify({ source: ["x"] }) }));
  seen.names = [];
  let NextToken;
  do {
    const page = await client.send(new ListRulesCommand({ Limit: 1, NextToken }));
    seen.names.push(...page.Rules.map((rule) => rule.Name));
    NextToken = page.NextToken;
  } while (NextToken);
  await client.send(new RemoveTargetsCommand({ Rule: "js", Ids: ["t"] }));
  await client.send(new DeleteRuleCommand({ Name: "js" }));
  await client.send(new DescribeRuleCommand({ Name: "js" }));
}

try {
  await { begin, end }[part]();
} catch (error) {
  seen.error = { name: error.name, message: error.message, status: error.$metadata?.httpStatusCode };
}
console.log(JSON.stringify(seen));
