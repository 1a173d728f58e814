//! The document of a policy: its parts, and the form in which they are written.

use std::collections::BTreeMap;

use serde::{Serialize, Serializer};

use super::Permission;
use super::condition::{ORGANIZATION_KEY, STRING_EQUALS};

/// The version of the policy language that Amazon writes.
pub(super) const VERSION: &str = "2012-10-17";

#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct Document {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) version: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) id: Option<String>,
    pub(super) statement: OneOrMany<Statement>,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct Statement {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) sid: Option<String>,
    pub(super) effect: Effect,
    pub(super) principal: Principal,
    pub(super) action: OneOrMany<String>,
    pub(super) resource: OneOrMany<String>,
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub(super) condition: Conditions,
}

/// `Condition`: operator to key to values.
pub(super) type Conditions = BTreeMap<String, BTreeMap<String, OneOrMany<String>>>;

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub(super) enum Effect {
    Allow,
    Deny,
}

/// Whom a statement is about.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Principal {
    /// `"*"`.
    Everybody,
    /// `{"AWS": …, "Service": …}`.
    Named { aws: Option<OneOrMany<String>>, service: Option<OneOrMany<String>> },
}

impl Serialize for Principal {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Everybody => serializer.serialize_str("*"),
            Self::Named { aws, service } => {
                let named = [("AWS", aws), ("Service", service)];
                serializer.collect_map(named.into_iter().filter_map(|(kind, names)| Some((kind, names.as_ref()?))))
            }
        }
    }
}

/// One value, or a list of them. Both mean the same; which it was is kept, because clients read it back.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct OneOrMany<T> {
    values: Vec<T>,
    is_list: bool,
}

impl<T> OneOrMany<T> {
    pub(super) fn one(value: T) -> Self {
        Self { values: vec![value], is_list: false }
    }

    pub(super) fn list(values: Vec<T>) -> Self {
        Self { values, is_list: true }
    }

    pub(super) fn iter(&self) -> std::slice::Iter<'_, T> {
        self.values.iter()
    }

    /// The values as a list that can be changed; it is written as a list from now on.
    pub(super) fn as_mut_list(&mut self) -> &mut Vec<T> {
        self.is_list = true;
        &mut self.values
    }
}

impl<T: Serialize> Serialize for OneOrMany<T> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self.values.as_slice() {
            [one] if !self.is_list => one.serialize(serializer),
            many => many.serialize(serializer),
        }
    }
}

impl Document {
    pub(super) fn empty() -> Self {
        Self { version: Some(VERSION.to_owned()), id: None, statement: OneOrMany::list(Vec::new()) }
    }
}

impl Statement {
    /// The statement that Amazon's service writes for a permission.
    pub(super) fn from_permission(permission: Permission, resource: &str) -> Self {
        let principal = permission.principal.map_or(Principal::Everybody, |account| Principal::Named {
            aws: Some(OneOrMany::one(format!("arn:aws:iam::{account}:root"))),
            service: None,
        });
        let condition = permission.organization.map(|organization| {
            let keys = BTreeMap::from([(ORGANIZATION_KEY.to_owned(), OneOrMany::one(organization))]);
            BTreeMap::from([(STRING_EQUALS.to_owned(), keys)])
        });
        Self {
            sid: Some(permission.statement_id),
            effect: Effect::Allow,
            principal,
            action: OneOrMany::one(permission.action),
            resource: OneOrMany::one(resource.to_owned()),
            condition: condition.unwrap_or_default(),
        }
    }
}
