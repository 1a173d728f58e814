//! An event bus as its owner describes it.

use std::sync::Arc;

use crate::clock::Timestamp;
use crate::constraint::StringConstraint;
use crate::policy::Policy;
use crate::tag::Tags;

/// An event bus: where events are put and rules live.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EventBus {
    /// When it was created; for the default bus, when the store was.
    pub created: Timestamp,
    /// When it was last changed.
    pub modified: Timestamp,
    /// Free text, up to 512 characters; never empty.
    pub description: Option<String>,
    /// `DeadLetterConfig.Arn`. Amazon's service sends there what it cannot encrypt or decrypt. Nothing is encrypted here, so
    /// it is kept and given back.
    pub dead_letter_arn: Option<String>,
    /// `LogConfig`. Kept and given back; there are no logs of an event bus here.
    pub log_config: Option<LogConfig>,
    /// Who else may do what with it; none when nobody may.
    pub policy: Option<Arc<Policy>>,
    /// Its tags.
    pub tags: Tags,
}

/// `LogConfig`: how much Amazon's service would write to the logs of an event bus.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LogConfig {
    /// One of [`LogConfig::INCLUDE_DETAILS`].
    pub include_detail: Option<String>,
    /// One of [`LogConfig::LEVELS`].
    pub level: Option<String>,
}

impl EventBus {
    /// What the API model asks of a description.
    pub const DESCRIPTION: StringConstraint = StringConstraint::length(0, 512);
    /// What the API model asks of `DeadLetterConfig.Arn`.
    pub const DEAD_LETTER_ARN: StringConstraint = StringConstraint::length(1, 1_600);
    /// What the API model asks of `KmsKeyIdentifier`.
    pub const KMS_KEY_IDENTIFIER: StringConstraint = StringConstraint {
        length_min: 0,
        length_max: 2_048,
        pattern: Some((r"^[a-zA-Z0-9_\-/:]*$", |text| {
            text.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"_-/:".contains(&byte))
        })),
    };

    /// An event bus that nobody has described yet.
    #[must_use]
    pub fn new(created: Timestamp) -> Self {
        Self {
            created,
            modified: created,
            description: None,
            dead_letter_arn: None,
            log_config: None,
            policy: None,
            tags: Tags::default(),
        }
    }
}

impl LogConfig {
    /// The values of `IncludeDetail`.
    pub const INCLUDE_DETAILS: &'static [&'static str] = &["NONE", "FULL"];
    /// The values of `Level`.
    pub const LEVELS: &'static [&'static str] = &["OFF", "ERROR", "INFO", "TRACE"];
}
