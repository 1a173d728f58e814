//! Message brokers: one message for each delivery, which counts once the broker has confirmed it.
//!
//! Each kind has a file that speaks its protocol. [`dial`] opens what it is spoken over, [`connections`] keeps one connection
//! for each server.

mod connections;
mod dial;
mod nats;

use std::sync::Arc;
use std::time::Duration;

use eventyard_core::delivery::AttemptOutcome;
use eventyard_core::event::EventId;
use eventyard_core::target::{BrokerDestination, BrokerTarget, TextTemplate};

use connections::Connections;
pub use dial::{BrokerTlsError, Dialer};
use nats::NatsConnection;

use crate::runtime::Random;

/// Sends messages to brokers.
#[derive(Debug)]
pub struct BrokerSender {
    dialer: Dialer,
    random: Arc<Random>,
    response_timeout: Duration,
    nats: Connections<NatsConnection>,
}

/// One delivery.
#[derive(Debug)]
pub(in crate::delivery) struct BrokerDelivery<'a> {
    pub(in crate::delivery) target: &'a BrokerTarget,
    /// The event, whose parts the URL may name.
    pub(in crate::delivery) envelope: &'a str,
    pub(in crate::delivery) event: EventId,
    /// What is sent.
    pub(in crate::delivery) body: String,
}

/// What every protocol sends, its parts of the event in their places.
#[derive(Debug)]
struct Message {
    event: EventId,
    headers: Vec<(String, String)>,
    body: String,
}

impl BrokerSender {
    /// A sender whose attempts take `response_timeout` at most, connecting included.
    #[must_use]
    pub fn new(dialer: Dialer, random: Arc<Random>, response_timeout: Duration) -> Self {
        Self { dialer, random, response_timeout, nats: Connections::default() }
    }

    /// Makes one attempt.
    pub(in crate::delivery) async fn send(&self, delivery: BrokerDelivery<'_>) -> AttemptOutcome {
        let server = &delivery.target.server;
        let exchange = async { self.try_send(delivery).await.unwrap_or_else(|failure| failure) };
        if let Ok(outcome) = tokio::time::timeout(self.response_timeout, exchange).await {
            return outcome;
        }
        // A broker that is gone without a word leaves a connection that looks well.
        self.nats.discard(server);
        AttemptOutcome::TimedOut { waited_for: "the broker's confirmation" }
    }

    async fn try_send(&self, delivery: BrokerDelivery<'_>) -> Result<AttemptOutcome, AttemptOutcome> {
        let BrokerDelivery { target, envelope, event, body } = delivery;
        let resolve = |template: &TextTemplate| {
            template.resolve(envelope).map_err(|reason| AttemptOutcome::RequestInvalid { reason })
        };
        let header = |(name, value): &(String, TextTemplate)| Ok((name.clone(), resolve(value)?));
        let headers = target.headers.iter().map(header).collect::<Result<_, _>>()?;
        let message = Message { event, headers, body };
        match &target.destination {
            BrokerDestination::Nats(to) => {
                let subject = resolve(&to.subject)?;
                let inbox = format!("_INBOX.{:016x}", self.random.next_u64());
                let open = nats::connect(self.dialer.clone(), target.server.clone(), inbox);
                let connection = self.nats.get(&target.server, open).await?;
                Ok(connection.publish(&subject, to.jetstream, &message).await)
            }
        }
    }
}
