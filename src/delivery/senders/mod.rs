//! The senders: one file for each kind of target, and a folder each for AWS services and for message brokers.

use std::sync::Arc;

use super::connections::CurrentConnections;

mod aws;
mod broker;
mod event_bus;
mod http;
mod local;

pub(super) use aws::AwsDelivery;
pub use aws::{AwsCredentials, AwsCredentialsSource, AwsEndpoints, AwsSender, AwsSettings, ContainerAuthorization};
pub(super) use broker::BrokerDelivery;
pub use broker::{BrokerSender, BrokerTlsError, Dialer};
pub(super) use event_bus::forward;
pub(super) use http::HttpRequest;
pub use http::{HttpSender, HttpSenderError};
pub use local::LocalSender;

/// A sender for every kind of target.
#[derive(Debug)]
pub struct Senders {
    /// For URLs.
    pub http: HttpSender,
    /// For AWS services.
    pub aws: AwsSender,
    /// For message brokers.
    pub broker: BrokerSender,
    /// For this machine.
    pub local: LocalSender,
    /// What the operator knows about the servers of targets.
    pub connections: Arc<CurrentConnections>,
}
