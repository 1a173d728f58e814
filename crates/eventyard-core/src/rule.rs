//! A rule: which events it takes, and whether it does.

use crate::constraint::StringConstraint;
use crate::tag::Tags;

/// Whether a rule takes events.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RuleState {
    /// It does.
    Enabled,
    /// It does not.
    Disabled,
    /// It does, and on Amazon's service it also sees `CloudTrail` management events, of which there are none here.
    EnabledWithAllCloudTrailManagementEvents,
}

impl RuleState {
    /// The names of the states, in the order in which Amazon lists them.
    pub const NAMES: &'static [&'static str] =
        &["ENABLED", "DISABLED", "ENABLED_WITH_ALL_CLOUDTRAIL_MANAGEMENT_EVENTS"];

    /// Reads a state's name.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        match text {
            "ENABLED" => Some(Self::Enabled),
            "DISABLED" => Some(Self::Disabled),
            "ENABLED_WITH_ALL_CLOUDTRAIL_MANAGEMENT_EVENTS" => Some(Self::EnabledWithAllCloudTrailManagementEvents),
            _ => None,
        }
    }

    /// The state's name.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Enabled => "ENABLED",
            Self::Disabled => "DISABLED",
            Self::EnabledWithAllCloudTrailManagementEvents => "ENABLED_WITH_ALL_CLOUDTRAIL_MANAGEMENT_EVENTS",
        }
    }

    /// True when events reach the rule's targets.
    #[must_use]
    pub fn is_enabled(self) -> bool {
        self != Self::Disabled
    }
}

/// A rule as its owner describes it. Its targets are kept beside it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rule {
    /// The pattern, verbatim.
    pub event_pattern: Option<String>,
    /// The schedule, verbatim.
    pub schedule_expression: Option<String>,
    /// Whether it takes events.
    pub state: RuleState,
    /// Free text, up to 512 characters.
    pub description: Option<String>,
    /// The role Amazon's service would assume. Kept and given back; nothing here assumes it.
    pub role_arn: Option<String>,
    /// Who manages it in its owner's stead; none for a rule that its owner has put.
    pub managed_by: Option<String>,
    /// Its tags. Replacing a rule keeps those it has.
    pub tags: Tags,
}

impl Rule {
    /// What the API model asks of a description.
    pub const DESCRIPTION: StringConstraint = StringConstraint::length(0, 512);
    /// What the API model asks of a role's ARN.
    pub const ROLE_ARN: StringConstraint = StringConstraint::length(1, 1_600);
    /// What the API model asks of a schedule expression.
    pub const SCHEDULE_EXPRESSION: StringConstraint = StringConstraint::length(0, 256);
}
