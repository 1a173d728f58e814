//! Where copies of a target's dead letters go.

use super::{BrokerTarget, HttpUrl, LocalTarget, SqsQueue};
use crate::dead_letter::DeadLetter;
use crate::error::ServiceError;
use crate::limits::ANSWER_EXCERPT_BYTES_MAX;
use crate::retry::ExhaustedRetryCondition;

/// Where copies of a target's dead letters go: `DeadLetterConfig.Arn`, read.
#[derive(Debug)]
pub enum DeadLetterDestination {
    /// A standard queue.
    Queue(SqsQueue),
    /// A POST to a URL.
    Http(HttpUrl),
    /// A message for a broker.
    Broker(BrokerTarget),
    /// A line on this machine.
    Local(LocalTarget),
}

impl DeadLetterDestination {
    /// Reads `DeadLetterConfig.Arn`.
    ///
    /// # Errors
    /// A `ValidationException` for what is neither the ARN of a standard queue nor a URL that says everything itself.
    pub fn parse(arn: &str) -> Result<Self, ServiceError> {
        let not_valid =
            |reason: &str| ServiceError::validation(format!("Parameter {arn} is not valid. Reason: {reason}"));
        if let Some(local) = LocalTarget::parse(arn) {
            return local.map(Self::Local).map_err(|reason| not_valid(&format!("Provided URL {reason}.")));
        }
        if arn.starts_with("arn:") || !arn.contains("://") {
            return SqsQueue::for_dead_letters(arn).map(Self::Queue);
        }
        if let Some(broker) = BrokerTarget::parse(arn) {
            return broker.map(Self::Broker).map_err(|reason| not_valid(&format!("Provided URL {reason}.")));
        }
        let url = HttpUrl::parse(arn).map_err(|invalid| not_valid(&invalid.to_string()))?;
        if url.path.contains('*') {
            return Err(not_valid("The path has a '*', and dead letters have no PathParameterValues."));
        }
        Ok(Self::Http(url))
    }

    /// The hosts that its owner has chosen and the daemon connects to.
    #[must_use]
    pub fn hosts(&self) -> Vec<&str> {
        match self {
            Self::Http(url) => vec![url.host()],
            Self::Broker(broker) => broker.server.hosts(),
            Self::Queue(_) | Self::Local(_) => Vec::new(),
        }
    }
}

/// What stands beside the event in the copy of a dead letter: Amazon's message attributes, of which the one that is a number
/// is told apart.
#[derive(Debug, PartialEq, Eq)]
pub struct DeadLetterAttribute {
    /// Its name, as it is for a queue.
    pub name: &'static str,
    /// Its text, without control characters.
    pub value: String,
    /// Whether it is a number.
    pub is_number: bool,
}

impl DeadLetter {
    /// The attributes of its copies.
    #[must_use]
    pub fn attributes(&self) -> Vec<DeadLetterAttribute> {
        let exhausted = self.exhausted_retry_condition.map(ExhaustedRetryCondition::name);
        let retries = self.retry_attempts.to_string();
        let attributes = [
            ("RULE_ARN", Some(self.rule_arn.as_str())),
            ("TARGET_ARN", Some(self.target_arn.as_str())),
            ("ERROR_CODE", Some(self.error_code.as_str())),
            ("ERROR_MESSAGE", Some(self.error_message.as_str())),
            ("EXHAUSTED_RETRY_CONDITION", exhausted),
            ("RETRY_ATTEMPTS", Some(retries.as_str())),
        ];
        let attribute = |(name, value): (&'static str, Option<&str>)| {
            // What a target answered may hold what a message may not.
            let value = value?.replace(|char: char| char.is_control(), " ");
            Some(DeadLetterAttribute { name, value, is_number: name == "RETRY_ATTEMPTS" })
        };
        attributes.into_iter().filter_map(attribute).collect()
    }
}

impl DeadLetterAttribute {
    /// The same as a header: `ERROR_CODE` becomes `Error-Code`. What is not ASCII is a question mark, and a long text is cut.
    #[must_use]
    pub fn header(&self) -> (String, String) {
        let word = |word: &str| {
            let (first, rest) = word.split_at(word.len().min(1));
            first.to_owned() + &rest.to_ascii_lowercase()
        };
        let name: Vec<String> = self.name.split('_').map(word).collect();
        let ascii = |char: char| if char.is_ascii() { char } else { '?' };
        let value: String = self.value.chars().map(ascii).take(2 * ANSWER_EXCERPT_BYTES_MAX).collect();
        (name.join("-"), value.trim().to_owned())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clock::Timestamp;

    #[test]
    fn a_destination_is_a_standard_queue_or_any_url_that_a_target_may_be() {
        let parse = DeadLetterDestination::parse;
        assert!(matches!(parse("arn:aws:sqs:us-east-1:123456789012:dead"), Ok(DeadLetterDestination::Queue(_))));
        assert!(matches!(parse("https://example.com/dead?a=1"), Ok(DeadLetterDestination::Http(_))));
        assert!(matches!(parse("stdout:"), Ok(DeadLetterDestination::Local(_))));
        assert!(matches!(parse("file:///dead"), Ok(DeadLetterDestination::Local(_))));
        let broker = parse("nats://a.example,b.example/dead?header.x={$.detail.y}").unwrap();
        assert!(matches!(broker, DeadLetterDestination::Broker(_)));
        assert_eq!(broker.hosts(), ["a.example", "b.example"]);
        for (arn, reason) in [
            ("nats://example.com/", "Provided URL has a subject with an empty token or a wildcard."),
            ("ftp://example.com/dead", "Provided Arn is not in correct format."),
            (
                "file://host/dead",
                "Provided URL names another machine; the path of a file here begins behind three slashes.",
            ),
            ("http://example.com/*", "The path has a '*', and dead letters have no PathParameterValues."),
            ("http:///dead", "Provided URL has no host."),
            ("dead", "Provided Arn is not in correct format."),
        ] {
            let message = parse(arn).unwrap_err().message;
            assert_eq!(message, format!("Parameter {arn} is not valid. Reason: {reason}"));
        }
    }

    #[test]
    fn attributes_are_headers_too() {
        let letter = DeadLetter {
            event: None,
            died: Timestamp::EPOCH,
            rule_arn: "r".into(),
            target_id: "t".into(),
            target_arn: "a".into(),
            error_code: "TIMED_OUT".into(),
            error_message: "ä\nlong\u{7f}".into(),
            exhausted_retry_condition: Some(ExhaustedRetryCondition::MaximumRetryAttempts),
            retry_attempts: 3,
        };
        let headers: Vec<_> = letter.attributes().iter().map(DeadLetterAttribute::header).collect();
        let pair = |name: &str, value: &str| (name.to_owned(), value.to_owned());
        let expected = [
            pair("Rule-Arn", "r"),
            pair("Target-Arn", "a"),
            pair("Error-Code", "TIMED_OUT"),
            pair("Error-Message", "? long"),
            pair("Exhausted-Retry-Condition", "MaximumRetryAttempts"),
            pair("Retry-Attempts", "3"),
        ];
        assert_eq!(headers, expected);
    }
}
