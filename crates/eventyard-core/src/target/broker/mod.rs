//! Targets that are message brokers. The Arn is a URL: which server, where there, and what is added.

mod amqp;
mod kafka;
mod mqtt;
mod nats;
mod redis;
mod url;

pub use amqp::AmqpExchange;
pub use kafka::KafkaTopic;
pub use mqtt::{MqttTopic, check_mqtt_topic};
pub use nats::{NatsSubject, check_nats_subject};
pub use redis::RedisStream;
use url::BrokerUrl;

use super::text_template::TextTemplate;

/// A place on a message broker that events are sent to.
#[derive(Debug)]
pub struct BrokerTarget {
    /// Who is spoken to.
    pub server: BrokerServer,
    /// Where the event goes there.
    pub destination: BrokerDestination,
    /// Headers, or what the protocol has in their place, by name.
    pub headers: Vec<(String, TextTemplate)>,
}

/// A broker, as far as one connection serves for it.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct BrokerServer {
    /// Host and port; those behind the first are other ways to the same broker. An IPv6 address has its brackets.
    pub addresses: Vec<(String, u16)>,
    /// Whether TLS is spoken.
    pub tls: bool,
}

impl BrokerServer {
    /// The hosts that are connected to.
    #[must_use]
    pub fn hosts(&self) -> Vec<&str> {
        self.addresses.iter().map(|(host, _)| host.as_str()).collect()
    }
}

/// What is sent to. A kind without a variant here is refused by `PutTargets`.
#[derive(Debug)]
pub enum BrokerDestination {
    /// A subject of NATS.
    Nats(NatsSubject),
    /// An exchange of `RabbitMQ`.
    Amqp(AmqpExchange),
    /// A topic of Kafka.
    Kafka(KafkaTopic),
    /// A topic of MQTT.
    Mqtt(MqttTopic),
    /// A stream of Redis.
    Redis(RedisStream),
}

/// What a scheme says.
struct Scheme {
    tls: bool,
    default_port: u16,
    /// Whether the URL may name more than one server.
    several: bool,
    parse: fn(&mut BrokerUrl<'_>) -> Result<BrokerDestination, &'static str>,
    /// Names of headers that are eventyard's own, in lower case.
    reserved_headers: &'static [&'static str],
}

impl Scheme {
    fn of(name: &str) -> Option<Self> {
        Some(match name {
            "nats" | "tls" | "nats+tls" => Self {
                tls: name != "nats",
                default_port: 4222,
                several: true,
                parse: |url| NatsSubject::parse(url).map(BrokerDestination::Nats),
                reserved_headers: &["nats-msg-id", "eventyard-event-id"],
            },
            "amqp" | "amqps" => Self {
                tls: name == "amqps",
                default_port: if name == "amqps" { 5671 } else { 5672 },
                several: false,
                parse: |url| AmqpExchange::parse(url).map(BrokerDestination::Amqp),
                reserved_headers: &["eventyard-event-id"],
            },
            "kafka" | "kafka+tls" => Self {
                tls: name == "kafka+tls",
                default_port: 9092,
                several: true,
                parse: |url| KafkaTopic::parse(url).map(BrokerDestination::Kafka),
                reserved_headers: &["eventyard-event-id"],
            },
            "mqtt" | "mqtts" => Self {
                tls: name == "mqtts",
                default_port: if name == "mqtts" { 8883 } else { 1883 },
                several: false,
                parse: |url| MqttTopic::parse(url).map(BrokerDestination::Mqtt),
                reserved_headers: &["eventyard-event-id"],
            },
            "redis" | "rediss" => Self {
                tls: name == "rediss",
                default_port: 6379,
                several: false,
                parse: |url| RedisStream::parse(url).map(BrokerDestination::Redis),
                reserved_headers: &["id", "event"],
            },
            _ => return None,
        })
    }
}

impl BrokerTarget {
    /// Reads a URL, if its scheme is that of a broker.
    ///
    /// # Errors
    /// What is wrong, as the end of a sentence about the URL.
    pub(super) fn parse(arn: &str) -> Option<Result<Self, String>> {
        let (scheme, rest) = arn.split_once("://")?;
        Some(Self::parse_rest(&Scheme::of(scheme)?, rest))
    }

    fn parse_rest(scheme: &Scheme, rest: &str) -> Result<Self, String> {
        let mut url = BrokerUrl::parse(rest)?;
        if url.servers.len() > 1 && !scheme.several {
            return Err("has more than one server, which this kind does not know".to_owned());
        }
        let port = |port: Option<u16>| port.unwrap_or(scheme.default_port);
        let addresses = url.servers.iter().map(|(host, given)| (host.clone(), port(*given))).collect();
        let destination = (scheme.parse)(&mut url)?;
        let headers = url.take_headers()?;
        if let Some((name, _)) =
            headers.iter().find(|(name, _)| scheme.reserved_headers.contains(&name.to_ascii_lowercase().as_str()))
        {
            return Err(format!("sets the header '{name}', which eventyard sets itself"));
        }
        if let Some(name) = url.left_over() {
            return Err(format!("has the parameter '{name}', which this kind does not know"));
        }
        Ok(Self { server: BrokerServer { addresses, tls: scheme.tls }, destination, headers })
    }
}
