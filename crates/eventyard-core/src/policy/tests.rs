//! What policies say, and which are refused.

use super::*;

const BUS: &str = "arn:aws:events:eu-west-1:111111111111:event-bus/orders";

fn account(id: &str) -> AccountId {
    AccountId::parse(id).unwrap()
}

fn decide(policy: &Policy, id: &str, organization: Option<&str>, action: &str, resource: &str) -> Decision {
    let organization = organization.map(|id| OrganizationId::parse(id).unwrap());
    policy.decide(&Request {
        account: &account(id),
        organization: organization.as_ref(),
        action,
        resource,
        rule_creator: None,
        event: None,
    })
}

fn may_put(policy: &Policy, id: &str, organization: Option<&str>) -> bool {
    decide(policy, id, organization, "events:PutEvents", BUS) == Decision::Allowed
}

fn permission(id: &str, principal: Option<&str>, organization: Option<&str>) -> Permission {
    Permission {
        statement_id: id.to_owned(),
        principal: principal.map(account),
        action: "events:PutEvents".to_owned(),
        organization: organization.map(str::to_owned),
    }
}

fn parse(statement: &str) -> Result<Policy, InvalidPolicy> {
    Policy::parse(&format!(r#"{{"Version":"2012-10-17","Statement":[{statement}]}}"#), BUS)
}

fn statement(effect: &str, principal: &str, rest: &str) -> String {
    let common =
        format!(r#""Effect":"{effect}","Principal":{principal},"Action":"events:PutEvents","Resource":"{BUS}""#);
    format!("{{{common}{rest}}}")
}

#[test]
fn permissions_are_written_as_amazon_writes_them() {
    let one = Policy::with(None, permission("b", Some("222222222222"), None), BUS).unwrap();
    let expected = r#"{"Version":"2012-10-17","Statement":[{"Sid":"b","Effect":"Allow","Principal":{"AWS":"arn:aws:iam::222222222222:root"},"Action":"events:PutEvents","Resource":"arn:aws:events:eu-west-1:111111111111:event-bus/orders"}]}"#;
    assert_eq!(one.to_string(), expected);
    let two = Policy::with(Some(&one), permission("a", None, Some("o-a1b2c3d4e5")), BUS).unwrap();
    let text = two.to_string();
    assert!(text.contains(r#""Principal":"*""#), "{text}");
    assert!(text.ends_with(r#""Condition":{"StringEquals":{"aws:PrincipalOrgID":"o-a1b2c3d4e5"}}}]}"#), "{text}");
    assert_eq!(Policy::parse(&text, BUS).unwrap(), two);
    let replaced = Policy::with(Some(&two), permission("b", None, None), BUS).unwrap();
    assert_eq!(replaced.to_string().matches("Sid").count(), 2);
    assert_eq!(replaced.without("c"), None);
    assert_eq!(replaced.without("a").unwrap().unwrap().without("b"), Some(None));
}

#[test]
fn what_nothing_allows_is_not_allowed() {
    let policy = Policy::with(None, permission("b", Some("222222222222"), None), BUS).unwrap();
    assert!(may_put(&policy, "222222222222", None));
    assert!(!may_put(&policy, "333333333333", None));
    assert_eq!(decide(&policy, "333333333333", None, "events:PutEvents", BUS), Decision::NotMentioned);
    for action in ["events:PutRule", "events:PutEventsX", "PutEvents", ""] {
        assert_eq!(decide(&policy, "222222222222", None, action, BUS), Decision::NotMentioned, "{action}");
    }
    for resource in [&format!("{BUS}x"), "arn:aws:events:eu-west-1:111111111111:event-bus/default", "*"] {
        assert_eq!(decide(&policy, "222222222222", None, "events:PutEvents", resource), Decision::NotMentioned);
    }
}

#[test]
fn an_organization_is_asked_for_its_members() {
    let policy = Policy::with(None, permission("o", None, Some("o-a1b2c3d4e5")), BUS).unwrap();
    assert!(may_put(&policy, "222222222222", Some("o-a1b2c3d4e5")));
    assert!(!may_put(&policy, "222222222222", Some("o-0000000000")));
    assert!(!may_put(&policy, "222222222222", None));
}

#[test]
fn principals_in_all_their_forms() {
    for (principal, second, third) in [
        (r#""*""#, true, true),
        (r#"{"AWS":"*"}"#, true, true),
        (r#"{"AWS":"222222222222"}"#, true, false),
        (r#"{"AWS":["333333333333","arn:aws:iam::222222222222:root"]}"#, true, true),
        (r#"{"Service":"events.amazonaws.com"}"#, false, false),
        (r#"{"Service":["a.amazonaws.com"],"AWS":"333333333333"}"#, false, true),
    ] {
        let policy = parse(&statement("Allow", principal, "")).unwrap();
        assert_eq!(may_put(&policy, "222222222222", None), second, "{principal}");
        assert_eq!(may_put(&policy, "333333333333", None), third, "{principal}");
    }
}

#[test]
fn a_denial_wins_wherever_it_stands() {
    let (all, none) = (statement("Allow", r#""*""#, ""), statement("Deny", r#"{"AWS":"222222222222"}"#, ""));
    for statements in [format!("{all},{none}"), format!("{none},{all}")] {
        let policy = parse(&statements).unwrap();
        assert_eq!(decide(&policy, "222222222222", None, "events:PutEvents", BUS), Decision::Denied);
        assert!(may_put(&policy, "333333333333", None));
    }
}

#[test]
fn conditions_hold_together() {
    let of = |operator: &str, key: &str, values: &str| {
        let rest = format!(r#","Condition":{{"{operator}":{{"{key}":{values}}}}}"#);
        parse(&statement("Allow", r#""*""#, &rest)).unwrap()
    };
    let (member, id) = (Some("o-a1b2c3d4e5"), "222222222222");
    for (operator, values, with, without) in [
        ("StringEquals", r#""o-a1b2c3d4e5""#, true, false),
        ("StringEquals", r#"["o-x","o-a1b2c3d4e5"]"#, true, false),
        ("StringEquals", r#""o-*""#, false, false),
        ("StringLike", r#""o-a*5""#, true, false),
        ("StringEqualsIfExists", r#""o-a1b2c3d4e5""#, true, true),
        ("StringNotEquals", r#""o-a1b2c3d4e5""#, false, true),
        ("StringNotEquals", r#"["o-x","o-a1b2c3d4e5"]"#, false, true),
        ("StringNotLike", r#""o-b*""#, true, true),
    ] {
        let policy = of(operator, "aws:PrincipalOrgID", values);
        assert_eq!(may_put(&policy, id, member), with, "{operator} {values}");
        assert_eq!(may_put(&policy, id, None), without, "{operator} {values}");
    }
    let policy = of("StringEquals", "AWS:principalaccount", r#""222222222222""#);
    assert!(may_put(&policy, id, None) && !may_put(&policy, "333333333333", None));
    let both =
        r#","Condition":{"StringEquals":{"aws:PrincipalOrgID":"o-a1b2c3d4e5","aws:PrincipalAccount":"222222222222"}}"#;
    let policy = parse(&statement("Allow", r#""*""#, both)).unwrap();
    assert!(may_put(&policy, id, member));
    assert!(!may_put(&policy, "333333333333", member) && !may_put(&policy, id, None));
}

#[test]
fn actions_and_resources_may_have_wildcards() {
    let text = r#"{"Effect":"Allow","Principal":"*","Action":["events:Put*","EVENTS:describerule"],"Resource":["arn:aws:events:*:111111111111:event-bus/orders","arn:aws:events:eu-west-1:111111111111:rule/orders/a?"]}"#;
    let policy = parse(text).unwrap();
    let rule = "arn:aws:events:eu-west-1:111111111111:rule/orders/";
    for (action, resource, allowed) in [
        ("events:PutEvents", BUS, true),
        ("events:PutRule", &format!("{rule}ab"), true),
        ("events:DescribeRule", &format!("{rule}ab"), true),
        ("events:DescribeRule", &format!("{rule}abc"), false),
        ("events:DeleteRule", &format!("{rule}ab"), false),
        ("events:PutEvents", "arn:aws:events:eu-west-1:222222222222:event-bus/orders", false),
    ] {
        let decision = decide(&policy, "222222222222", None, action, resource);
        assert_eq!(decision == Decision::Allowed, allowed, "{action} {resource}");
    }
}

#[test]
fn what_is_not_understood_is_refused() {
    let allow = |rest: &str| statement("Allow", r#""*""#, rest);
    let other = allow("").replace("orders", "others");
    for (text, reason) in [
        (statement("allow", r#""*""#, ""), "Effect 'allow'"),
        (statement("Allow", r#""222222222222""#, ""), "Principal '222222222222'"),
        (statement("Allow", r#"{"AWS":"arn:aws:iam::222222222222:role/r"}"#, ""), "no users and no roles"),
        (statement("Allow", r#"{"Federated":"f"}"#, ""), "Federated"),
        (statement("Allow", "{}", ""), "Principal is empty"),
        (statement("Allow", r#"{"AWS":[]}"#, ""), "Principal.AWS is empty"),
        (statement("Allow", "null", ""), "Principal is not an object"),
        (allow(r#","NotAction":"events:PutRule""#), "NotAction"),
        (allow(r#","Condition":{"IpAddress":{"aws:SourceIp":"10.0.0.0/8"}}"#), "IpAddress"),
        (allow(r#","Condition":{"StringEquals":{"aws:PrincipalAccount":"${aws:PrincipalAccount}"}}"#), "variables"),
        (allow(r#","Condition":{"StringEquals":{"aws:PrincipalOrgID":"a"},"StringEquals":{}}"#), "twice"),
        (allow(r#","Effect":"Deny""#), "twice"),
        (allow(r#","Sid":1"#), "Sid is not a text"),
        (format!("{},{}", allow(r#","Sid":"a""#), allow(r#","Sid":"a""#)), "the Sid 'a'"),
        (allow("").replace("events:PutEvents", "sqs:SendMessage"), "sqs:SendMessage"),
        (allow("").replace(BUS, "orders"), "no ARN"),
        (other, r#"The relative-id "event-bus/others" is invalid for ARN"#),
        ("[]".to_owned(), "not an object"),
        (String::new(), "Statement is empty"),
    ] {
        let error = parse(&text).unwrap_err().to_string();
        assert!(error.contains(reason), "{text}: {error}");
    }
    for text in ["", "{}", "[]", "null", r#"{"Version":"2020-01-01","Statement":[]}"#, &"[".repeat(10_000)] {
        assert!(Policy::parse(text, BUS).is_err(), "{text}");
    }
}

#[test]
fn a_policy_has_at_most_ten_kilobytes() {
    let mut policy = None;
    for number in 0.. {
        match Policy::with(policy.as_ref(), permission(&format!("{number:04}"), Some("222222222222"), None), BUS) {
            Ok(longer) => policy = Some(longer),
            Err(PolicyTooLong(length)) => {
                assert!(length > POLICY_SIZE_BYTES_MAX);
                break;
            }
        }
    }
    let longest = policy.unwrap().to_string();
    assert!(longest.len() <= POLICY_SIZE_BYTES_MAX && longest.len() > POLICY_SIZE_BYTES_MAX - 300);
    assert!(Policy::parse(&longest, BUS).is_ok());
    // Blanks are not kept.
    assert!(Policy::parse(&longest.replace(',', " ,  "), BUS).is_ok());
    assert!(Policy::parse(&longest.replace("]}", &format!(r#"],"Id":"{}"}}"#, "i".repeat(300))), BUS).is_err());
    assert!(matches!(Policy::parse(&" ".repeat(100_000), BUS), Err(InvalidPolicy::TooLong(_))));
}

mod documents {
    use proptest::prelude::*;

    use super::{BUS, Policy, decide};

    /// A value that one of the members could have, or could be taken for.
    fn value() -> impl Strategy<Value = String> {
        let values = [
            r#""*""#,
            r#""Allow""#,
            r#""Deny""#,
            r#""events:*""#,
            r#""events:PutEvents""#,
            r#""222222222222""#,
            r#"{"AWS":"222222222222"}"#,
            r#"{"AWS":["*"],"Service":"a"}"#,
            r#"{"AWS":[]}"#,
            "{}",
            "[]",
            "null",
            "1",
            r#"["events:PutEvents","events:PutRule"]"#,
            r#"["*"]"#,
            r#""""#,
            r#""\u0000""#,
            r#"{"StringEquals":{"aws:PrincipalOrgID":"o-a1b2c3d4e5"}}"#,
            r#"{"StringNotLikeIfExists":{"aws:principalaccount":["2*","?"]}}"#,
        ];
        let values: Vec<String> = values.map(str::to_owned).into_iter().chain([format!("{BUS:?}")]).collect();
        proptest::sample::select(values)
    }

    /// A statement, mostly a good one, with some of its members put by chance.
    fn statement() -> impl Strategy<Value = String> {
        let names = ["Sid", "Effect", "Principal", "Action", "Resource", "Condition", "NotAction"];
        let changed = (proptest::sample::select(names.to_vec()), value());
        proptest::collection::vec(changed, 0..3).prop_map(|changes| {
            let mut members = vec![
                ("Effect", r#""Allow""#.to_owned()),
                ("Principal", r#"{"AWS":"222222222222"}"#.to_owned()),
                ("Action", r#""events:PutEvents""#.to_owned()),
                ("Resource", format!("{BUS:?}")),
            ];
            for (name, value) in changes {
                members.retain(|(other, _)| *other != name);
                members.push((name, value));
            }
            let members: Vec<String> = members.iter().map(|(name, value)| format!("{name:?}:{value}")).collect();
            format!("{{{}}}", members.join(","))
        })
    }

    proptest! {
        #[test]
        fn what_is_read_is_written_and_read_again_as_the_same(
            statements in proptest::collection::vec(statement(), 1..4),
            account in "[2-3]{12}",
        ) {
            let text = format!(r#"{{"Statement":[{}]}}"#, statements.join(","));
            if let Ok(policy) = Policy::parse(&text, BUS) {
                let again = Policy::parse(&policy.to_string(), BUS).unwrap();
                prop_assert_eq!(&again, &policy);
                for action in ["events:PutEvents", "events:PutRule"] {
                    let (one, other) = (&policy, &again);
                    prop_assert_eq!(decide(one, &account, None, action, BUS), decide(other, &account, None, action, BUS));
                }
            }
        }

        #[test]
        fn no_text_is_too_strange_to_be_refused(text in r#"[\[\]{}":,*a-zA-Z0-9 \\]{0,80}"#) {
            // None of these has the four members that a statement needs.
            prop_assert!(Policy::parse(&text, BUS).is_err());
        }
    }
}

mod globs {
    use proptest::prelude::*;

    use super::super::glob;

    /// What a pattern means, without regard to how long that takes.
    fn plain(pattern: &[u8], text: &[u8]) -> bool {
        match (pattern, text) {
            ([], []) => true,
            ([b'*', rest @ ..], _) => plain(rest, text) || (!text.is_empty() && plain(pattern, &text[1..])),
            ([b'?', rest @ ..], [_, behind @ ..]) => plain(rest, behind),
            ([byte, rest @ ..], [other, behind @ ..]) => byte == other && plain(rest, behind),
            _ => false,
        }
    }

    proptest! {
        #[test]
        fn agree_with_the_plain_definition(pattern in "[ab*?]{0,8}", text in "[ab]{0,10}") {
            prop_assert_eq!(glob(&pattern, &text), plain(pattern.as_bytes(), text.as_bytes()));
        }
    }

    #[test]
    fn many_stars_do_not_take_long() {
        assert!(!glob(&"*a".repeat(500), &"a".repeat(499)));
        assert!(glob(&"*a".repeat(500), &"a".repeat(2_000)));
    }
}

#[test]
fn conditions_ask_for_the_event_that_is_put() {
    let condition = |keys: &str| parse(&statement("Allow", r#""*""#, &format!(r#","Condition":{{{keys}}}"#))).unwrap();
    let policy = condition(
        r#""StringEquals":{"events:source":["shop","till"],"events:eventBusInvocation":"false"},"StringLike":{"events:detail-type":"Order *"}"#,
    );
    for (source, detail_type, is_forwarded, expected) in [
        ("shop", "Order Placed", false, Decision::Allowed),
        ("till", "Order Paid", false, Decision::Allowed),
        ("other", "Order Placed", false, Decision::NotMentioned),
        ("shop", "Placed", false, Decision::NotMentioned),
        ("shop", "Order Placed", true, Decision::NotMentioned),
    ] {
        let event = Some(EventFacts { source, detail_type, is_forwarded });
        let asker = account("222222222222");
        let (action, resource) = ("events:PutEvents", BUS);
        let request = Request { account: &asker, organization: None, action, resource, rule_creator: None, event };
        assert_eq!(policy.decide(&request), expected, "{request:?}");
    }
    let rules = format!(
        r#"{{"Effect":"Allow","Principal":"*","Action":["events:PutEvents","events:PutRule"],"Resource":"{BUS}","Condition":{{"StringEquals":{{"events:source":"shop"}}}}}}"#
    );
    let refused = parse(&rules).unwrap_err().to_string();
    assert!(
        refused.contains("events:source is supported by eventyard where events:PutEvents is the only"),
        "{refused}"
    );
}

#[test]
fn conditions_ask_for_who_made_the_rule() {
    let condition = r#","Condition":{"StringEquals":{"events:creatorAccount":"222222222222"}}"#;
    let policy =
        parse(&format!(r#"{{"Effect":"Allow","Principal":"*","Action":"events:*","Resource":"*"{condition}}}"#))
            .unwrap();
    let asker = account("222222222222");
    for (creator, expected) in [
        (Some("222222222222"), Decision::Allowed),
        (Some("333333333333"), Decision::NotMentioned),
        (None, Decision::NotMentioned),
    ] {
        let creator = creator.map(account);
        let (action, resource) = ("events:DeleteRule", "arn:rule");
        let rule_creator = creator.as_ref();
        let request = Request { account: &asker, organization: None, action, resource, rule_creator, event: None };
        assert_eq!(policy.decide(&request), expected, "{creator:?}");
    }
}
