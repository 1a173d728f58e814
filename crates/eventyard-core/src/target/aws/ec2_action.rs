//! The calls of EC2 that are built in as targets, and what they are made on.

use serde_json::Value;

/// A call of EC2 whose ARN Amazon's service has built in: `arn:aws:events:REGION:ACCOUNT:target/stop-instances`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ec2Action {
    /// `CreateSnapshot` of a volume.
    CreateSnapshot,
    /// `RebootInstances`.
    RebootInstances,
    /// `StopInstances`.
    StopInstances,
    /// `TerminateInstances`.
    TerminateInstances,
}

impl Ec2Action {
    /// The action that an ARN names, behind `target/`. Instances are one or many, for Amazon's ARNs are seen in both forms.
    #[must_use]
    pub fn parse(name: &str) -> Option<Self> {
        match name {
            "create-snapshot" => Some(Self::CreateSnapshot),
            "reboot-instance" | "reboot-instances" => Some(Self::RebootInstances),
            "stop-instance" | "stop-instances" => Some(Self::StopInstances),
            "terminate-instance" | "terminate-instances" => Some(Self::TerminateInstances),
            _ => None,
        }
    }

    /// The name of the call.
    #[must_use]
    pub fn operation(self) -> &'static str {
        match self {
            Self::CreateSnapshot => "CreateSnapshot",
            Self::RebootInstances => "RebootInstances",
            Self::StopInstances => "StopInstances",
            Self::TerminateInstances => "TerminateInstances",
        }
    }

    /// What the input names: a volume, or instances, each by its id or its ARN; one as a string, several as a list.
    ///
    /// # Errors
    /// When it names none, something else, or several volumes.
    pub fn resources(self, input: &str) -> Result<Vec<String>, String> {
        let (kind, prefix) = if self == Self::CreateSnapshot { ("volume", "vol-") } else { ("instance", "i-") };
        let wanted = || format!("the input must be the id or the ARN of the {kind}, as a JSON string");
        let items = match serde_json::from_str(input).map_err(|_| wanted())? {
            Value::Array(items) if self != Self::CreateSnapshot && !items.is_empty() => items,
            item => vec![item],
        };
        let id = |item: Value| {
            let text = item.as_str()?;
            let id = text.rsplit_once(&format!(":{kind}/")).map_or(text, |(_, id)| id);
            let rest = id.strip_prefix(prefix)?;
            (!rest.is_empty() && rest.bytes().all(|byte| byte.is_ascii_alphanumeric())).then(|| id.to_owned())
        };
        items.into_iter().map(|item| id(item).ok_or_else(wanted)).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_input_names_what_is_acted_on() {
        let stop = |input| Ec2Action::StopInstances.resources(input);
        assert_eq!(stop(r#""i-0a1""#), Ok(vec!["i-0a1".to_owned()]));
        assert_eq!(stop(r#""arn:aws:ec2:us-east-1:123456789012:instance/i-0a1""#), Ok(vec!["i-0a1".to_owned()]));
        assert_eq!(stop(r#"["i-1", "i-2"]"#), Ok(vec!["i-1".to_owned(), "i-2".to_owned()]));
        assert_eq!(Ec2Action::CreateSnapshot.resources(r#""vol-7""#), Ok(vec!["vol-7".to_owned()]));
        for input in [r#""vol-7""#, r#""i-""#, r#""i-1&Force=true""#, "[]", "{}", "i-1", "[1]", "null"] {
            assert!(stop(input).is_err(), "{input}");
        }
        assert!(Ec2Action::CreateSnapshot.resources(r#"["vol-1"]"#).is_err());
    }
}
