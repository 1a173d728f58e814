//! From the configuration to the senders of deliveries.

use std::sync::Arc;

use super::StartError;
use super::settings::{egress, local_targets};
use crate::config::{AwsServices, Config};
use crate::delivery::{
    AwsCredentials, AwsCredentialsSource, AwsEndpoints, AwsSender, AwsSettings, BrokerSender, ContainerAuthorization,
    CurrentConnections, Dialer, EgressGuard, HttpSender, LocalSender, Senders,
};
use crate::runtime::{Random, SystemClock};

pub(super) fn senders(
    config: &Config,
    clock: Arc<SystemClock>,
    connections: Arc<CurrentConnections>,
    random: &Arc<Random>,
) -> Result<Senders, StartError> {
    let guard = EgressGuard::new(egress(config));
    let (connect_timeout, response_timeout) = (config.delivery.connect_timeout, config.delivery.response_timeout);
    let http = HttpSender::new(guard.clone(), clock.clone(), connect_timeout, response_timeout)?;
    let services = config.aws_services.clone();
    let settings = AwsSettings {
        assume_roles: services.assume_roles,
        credentials: aws_credentials(&services),
        endpoints: AwsEndpoints { by_service: services.endpoint_urls, for_all: services.endpoint_url },
    };
    let aws = AwsSender::new(&http, clock, settings);
    let dialer = Dialer::new(guard, config.delivery.connect_timeout)?;
    let local = LocalSender::new(local_targets(config), config.delivery.response_timeout);
    let broker = BrokerSender::new(dialer, Arc::clone(random), config.delivery.response_timeout);
    Ok(Senders { http, aws, broker, local, connections })
}

/// Where the AWS key may come from, in the order of AWS's own tools.
fn aws_credentials(services: &AwsServices) -> Vec<AwsCredentialsSource> {
    let given = services.access_key.clone().map(|(access_key_id, secret_access_key, session_token)| {
        AwsCredentialsSource::Given(AwsCredentials { access_key_id, secret_access_key, session_token })
    });
    let web_identity = services.web_identity.clone().map(|identity| AwsCredentialsSource::WebIdentity {
        token_file: identity.token_file,
        role_arn: identity.role_arn,
        session_name: identity.session_name,
    });
    let file = services
        .credentials_file
        .clone()
        .map(|path| AwsCredentialsSource::File { path, profile: services.profile.clone() });
    let container = services.container.clone().map(|container| AwsCredentialsSource::Container {
        url: container.url,
        authorization: match (container.token_file, container.token) {
            (Some(path), _) => ContainerAuthorization::File(path),
            (None, Some(token)) => ContainerAuthorization::Token(token),
            (None, None) => ContainerAuthorization::None,
        },
    });
    let instance = services.instance_metadata.clone().map(|origin| AwsCredentialsSource::Instance { origin });
    [given, web_identity, file, container, instance].into_iter().flatten().collect()
}
