//! An exchange of `RabbitMQ`: `amqp://host/vhost/exchange/routing.{$.detail.region}`.

use super::super::percent::decode;
use super::super::text_template::TextTemplate;
use super::url::{BrokerUrl, split_outside};

/// An exchange that events are published to.
#[derive(Debug)]
pub struct AmqpExchange {
    /// The virtual host.
    pub virtual_host: String,
    /// The exchange's name, at most 255 bytes; empty for the default exchange, whose routing keys are names of queues.
    pub exchange: String,
    /// The routing key.
    pub routing_key: TextTemplate,
    /// Whether an event counts as refused that no queue gets.
    pub mandatory: bool,
    /// Whether events outlive a restart of the broker.
    pub persistent: bool,
}

impl AmqpExchange {
    pub(super) fn parse(url: &mut BrokerUrl<'_>) -> Result<Self, &'static str> {
        let (virtual_host, rest) = split_outside(url.path, '/');
        let (exchange, routing_key) = split_outside(rest.unwrap_or_default(), '/');
        let routing_key =
            routing_key.ok_or("needs a path of /vhost/exchange/routing-key; the virtual host '/' is %2F")?;
        if virtual_host.is_empty() {
            return Err("names no virtual host; '/' is written %2F");
        }
        if virtual_host.contains('{') || exchange.contains('{') {
            return Err("has a place for a part of the event outside of the routing key and the headers");
        }
        let (virtual_host, exchange) = (decode(virtual_host)?, decode(exchange)?);
        if virtual_host.len() > 255 || exchange.len() > 255 {
            return Err("has a virtual host or an exchange of more than 255 bytes");
        }
        Ok(Self {
            virtual_host,
            exchange,
            routing_key: TextTemplate::parse(routing_key)?,
            mandatory: url.take_flag("mandatory", true)?,
            persistent: url.take_flag("persistent", true)?,
        })
    }
}
