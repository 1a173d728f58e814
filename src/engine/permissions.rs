//! Permissions: what the policies of event buses say, and asking them before anything of another account is touched.
//!
//! No operation makes the key of a bus or a rule from what a request names but through [`Engine::authorized_bus`],
//! [`Engine::authorized_rule`] and [`Engine::authorize`], so none can forget to ask.

use std::sync::Arc;

use eventyard_core::arn::{EventBusNameOrArn, event_bus_arn, rule_arn};
use eventyard_core::error::{ErrorCode, ServiceError};
use eventyard_core::name::{EventBusKey, Region, RuleKey, RuleName};
use eventyard_core::policy::{Decision, EventFacts, InvalidPolicy, Permission, Policy, PolicyTooLong, Request};

use super::{Caller, Engine};

impl Engine {
    /// The event bus that a request names, when the caller may do `action`, such as `events:ListRules`, with it.
    ///
    /// # Errors
    /// `AccessDeniedException` when it belongs to another account whose policy does not allow that, or is not there; or to a
    /// region that is not served.
    pub fn authorized_bus(
        &self,
        caller: &Caller,
        action: &'static str,
        name: Option<EventBusNameOrArn>,
    ) -> Result<EventBusKey, ServiceError> {
        let bus = caller.bus(name);
        self.authorize(caller, action, &bus, None)?;
        Ok(bus)
    }

    /// The rule that a request names, when the caller may do `action`, such as `events:PutRule`, with it.
    ///
    /// # Errors
    /// As [`Self::authorized_bus`].
    pub fn authorized_rule(
        &self,
        caller: &Caller,
        action: &'static str,
        bus: Option<EventBusNameOrArn>,
        name: RuleName,
    ) -> Result<RuleKey, ServiceError> {
        let key = RuleKey { bus: caller.bus(bus), name };
        self.authorize(caller, action, &key.bus, Some(&key))?;
        Ok(key)
    }

    /// Asks the policy of `bus` whether the caller may do `action` with it, or with a rule on it.
    ///
    /// # Errors
    /// As [`Self::authorized_bus`].
    pub fn authorize(
        &self,
        caller: &Caller,
        action: &'static str,
        bus: &EventBusKey,
        rule: Option<&RuleKey>,
    ) -> Result<(), ServiceError> {
        if !self.serves(&bus.region) {
            let message = format!("The region {} is not one of aws.regions.", bus.region);
            return Err(ServiceError::new(ErrorCode::AccessDenied, message));
        }
        let decision = self.decision(caller, action, bus, rule, None);
        if is_allowed(caller, bus, decision) {
            return Ok(());
        }
        let reason = match decision {
            Decision::Denied => "with an explicit deny in a resource-based policy".to_owned(),
            _ => format!("because no resource-based policy allows the {action} action"),
        };
        let message = format!(
            "User: arn:aws:iam::{}:root is not authorized to perform: {action} on resource: {} {reason}",
            caller.account,
            resource_arn(bus, rule)
        );
        Err(ServiceError::new(ErrorCode::AccessDenied, message))
    }

    /// True when the caller may put the event on `bus`, which need not be there when it is the caller's own.
    pub(super) fn may_put_event(&self, caller: &Caller, bus: &EventBusKey, event: EventFacts<'_>) -> bool {
        let decision = || self.decision(caller, "events:PutEvents", bus, None, Some(event));
        self.serves(&bus.region) && is_allowed(caller, bus, decision())
    }

    /// Requests are signed for a region that is served, but an ARN may name any.
    pub(super) fn serves(&self, region: &Region) -> bool {
        self.settings.regions.is_empty() || self.settings.regions.contains(region)
    }

    fn decision(
        &self,
        caller: &Caller,
        action: &str,
        bus: &EventBusKey,
        rule: Option<&RuleKey>,
        event: Option<EventFacts<'_>>,
    ) -> Decision {
        let registry = self.registry();
        let Some(policy) = registry.policy(bus) else { return Decision::NotMentioned };
        // A rule that is not there yet is the caller's to make.
        let creator = |key| registry.rule(key).map_or(&caller.account, |entry| entry.stored.creator(key));
        let request = Request {
            account: &caller.account,
            organization: caller.organization.as_ref(),
            action,
            resource: &resource_arn(bus, rule),
            rule_creator: rule.map(creator),
            event,
        };
        policy.decide(&request)
    }

    /// Adds a permission to the policy of an event bus, or replaces the one of the same `StatementId`.
    ///
    /// # Errors
    /// `ResourceNotFoundException` when the bus is not there, `PolicyLengthExceededException` when the policy would be too
    /// long.
    pub fn put_permission(&self, bus: &EventBusKey, permission: Permission) -> Result<(), ServiceError> {
        self.change_policy(bus, |policy| {
            Policy::with(policy, permission, &event_bus_arn(bus)).map(Some).map_err(policy_too_long)
        })
    }

    /// Replaces the policy of an event bus by the one in `document`.
    ///
    /// # Errors
    /// As [`Self::put_permission`], and a `ValidationException` for a document that is none, or says what is not understood.
    pub fn put_policy(&self, bus: &EventBusKey, document: &str) -> Result<(), ServiceError> {
        self.registry().require_bus(bus)?;
        let policy = Policy::parse(document, &event_bus_arn(bus)).map_err(|invalid| match invalid {
            InvalidPolicy::TooLong(too_long) => policy_too_long(too_long),
            InvalidPolicy::Unreadable(reason) => {
                ServiceError::validation(format!("Parameter Policy is not valid. Reason: {reason}"))
            }
        })?;
        self.change_policy(bus, |_| Ok(Some(policy)))
    }

    /// Removes one permission from the policy of an event bus.
    ///
    /// # Errors
    /// `ResourceNotFoundException` when the bus or the statement is not there.
    pub fn remove_permission(&self, bus: &EventBusKey, statement_id: &str) -> Result<(), ServiceError> {
        self.change_policy(bus, |policy| {
            let missing = || ServiceError::not_found("Statement with the provided id does not exist.");
            policy.and_then(|policy| policy.without(statement_id)).ok_or_else(missing)
        })
    }

    /// Removes the policy of an event bus, if it has one.
    ///
    /// # Errors
    /// `ResourceNotFoundException` when the bus is not there.
    pub fn remove_all_permissions(&self, bus: &EventBusKey) -> Result<(), ServiceError> {
        self.change_policy(bus, |_| Ok(None))
    }

    fn change_policy(
        &self,
        key: &EventBusKey,
        change: impl FnOnce(Option<&Policy>) -> Result<Option<Policy>, ServiceError>,
    ) -> Result<(), ServiceError> {
        let _changing = self.begin_change();
        let mut bus = self.registry().require_bus(key)?;
        let policy = change(bus.policy.as_deref())?;
        if policy.as_ref() == bus.policy.as_deref() {
            return Ok(());
        }
        bus.policy = policy.map(Arc::new);
        bus.modified = self.clock.now();
        self.put_event_bus(key, bus)
    }
}

/// The ARN of a rule, or else of an event bus.
fn resource_arn(bus: &EventBusKey, rule: Option<&RuleKey>) -> String {
    rule.map_or_else(|| event_bus_arn(bus), rule_arn)
}

/// An owner may do everything that is not denied, everybody else what is allowed.
fn is_allowed(caller: &Caller, bus: &EventBusKey, decision: Decision) -> bool {
    match decision {
        Decision::Allowed => true,
        Decision::NotMentioned => caller.account == bus.account,
        Decision::Denied => false,
    }
}

fn policy_too_long(too_long: PolicyTooLong) -> ServiceError {
    ServiceError::new(ErrorCode::PolicyLengthExceeded, too_long.to_string())
}
