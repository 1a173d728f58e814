//! Makes one call: finds the endpoint, signs, sends, reads the answer.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use eventyard_core::clock::Clock;
use eventyard_core::delivery::AttemptOutcome;
use eventyard_core::name::Region;
use eventyard_core::secret::Secret;
use eventyard_core::sigv4::{Request, amz_date, authorization};
use reqwest::{Client, Url};

use super::answer::Answer;
use super::call::{Call, Service};
use super::credentials::AwsCredentials;
use crate::delivery::senders::http::failure;

/// Where the services are, if not where AWS has them. An origin is a URL without a path: `http://127.0.0.1:4566`.
#[derive(Clone, Debug, Default)]
pub struct AwsEndpoints {
    /// The origin of a service, by the name that `AWS_ENDPOINT_URL_…` has for it, in lower case; none for where AWS has it.
    pub by_service: BTreeMap<String, Option<String>>,
    /// The origin of all others.
    pub for_all: Option<String>,
}

impl AwsEndpoints {
    /// The origin of a service in a region.
    pub(super) fn origin(&self, service: Service, region: &Region) -> String {
        let configured = self.by_service.get(service.name).unwrap_or(&self.for_all);
        configured.clone().unwrap_or_else(|| format!("https://{}.{region}.{}", service.prefix, domain(region)))
    }
}

/// The domain of a region, which is that of its partition.
fn domain(region: &Region) -> &'static str {
    const OF_PARTITIONS: [(&str, &str); 6] = [
        ("cn-", "amazonaws.com.cn"),
        ("eusc-", "amazonaws.eu"),
        ("us-iso-", "c2s.ic.gov"),
        ("us-isob-", "sc2s.sgov.gov"),
        ("us-isof-", "csp.hci.ic.gov"),
        ("eu-isoe-", "cloud.adc-e.uk"),
    ];
    let found = OF_PARTITIONS.iter().find(|(prefix, _)| region.as_str().starts_with(prefix));
    found.map_or("amazonaws.com", |(_, domain)| domain)
}

/// Calls the services of one region as one access key, or as nobody.
pub(super) struct Caller<'a> {
    pub(super) client: Client,
    pub(super) clock: &'a Arc<dyn Clock>,
    pub(super) endpoints: &'a AwsEndpoints,
    pub(super) region: &'a Region,
    pub(super) credentials: Option<AwsCredentials>,
    pub(super) response_timeout: Duration,
}

impl Caller<'_> {
    /// Makes a call.
    ///
    /// # Errors
    /// How the attempt ended when there was no answer.
    pub(super) async fn call(&self, call: &Call) -> Result<Answer, AttemptOutcome> {
        let request = self.request(call).map_err(|reason| AttemptOutcome::RequestInvalid { reason })?;
        let credentials = self.credentials.as_ref();
        let secrets = [
            credentials.map(|credentials| &credentials.secret_access_key),
            credentials.and_then(|credentials| credentials.session_token.as_ref()),
            call.secret.as_ref(),
        ];
        let secrets: Vec<&str> = secrets.into_iter().flatten().map(Secret::expose).collect();
        let exchange = async { Answer::read(request.send().await?, &secrets).await };
        match tokio::time::timeout(self.response_timeout, exchange).await {
            Ok(answer) => answer.map_err(|error| failure(&error)),
            Err(_) => Err(AttemptOutcome::TimedOut { waited_for: "the answer" }),
        }
    }

    fn request(&self, call: &Call) -> Result<reqwest::RequestBuilder, String> {
        let origin = self.endpoints.origin(call.service, self.region);
        let url = Url::parse(&format!("{origin}{}", call.path)).map_err(|error| error.to_string())?;
        let host = match (url.host_str(), url.port()) {
            (Some(host), Some(port)) => format!("{host}:{port}"),
            (host, _) => host.unwrap_or_default().to_owned(),
        };
        let mut builder = self.client.post(url.clone());
        for (name, value) in &call.headers {
            builder = builder.header(*name, value);
        }
        builder = builder.body(call.body.clone());
        let Some(credentials) = &self.credentials else { return Ok(builder) };
        let AwsCredentials { access_key_id, secret_access_key, session_token } = credentials;
        let now = self.clock.now();
        let mut added = vec![("x-amz-date", amz_date(now))];
        if let Some(token) = session_token {
            added.push(("x-amz-security-token", token.expose().to_owned()));
        }
        // The client sends Host by itself.
        let headers = call.headers.iter().chain(&added);
        let signed = headers.map(|(name, value)| (*name, value.as_bytes())).chain([("host", host.as_bytes())]);
        let request = Request {
            method: "POST",
            path: url.path(),
            query: "",
            headers: signed.collect(),
            body: call.body.as_bytes(),
        };
        let scope = (self.region.as_str(), call.service.prefix);
        let authorization = authorization(&request, scope, now, (access_key_id, secret_access_key));
        builder = builder.header("authorization", authorization);
        Ok(added.into_iter().fold(builder, |builder, (name, value)| builder.header(name, value)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_service_is_where_it_was_said_to_be_or_where_aws_has_it() {
        let [sqs, sns, events] =
            [("sqs", "sqs"), ("sns", "sns"), ("events", "eventbridge")].map(|(prefix, name)| Service { prefix, name });
        let here = |url: &str| Some(url.to_owned());
        let by_service = [("sqs".to_owned(), here("http://a")), ("eventbridge".to_owned(), None)].into();
        let endpoints = AwsEndpoints { by_service, for_all: here("http://b") };
        let origin = |service, region| endpoints.origin(service, &Region::parse(region).unwrap());
        assert_eq!((origin(sqs, "eu-west-1"), origin(sns, "eu-west-1")), ("http://a".into(), "http://b".into()));
        for (region, domain) in [
            ("eu-west-1", "amazonaws.com"),
            ("us-gov-west-1", "amazonaws.com"),
            ("cn-north-1", "amazonaws.com.cn"),
            ("us-iso-east-1", "c2s.ic.gov"),
            ("us-isob-east-1", "sc2s.sgov.gov"),
            ("eu-isoe-west-1", "cloud.adc-e.uk"),
        ] {
            assert_eq!(origin(events, region), format!("https://events.{region}.{domain}"));
        }
    }
}
