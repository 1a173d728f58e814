//! A topic of Kafka: `kafka://broker-1,broker-2/orders?key={$.detail.customer}`.

use super::super::percent::decode;
use super::super::text_template::TextTemplate;
use super::url::BrokerUrl;

/// A topic that events are written to.
#[derive(Debug)]
pub struct KafkaTopic {
    /// The topic's name: 1 to 249 letters, digits, dots, underscores and hyphens.
    pub topic: String,
    /// The record's key, which says which partition it goes to; none for any partition.
    pub key: Option<TextTemplate>,
}

impl KafkaTopic {
    pub(super) fn parse(url: &mut BrokerUrl<'_>) -> Result<Self, &'static str> {
        if url.path.contains('{') {
            return Err("has a place for a part of the event outside of the key and the headers");
        }
        let topic = decode(url.path)?;
        let fits = |byte: u8| byte.is_ascii_alphanumeric() || b"._-".contains(&byte);
        if !(1..=249).contains(&topic.len()) || !topic.bytes().all(fits) || topic == "." || topic == ".." {
            return Err("needs a topic: 1 to 249 letters, digits, dots, underscores and hyphens");
        }
        Ok(Self { topic, key: url.take("key").map(TextTemplate::parse).transpose()? })
    }
}
