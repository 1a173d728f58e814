"""The steps of a scenario that change something as Terraform has them: the resources that there are when they are done. See
test_scenarios.py."""

import json
import re

from botocore import xform_name

BUS, RULE, TARGET, PERMISSION = (f"aws_cloudwatch_event_{kind}" for kind in ["bus", "rule", "target", "permission"])
ARN = re.compile(r"arn:aws:events:[^:]+:\d+:(?:event-bus/(?P<bus>[^/]+)|rule/(?:(?P<on>[^/]+)/)?(?P<rule>[^/]+))")

# Arguments of resources whose names are not Amazon's.
NAMES = {"Id": "target_id", "InputPathsMap": "input_paths", "SqsParameters": "sqs_target"}


class Resources:
    """The resources that there are, by type and names. The operations that change them are methods."""

    def __init__(self):
        self.resources = {}

    @classmethod
    def has(cls, operation):
        return hasattr(cls, xform_name(operation))

    def change(self, operation, request):
        getattr(self, xform_name(operation))(**request)

    def create_event_bus(self, Name, Tags=(), **members):
        self.put(BUS, Name, tags=as_map(Tags), name=Name, **arguments(members))

    def update_event_bus(self, Name, **members):
        self.resources[BUS, Name].update(arguments(members))

    def delete_event_bus(self, Name):
        del self.resources[BUS, Name]

    def put_permission(self, StatementId, EventBusName="default", **members):
        on = self.on(EventBusName)
        self.put(PERMISSION, EventBusName, StatementId, **arguments(members), **on, statement_id=StatementId)

    def remove_permission(self, StatementId, EventBusName="default"):
        del self.resources[PERMISSION, EventBusName, StatementId]

    def put_rule(self, Name, EventBusName="default", Tags=(), **members):
        self.put(RULE, EventBusName, Name, **arguments(members), **self.on(EventBusName), name=Name, tags=as_map(Tags))

    def enable_rule(self, Name, EventBusName="default"):
        self.resources[RULE, EventBusName, Name]["state"] = "ENABLED"

    def disable_rule(self, Name, EventBusName="default"):
        self.resources[RULE, EventBusName, Name]["state"] = "DISABLED"

    def delete_rule(self, Name, EventBusName="default"):
        del self.resources[RULE, EventBusName, Name]

    def put_targets(self, Rule, Targets, EventBusName="default"):
        on = {"event_bus_name": EventBusName, "rule": Rule, "depends_on": [address(RULE, EventBusName, Rule)]}
        for target in Targets:
            self.put(TARGET, EventBusName, Rule, target["Id"], **arguments(target), **on)

    def remove_targets(self, Rule, Ids, EventBusName="default"):
        for id in Ids:
            self.resources.pop((TARGET, EventBusName, Rule, id), None)

    def tag_resource(self, ResourceARN, Tags):
        self.tags_of(ResourceARN).update(as_map(Tags))

    def untag_resource(self, ResourceARN, TagKeys):
        for key in TagKeys:
            self.tags_of(ResourceARN).pop(key, None)

    def put(self, *key, **arguments):
        self.resources[key] = arguments

    def on(self, bus):
        """The event bus of something, which has to be there before it."""
        return {"event_bus_name": bus} | ({} if bus == "default" else {"depends_on": [address(BUS, bus)]})

    def tags_of(self, arn):
        named = ARN.fullmatch(arn)
        key = (BUS, named["bus"]) if named["bus"] else (RULE, named["on"] or "default", named["rule"])
        return self.resources[key]["tags"]

    def configuration(self):
        """The text of the file that declares them."""
        declared = {}
        for key, arguments in self.resources.items():
            kind, label = address(*key).split(".")
            declared.setdefault(kind, {})[label] = verbatim(arguments)
        # A block of resources that has none would be refused.
        return json.dumps({"resource": declared} if declared else {}, indent=2)


def address(kind, *names):
    return f"{kind}.{re.sub(r'[^A-Za-z0-9]', '_', '-'.join(names))}"


def as_map(tags):
    return {tag["Key"]: tag["Value"] for tag in tags}


def arguments(members):
    """Members of a request as arguments of a resource. What the provider does not know it refuses."""
    return {NAMES.get(name) or xform_name(name): argument(name, value) for name, value in members.items()}


def argument(name, value):
    # The keys of a map are no names of arguments.
    return arguments(value) if isinstance(value, dict) and name != "InputPathsMap" else value


def verbatim(value):
    """A value in which Terraform finds nothing to fill in."""
    if isinstance(value, dict):
        return {name: verbatim(inner) for name, inner in value.items()}
    if isinstance(value, list):
        return [verbatim(inner) for inner in value]
    return re.sub(r"([$%]){", r"\1\1{", value) if isinstance(value, str) else value
