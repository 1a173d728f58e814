//! Any policy: no panic, what is read is written and read again as the same, and both say the same of a request.
#![no_main]

use eventyard_core::name::AccountId;
use eventyard_core::policy::{EventFacts, Policy, Request};
use libfuzzer_sys::fuzz_target;

const BUS: &str = "arn:aws:events:us-east-1:111111111111:event-bus/b";

fuzz_target!(|text: &str| {
    let Ok(policy) = Policy::parse(text, BUS) else { return };
    let again = Policy::parse(&policy.to_string(), BUS).expect("what is written can be read");
    assert_eq!(again, policy);
    let account = AccountId::parse("222222222222").expect("twelve digits");
    let event = Some(EventFacts { source: "shop", detail_type: "Order Placed", is_forwarded: false });
    let (action, resource) = ("events:PutEvents", BUS);
    let request = Request { account: &account, organization: None, action, resource, rule_creator: None, event };
    assert_eq!(again.decide(&request), policy.decide(&request));
});
