//! The ARNs of targets, in their parts.

use crate::error::ServiceError;
use crate::name::{AccountId, Region};

/// Why an ARN is not a target, as the second half of Amazon's message.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub(super) enum InvalidAwsArn {
    #[error("Provided Arn is not in correct format.")]
    NotInFormat,
    #[error("eventyard cannot deliver to '{0}' yet; docs/targets lists what it can.")]
    Service(String),
}

/// An ARN in its parts.
pub(super) struct Arn<'a> {
    pub(super) service: &'a str,
    pub(super) region: Region,
    /// None where the ARN leaves it out, as that of what Amazon owns does.
    pub(super) account: Option<AccountId>,
    pub(super) resource: &'a str,
}

impl<'a> Arn<'a> {
    pub(super) fn parse(arn: &'a str) -> Result<Self, InvalidAwsArn> {
        let parts: Vec<&str> = arn.splitn(6, ':').collect();
        let ["arn", partition, service, region, account, resource] = parts[..] else {
            return Err(InvalidAwsArn::NotInFormat);
        };
        if !partition.starts_with("aws") || service.is_empty() || resource.is_empty() {
            return Err(InvalidAwsArn::NotInFormat);
        }
        let region = Region::parse(region).map_err(|_| InvalidAwsArn::NotInFormat)?;
        let is_given = !account.is_empty();
        let account =
            is_given.then(|| AccountId::parse(account)).transpose().map_err(|_| InvalidAwsArn::NotInFormat)?;
        Ok(Self { service, region, account, resource })
    }

    /// What stands behind the kind of the resource, as in `stream/NAME`.
    pub(super) fn name(&self, kind: &str, separator: char) -> Option<String> {
        let name = self.resource.strip_prefix(kind)?.strip_prefix(separator)?;
        (!name.is_empty()).then(|| name.to_owned())
    }
}

pub(super) fn not_valid(arn: &str, reason: impl std::fmt::Display) -> ServiceError {
    ServiceError::validation(format!("Parameter {arn} is not valid. Reason: {reason}"))
}

/// A function's name, maybe with a version or an alias.
pub(super) fn is_function(text: &str) -> bool {
    text.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b':' | b'$'))
}

pub(super) fn is_fifo(name: &str) -> bool {
    name.strip_suffix(".fifo").is_some()
}

/// A queue's or topic's name: it becomes a part of a URL, so nothing else is let in.
pub(super) fn is_name(text: &str) -> bool {
    let stem = text.strip_suffix(".fifo").unwrap_or(text);
    !stem.is_empty() && stem.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_'))
}
