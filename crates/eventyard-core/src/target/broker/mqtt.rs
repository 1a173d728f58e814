//! A topic of MQTT: `mqtt://host/plant/{$.detail.line}/orders?retain=true`.

use super::super::text_template::TextTemplate;
use super::url::BrokerUrl;

/// A topic that events are published to.
#[derive(Debug)]
pub struct MqttTopic {
    /// The topic, which every event makes anew.
    pub topic: TextTemplate,
    /// Whether the broker keeps the last event for those who subscribe later.
    pub retain: bool,
}

impl MqttTopic {
    pub(super) fn parse(url: &mut BrokerUrl<'_>) -> Result<Self, &'static str> {
        let topic = TextTemplate::parse(url.path)?;
        check_mqtt_topic(&topic.with("x"))?;
        Ok(Self { topic, retain: url.take_flag("retain", false)? })
    }
}

/// Whether events can be published to a topic.
///
/// # Errors
/// What is wrong, as the end of a sentence.
pub fn check_mqtt_topic(topic: &str) -> Result<(), &'static str> {
    if topic.starts_with('$') {
        return Err("has a topic that belongs to the broker, as all do that begin with '$'");
    }
    if !(1..=65_535).contains(&topic.len()) || topic.contains(['+', '#']) {
        return Err("has a topic that is empty, too long or has a wildcard");
    }
    Ok(())
}
