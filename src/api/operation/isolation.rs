//! Accounts do not meet: every operation, by a caller who names what belongs to another account.

use serde_json::{Value, json};

use super::*;
use crate::engine::testing::{TestEngine, caller};

const OWNER: &str = "111111111111";
const STRANGER: &str = "222222222222";
const BUS_ARN: &str = "arn:aws:events:eu-west-1:111111111111:event-bus/orders";
const RULE_ARN: &str = "arn:aws:events:eu-west-1:111111111111:rule/orders/r";
const PATTERN: &str = r#"{"source":["shop"]}"#;
const URL: &str = "http://127.0.0.1:9/hook";

type Answer = Result<Value>;

async fn call(test: &TestEngine, caller: &Caller, operation: &str, request: &Value) -> Answer {
    let operation = Operation::find(&format!("{TARGET_PREFIX}{operation}")).unwrap();
    let answer = operation.run(&test.engine, caller, None, &request.to_string().into()).await?;
    Ok(if answer.is_empty() { json!({}) } else { serde_json::from_slice(&answer).unwrap() })
}

fn owner() -> Caller {
    caller(OWNER, Some("o-a1b2c3d4e5"))
}

/// The owner has a bus with a rule, which has a target; all of it tagged.
async fn owned() -> TestEngine {
    let test = TestEngine::new();
    let tags = json!([{"Key": "team", "Value": "shop"}]);
    for (operation, request) in [
        ("CreateEventBus", json!({"Name": "orders", "Tags": tags, "Description": "of the owner"})),
        ("PutRule", json!({"Name": "r", "EventPattern": PATTERN, "EventBusName": "orders", "Tags": tags})),
        ("PutTargets", json!({"Rule": "r", "EventBusName": "orders", "Targets": [{"Id": "1", "Arn": URL}]})),
        (
            "PutPermission",
            json!({"EventBusName": "orders", "Action": "events:PutEvents", "Principal": "333333333333", "StatementId": "third"}),
        ),
    ] {
        call(&test, &owner(), operation, &request).await.unwrap();
    }
    test
}

fn entry(bus: &str) -> Value {
    json!({"Source": "shop", "DetailType": "t", "Detail": "{}", "EventBusName": bus})
}

/// A request of an operation that names the bus `bus` and the rule on it.
///
/// It has no default: an operation that is new must be thought about here.
fn request(operation: &str, bus: &str, rule_arn: &str) -> Value {
    match operation {
        "CreateEventBus" | "DeleteEventBus" | "DescribeEventBus" => json!({"Name": bus}),
        "UpdateEventBus" => json!({"Name": bus, "Description": "of somebody else"}),
        "ListEventBuses" => json!({}),
        "PutEvents" => json!({"Entries": [entry(bus)]}),
        "DeleteRule" | "DescribeRule" | "DisableRule" | "EnableRule" => json!({"Name": "r", "EventBusName": bus}),
        "PutRule" => json!({"Name": "r", "EventPattern": "{\"a\":[1]}", "EventBusName": bus}),
        "ListRules" => json!({"EventBusName": bus}),
        "ListRuleNamesByTarget" => json!({"TargetArn": URL, "EventBusName": bus}),
        "ListTargetsByRule" => json!({"Rule": "r", "EventBusName": bus}),
        "PutTargets" => json!({"Rule": "r", "EventBusName": bus, "Targets": [{"Id": "2", "Arn": URL}]}),
        "RemoveTargets" => json!({"Rule": "r", "EventBusName": bus, "Ids": ["1"]}),
        "ListTagsForResource" => json!({"ResourceARN": rule_arn}),
        "TagResource" => json!({"ResourceARN": rule_arn, "Tags": [{"Key": "a", "Value": "b"}]}),
        "UntagResource" => json!({"ResourceARN": rule_arn, "TagKeys": ["team"]}),
        "PutPermission" => {
            json!({"EventBusName": bus, "Action": "events:PutEvents", "Principal": "*", "StatementId": "s"})
        }
        "RemovePermission" => json!({"EventBusName": bus, "RemoveAllPermissions": true}),
        "TestEventPattern" => json!({"EventPattern": PATTERN, "Event": "{}"}),
        other => panic!("{other} has to be tried by a stranger, too"),
    }
}

/// What becomes of a request that names a bus by its ARN.
enum ByArn {
    /// The policy of the bus is asked.
    Asked,
    /// There is no such request: the operation takes names of the caller's own buses.
    NamesOnly,
    /// The operation names no resource.
    NoResource,
}

fn by_arn(operation: &str) -> ByArn {
    match operation {
        "CreateEventBus" | "DeleteEventBus" | "UpdateEventBus" | "PutPermission" | "RemovePermission" => {
            ByArn::NamesOnly
        }
        "ListEventBuses" | "TestEventPattern" => ByArn::NoResource,
        _ => ByArn::Asked,
    }
}

fn names() -> impl Iterator<Item = &'static str> {
    IMPLEMENTED.iter().map(|operation| operation.name)
}

#[tokio::test]
async fn a_name_means_what_is_the_callers_own() {
    let stranger = caller(STRANGER, Some("o-a1b2c3d4e5"));
    let own_rule_arn = RULE_ARN.replace(OWNER, STRANGER);
    for operation in names().filter(|name| *name != "CreateEventBus") {
        let test = owned().await;
        let before = test.stored();
        let answer = call(&test, &stranger, operation, &request(operation, "orders", &own_rule_arn)).await;
        match (operation, answer) {
            // It is accepted, as every event for an unknown bus, and goes nowhere.
            ("PutEvents", Ok(answer)) => {
                assert_eq!(answer["FailedEntryCount"], 0);
                assert_eq!(test.journal.owed(), 0);
            }
            ("ListEventBuses", Ok(answer)) => {
                let buses = answer["EventBuses"].as_array().unwrap();
                assert_eq!(buses.iter().map(|bus| &bus["Name"]).collect::<Vec<_>>(), ["default"]);
                assert_eq!(buses[0]["Arn"], "arn:aws:events:eu-west-1:222222222222:event-bus/default");
            }
            ("DeleteEventBus", Ok(_)) => {}
            ("TestEventPattern", Err(error)) => assert_eq!(error.message, "Parameter Event is not valid."),
            (_, Err(error)) => {
                assert_eq!(error.code, ErrorCode::ResourceNotFound, "{operation}: {error}");
                assert_eq!(error.message, "Event bus orders does not exist.", "{operation}");
            }
            (_, Ok(answer)) => panic!("{operation} answered {answer}"),
        }
        assert_eq!(test.stored(), before, "{operation}");
    }
}

#[tokio::test]
async fn the_same_names_stand_side_by_side() {
    let (test, stranger) = (owned().await, caller(STRANGER, None));
    let before = test.stored();
    call(&test, &stranger, "CreateEventBus", &json!({"Name": "orders"})).await.unwrap();
    let own_rule_arn = RULE_ARN.replace(OWNER, STRANGER);
    for operation in ["PutRule", "PutTargets", "TagResource", "DisableRule", "UpdateEventBus", "PutPermission"] {
        call(&test, &stranger, operation, &request(operation, "orders", &own_rule_arn)).await.unwrap();
    }
    for operation in ["UntagResource", "RemovePermission"] {
        call(&test, &stranger, operation, &request(operation, "orders", &own_rule_arn)).await.unwrap();
    }
    call(&test, &stranger, "RemoveTargets", &json!({"Rule": "r", "EventBusName": "orders", "Ids": ["1", "2"]}))
        .await
        .unwrap();
    for operation in ["DeleteRule", "DeleteEventBus"] {
        call(&test, &stranger, operation, &request(operation, "orders", &own_rule_arn)).await.unwrap();
    }
    let owned = |records: Vec<crate::store::Record>| {
        records.into_iter().filter(|record| record.key.iter().any(|part| part == OWNER)).collect::<Vec<_>>()
    };
    assert_eq!(owned(test.stored()), owned(before));
}

#[tokio::test]
async fn an_arn_of_another_account_is_denied_whether_it_is_there_or_not() {
    for account in [STRANGER, "333333333333"] {
        let stranger = caller(account, Some("o-a1b2c3d4e5"));
        for operation in names() {
            let test = owned().await;
            let before = test.stored();
            for (bus, rule) in [
                (BUS_ARN.to_owned(), RULE_ARN.to_owned()),
                (BUS_ARN.replace("orders", "none"), RULE_ARN.replace("orders", "none")),
                (BUS_ARN.replace("orders", "default"), RULE_ARN.replace("orders/", "")),
            ] {
                let answer = call(&test, &stranger, operation, &request(operation, &bus, &rule)).await;
                let allowed = operation == "PutEvents" && account == "333333333333" && bus == BUS_ARN;
                match (by_arn(operation), answer) {
                    (ByArn::Asked, Ok(answer)) if operation == "PutEvents" => {
                        assert_eq!(answer["FailedEntryCount"], u64::from(!allowed), "{answer}");
                        let code = &answer["Entries"][0]["ErrorCode"];
                        assert!(allowed || code == "AccessDeniedException", "{answer}");
                    }
                    (ByArn::Asked, Err(error)) => {
                        assert_eq!(error.code, ErrorCode::AccessDenied, "{operation}: {error}");
                        assert!(
                            error.message.contains(&format!(
                                "{account}:root is not authorized to perform: events:{operation} on resource: arn:"
                            )),
                            "{error}"
                        );
                    }
                    (ByArn::NamesOnly, Err(error)) => assert_eq!(error.code, ErrorCode::Validation, "{operation}"),
                    (ByArn::NoResource, _) => {}
                    (_, Ok(answer)) => panic!("{operation} answered {answer}"),
                }
            }
            assert_eq!(test.stored(), before, "{operation}");
        }
    }
}

#[tokio::test]
async fn a_token_of_one_account_is_foreign_to_another() {
    let (test, stranger) = (TestEngine::new(), caller(STRANGER, None));
    for caller in [&owner(), &stranger] {
        for name in ["a", "b"] {
            call(&test, caller, "CreateEventBus", &json!({"Name": name})).await.unwrap();
            call(&test, caller, "PutRule", &json!({"Name": name, "EventPattern": PATTERN})).await.unwrap();
            let targets = json!([{"Id": "1", "Arn": URL}, {"Id": "2", "Arn": URL}]);
            call(&test, caller, "PutTargets", &json!({"Rule": name, "Targets": targets})).await.unwrap();
        }
    }
    for (operation, mut request) in [
        ("ListEventBuses", json!({})),
        ("ListRules", json!({})),
        ("ListRuleNamesByTarget", json!({"TargetArn": URL})),
        ("ListTargetsByRule", json!({"Rule": "a"})),
    ] {
        request["Limit"] = json!(1);
        let token = call(&test, &owner(), operation, &request).await.unwrap()["NextToken"].take();
        request["NextToken"] = token;
        call(&test, &owner(), operation, &request).await.unwrap();
        let error = call(&test, &stranger, operation, &request).await.unwrap_err();
        assert_eq!(error.message, "Parameter NextToken is not valid.", "{operation}");
    }
}

#[tokio::test]
async fn a_policy_opens_what_it_names_and_no_more() {
    let stranger = caller(STRANGER, None);
    for operation in names().filter(|name| matches!(by_arn(name), ByArn::Asked)) {
        let test = owned().await;
        let policy = json!({"Version": "2012-10-17", "Statement": [{
            "Effect": "Allow", "Principal": {"AWS": STRANGER}, "Action": format!("events:{operation}"),
            "Resource": [BUS_ARN, RULE_ARN],
        }]});
        call(&test, &owner(), "PutPermission", &json!({"EventBusName": "orders", "Policy": policy.to_string()}))
            .await
            .unwrap();
        for other in names().filter(|name| matches!(by_arn(name), ByArn::Asked)) {
            let answer = call(&test, &stranger, other, &request(other, BUS_ARN, RULE_ARN)).await;
            let denied = match &answer {
                Ok(answer) => answer["FailedEntryCount"] == 1,
                Err(error) => error.code == ErrorCode::AccessDenied,
            };
            assert_eq!(denied, other != operation, "{operation} allowed, {other} asked: {answer:?}");
        }
    }
}

#[tokio::test]
async fn an_event_keeps_its_sender_on_the_bus_of_another() {
    let test = owned().await;
    let third = caller("333333333333", None);
    let answer =
        call(&test, &third, "PutEvents", &json!({"Entries": [entry(BUS_ARN), entry("orders")]})).await.unwrap();
    assert_eq!(answer["FailedEntryCount"], 0, "{answer}");
    let targets = test.journal.targets_owed().unwrap();
    let pending = test.journal.ready(targets[0], None, 10).unwrap();
    assert_eq!((targets.len(), pending.len()), (1, 1));
    let event = test.journal.event(pending[0].delivery.event).unwrap();
    let envelope: Value = serde_json::from_str(&event.envelope).unwrap();
    assert_eq!(envelope["account"], "333333333333");
    assert_eq!(answer["Entries"][0]["EventId"], envelope["id"]);
}

#[tokio::test]
async fn an_organization_is_let_in_as_a_whole_and_an_owner_can_deny_itself() {
    let test = owned().await;
    let put = json!({"Entries": [entry(BUS_ARN)]});
    let condition = json!({"Type": "StringEquals", "Key": "aws:PrincipalOrgID", "Value": "o-a1b2c3d4e5"});
    let permission = json!({"EventBusName": "orders", "Action": "events:PutEvents", "Principal": "*",
                            "StatementId": "all", "Condition": condition});
    call(&test, &owner(), "PutPermission", &permission).await.unwrap();
    for (organization, failed) in [(Some("o-a1b2c3d4e5"), 0), (Some("o-0000000000"), 1), (None, 1)] {
        let answer = call(&test, &caller(STRANGER, organization), "PutEvents", &put).await.unwrap();
        assert_eq!(answer["FailedEntryCount"], failed, "{organization:?}");
    }
    let deny = json!({"Statement": {"Effect": "Deny", "Principal": "*", "Action": "events:*", "Resource": "*"}});
    let policy = json!({"EventBusName": "orders", "Policy": deny.to_string()});
    call(&test, &owner(), "PutPermission", &policy).await.unwrap();
    let answer = call(&test, &owner(), "PutEvents", &put).await.unwrap();
    assert_eq!(answer["Entries"][0]["ErrorCode"], "AccessDeniedException");
    let error =
        call(&test, &owner(), "DescribeRule", &json!({"Name": "r", "EventBusName": "orders"})).await.unwrap_err();
    assert!(error.message.ends_with("with an explicit deny in a resource-based policy"), "{error}");
    // The way back stays open.
    call(&test, &owner(), "RemovePermission", &json!({"EventBusName": "orders", "RemoveAllPermissions": true}))
        .await
        .unwrap();
    call(&test, &owner(), "DescribeRule", &json!({"Name": "r", "EventBusName": "orders"})).await.unwrap();
}
