//! A subject of NATS: `nats://host/orders.{$.detail.region}?jetstream=true`.

use super::super::text_template::TextTemplate;
use super::url::BrokerUrl;

/// A subject that events are published to.
#[derive(Debug)]
pub struct NatsSubject {
    /// The subject, which every event makes anew.
    pub subject: TextTemplate,
    /// Whether a stream has to store the event before it counts as delivered.
    pub jetstream: bool,
}

impl NatsSubject {
    pub(super) fn parse(url: &mut BrokerUrl<'_>) -> Result<Self, &'static str> {
        let subject = TextTemplate::parse(url.path)?;
        check_nats_subject(&subject.with("x"))?;
        Ok(Self { subject, jetstream: url.take_flag("jetstream", false)? })
    }
}

/// Whether events can be published to a subject.
///
/// # Errors
/// What is wrong, as the end of a sentence.
pub fn check_nats_subject(subject: &str) -> Result<(), &'static str> {
    let tokens = || subject.split('.');
    if subject.starts_with('$') || tokens().next() == Some("_INBOX") {
        return Err("has a subject that belongs to the server, as all do that begin with '$' or '_INBOX'");
    }
    if tokens().any(|token| token.is_empty() || token == "*" || token == ">") {
        return Err("has a subject with an empty token or a wildcard");
    }
    if subject.contains(char::is_whitespace) {
        return Err("has a subject with a space");
    }
    Ok(())
}
