"""A good request of each operation that is there, and what has to be there before."""

import json

ACCOUNT = "000000000000"
PREFIX = f"arn:aws:events:us-east-1:{ACCOUNT}:"
PATTERN = '{"source":["shop"]}'
URL = "http://127.0.0.1:9/hook"
TAGS = [{"Key": "team", "Value": "shop"}]
TARGET = {
    "Id": "1",
    "Arn": f"{URL}/*",
    "RoleArn": "role",
    "InputTransformer": {"InputPathsMap": {"a": "$.detail.a"}, "InputTemplate": '{"a": <a>}'},
    "HttpParameters": {
        "PathParameterValues": ["$.source"],
        "HeaderParameters": {"X-A": "a"},
        "QueryStringParameters": {"q": "a"},
    },
    "RetryPolicy": {"MaximumRetryAttempts": 1, "MaximumEventAgeInSeconds": 60},
}
EVENT = {
    "id": "1",
    "account": ACCOUNT,
    "source": "shop",
    "time": "2026-01-02T03:04:05Z",
    "region": "us-east-1",
    "detail-type": "t",
}

# What is there before each operation is tried.
MADE = [
    ("CreateEventBus", {"Name": "orders", "Tags": TAGS}),
    ("PutRule", {"Name": "r", "EventPattern": PATTERN, "EventBusName": "orders", "Tags": TAGS}),
    ("PutTargets", {"Rule": "r", "EventBusName": "orders", "Targets": [TARGET]}),
    ("PutPermission", {"Action": "events:PutEvents", "Principal": "*", "StatementId": "all"}),
]
ON = {"EventBusName": "orders"}
# A good request of each operation, with the members that can be had together.
GOOD = {
    "CreateEventBus": {
        "Name": "new",
        "Description": "d",
        "DeadLetterConfig": {"Arn": "arn"},
        "LogConfig": {"IncludeDetail": "FULL", "Level": "INFO"},
        "Tags": TAGS,
    },
    "DeleteEventBus": {"Name": "other"},
    "DeleteRule": {"Name": "other", "Force": True} | ON,
    "DescribeEventBus": {"Name": "orders"},
    "DescribeRule": {"Name": "r"} | ON,
    "DisableRule": {"Name": "r"} | ON,
    "EnableRule": {"Name": "r"} | ON,
    "ListEventBuses": {"NamePrefix": "o", "Limit": 5},
    "ListRuleNamesByTarget": {"TargetArn": URL, "Limit": 5} | ON,
    "ListRules": {"NamePrefix": "r", "Limit": 5} | ON,
    "ListTagsForResource": {"ResourceARN": f"{PREFIX}event-bus/orders"},
    "ListTargetsByRule": {"Rule": "r", "Limit": 5} | ON,
    "PutEvents": {
        "Entries": [
            {
                "Time": 1_700_000_000,
                "Source": "shop",
                "Resources": ["a"],
                "DetailType": "t",
                "Detail": "{}",
                "EventBusName": "default",
                "TraceHeader": "trace",
            }
        ]
    },
    "PutPermission": {
        "EventBusName": "orders",
        "Action": "events:PutEvents",
        "Principal": "*",
        "StatementId": "s",
        "Condition": {"Type": "StringEquals", "Key": "aws:PrincipalOrgID", "Value": "o-a1b2c3d4e5"},
    },
    "PutRule": {
        "Name": "new",
        "EventPattern": PATTERN,
        "State": "DISABLED",
        "Description": "d",
        "RoleArn": "role",
        "Tags": TAGS,
    }
    | ON,
    "PutTargets": {"Rule": "r", "Targets": [TARGET | {"Id": "2"}]} | ON,
    "RemovePermission": {"StatementId": "all", "RemoveAllPermissions": False, "EventBusName": "default"},
    "RemoveTargets": {"Rule": "r", "Ids": ["1"], "Force": True} | ON,
    "TagResource": {"ResourceARN": f"{PREFIX}rule/orders/r", "Tags": [{"Key": "a", "Value": "b"}]},
    "TestEventPattern": {"EventPattern": PATTERN, "Event": json.dumps(EVENT)},
    "UntagResource": {"ResourceARN": f"{PREFIX}rule/orders/r", "TagKeys": ["team"]},
    "UpdateEventBus": {
        "Name": "orders",
        "Description": "d",
        "DeadLetterConfig": {"Arn": "arn"},
        "LogConfig": {"IncludeDetail": "FULL", "Level": "INFO"},
    },
}


def example(shape):
    """Some value of a shape, for members that no good request has."""
    kind = shape.type_name
    if kind == "structure":
        members = shape.members.items()
        return {name: example(member) for name, member in members if name in shape.required_members}
    if kind == "list":
        return [example(shape.member)] * max(1, shape.metadata.get("min", 1))
    if kind == "map":
        return {"a": example(shape.value)}
    if kind == "string":
        return shape.enum[0] if shape.enum else "a" * max(1, shape.metadata.get("min", 1))
    return True if kind == "boolean" else shape.metadata.get("min", 1)
