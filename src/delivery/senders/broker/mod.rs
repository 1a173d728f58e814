//! Message brokers: one message for each delivery, which counts once the broker has confirmed it.
//!
//! Each kind has a file that speaks its protocol. [`dial`] opens what it is spoken over, [`pool`] keeps one connection for
//! each server.

mod amqp;
mod dial;
mod kafka;
mod mqtt;
mod nats;
mod pool;
mod redis;

use std::sync::Arc;
use std::time::Duration;

use eventyard_core::clock::Timestamp;
use eventyard_core::connection::{Connection, message_id};
use eventyard_core::delivery::AttemptOutcome;
use eventyard_core::delivery_options::Timeouts;
use eventyard_core::event::EventId;
use eventyard_core::target::{BrokerDestination, BrokerTarget, TextTemplate};
use eventyard_core::trace_context::TraceContext;

use amqp::{AmqpConnection, AmqpPlace};
use dial::Peer;
pub use dial::{BrokerTlsError, Dialer};
use kafka::KafkaProducer;
use mqtt::MqttConnection;
use nats::NatsConnection;
use pool::Pool;
use redis::RedisConnection;

use crate::runtime::Random;

/// Sends messages to brokers.
#[derive(Debug)]
pub struct BrokerSender {
    dialer: Dialer,
    random: Arc<Random>,
    response_timeout: Duration,
    /// A connection on which no answers of streams come needs no permission to subscribe.
    nats: Pool<NatsConnection, (Peer, bool)>,
    kafka: KafkaProducer,
    mqtt: Pool<MqttConnection>,
    amqp: Pool<AmqpConnection, AmqpPlace>,
    redis: Pool<RedisConnection, (Peer, u16)>,
}

/// One delivery.
#[derive(Debug)]
pub(in crate::delivery) struct BrokerDelivery<'a> {
    pub(in crate::delivery) target: &'a BrokerTarget,
    /// What the operator knows about the server.
    pub(in crate::delivery) connection: Option<Arc<Connection>>,
    /// The ARN of the rule, and the id of its target.
    pub(in crate::delivery) recipient: (&'a str, &'a str),
    /// The event, whose parts the URL may name.
    pub(in crate::delivery) envelope: &'a str,
    pub(in crate::delivery) event: EventId,
    /// When it was accepted, or the dead letter that it was is sent again.
    pub(in crate::delivery) received: Timestamp,
    /// The span it is made in.
    pub(in crate::delivery) trace: Option<TraceContext>,
    /// What is sent.
    pub(in crate::delivery) body: String,
    /// What stands beside it.
    pub(in crate::delivery) headers: Vec<(String, String)>,
    /// Times that are others than those of all targets.
    pub(in crate::delivery) timeouts: Timeouts,
}

/// What every protocol sends, its parts of the event in their places.
#[derive(Debug)]
struct Message {
    /// By which a broker knows a repetition. All attempts at a delivery have the same, and no two deliveries: not those of
    /// one event to two targets, nor the one that follows when a dead letter is sent again.
    id: String,
    event: EventId,
    /// When it was accepted, in milliseconds since 1970.
    received_ms: i64,
    headers: Vec<(String, String)>,
    body: String,
    /// Time for the whole attempt.
    response_timeout: Duration,
}

impl BrokerSender {
    /// A sender whose attempts take `response_timeout` at most, connecting included.
    #[must_use]
    pub fn new(dialer: Dialer, random: Arc<Random>, response_timeout: Duration) -> Self {
        Self {
            kafka: KafkaProducer::default(),
            dialer,
            random,
            response_timeout,
            nats: Pool::default(),
            amqp: Pool::default(),
            mqtt: Pool::default(),
            redis: Pool::default(),
        }
    }

    /// Makes one attempt.
    pub(in crate::delivery) async fn send(&self, delivery: BrokerDelivery<'_>) -> AttemptOutcome {
        let connection = delivery.connection.clone();
        let response_timeout = delivery.timeouts.response.unwrap_or(self.response_timeout);
        let outcome = match tokio::time::timeout(response_timeout, self.try_send(delivery, response_timeout)).await {
            Ok(outcome) => outcome.unwrap_or_else(|failure| failure),
            Err(_) => AttemptOutcome::TimedOut { waited_for: "the broker's confirmation" },
        };
        match connection.as_ref().and_then(|connection| connection.password.as_ref()) {
            Some(password) => outcome.without(&[password.expose()]),
            None => outcome,
        }
    }

    /// The error is how an attempt ended that had no connection, or nothing to send.
    async fn try_send(
        &self,
        delivery: BrokerDelivery<'_>,
        response_timeout: Duration,
    ) -> Result<AttemptOutcome, AttemptOutcome> {
        let BrokerDelivery { target, connection, recipient, envelope, event, received, body, .. } = delivery;
        let resolve = |template: &TextTemplate| {
            template.resolve(envelope).map_err(|reason| AttemptOutcome::RequestInvalid { reason })
        };
        let header = |(name, value): &(String, TextTemplate)| Ok((name.clone(), resolve(value)?));
        let mut headers = target.headers.iter().map(header).collect::<Result<Vec<_>, AttemptOutcome>>()?;
        let trace = delivery.trace.map(|trace| (TraceContext::HEADER.to_owned(), trace.to_string()));
        for (name, value) in delivery.headers.into_iter().chain(trace) {
            // What the target says itself counts more.
            if !headers.iter().any(|(other, _)| other.eq_ignore_ascii_case(&name)) {
                headers.push((name, value));
            }
        }
        let received_ms = received.as_millis();
        let id = format!("{}_{received_ms}", message_id(event, recipient));
        let message = Message { id, event, received_ms, headers, body, response_timeout };
        let (server, connect_timeout) = (target.server.clone(), delivery.timeouts.connect);
        let (dialer, peer) = (self.dialer.clone(), Peer { server, connection, connect_timeout });
        Ok(match &target.destination {
            BrokerDestination::Nats(to) => {
                let subject = resolve(&to.subject)?;
                let inbox = to.jetstream.then(|| format!("_INBOX.{:016x}", self.random.next_u64()));
                let place = (peer.clone(), to.jetstream);
                let line = self.nats.get(&place, nats::connect(dialer, peer, inbox)).await?;
                self.nats.watch(&place, line.publish(&subject, &message)).await
            }
            BrokerDestination::Amqp(to) => {
                let routing_key = resolve(&to.routing_key)?;
                let (virtual_host, exchange) = (to.virtual_host.clone(), to.exchange.clone());
                let place = AmqpPlace { peer, virtual_host, exchange };
                let line = self.amqp.get(&place, amqp::connect(dialer, place.clone())).await?;
                self.amqp.watch(&place, line.publish(to, routing_key, &message)).await
            }
            BrokerDestination::Kafka(to) => {
                let key = to.key.as_ref().map(resolve).transpose()?;
                self.kafka.write(&dialer, peer, &to.topic, key.as_deref(), &message).await?
            }
            BrokerDestination::Mqtt(to) => {
                let topic = resolve(&to.topic)?;
                let line = self.mqtt.get(&peer, mqtt::connect(dialer, peer.clone())).await?;
                self.mqtt.watch(&peer, line.publish(to, &topic, &message)).await
            }
            BrokerDestination::Redis(to) => {
                let (key, place) = (resolve(&to.key)?, (peer, to.database));
                let line = self.redis.get(&place, redis::connect(dialer, place.clone())).await?;
                self.redis.watch(&place, line.add(to, &key, &message)).await
            }
        })
    }
}
