//! `[aws_services]`, and the environment variables by which AWS's own tools are told where the services are and whose key
//! to use.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::path::PathBuf;

use eventyard_core::name::AccountId;
use eventyard_core::option_tag::nearest;
use eventyard_core::secret::Secret;
use eventyard_core::target::HttpUrl;

use super::fault::{Fault, Problem};
use super::origin::Origin;
use super::reader::Reader;

const ADVICE: &str = "write a URL without a path, such as http://127.0.0.1:4566";
const ITEM_ADVICE: &str = "write items such as sqs=http://127.0.0.1:9324, or sqs=aws for AWS itself";
/// The services that are called, by the names that `AWS_ENDPOINT_URL_…` has for them, in lower case.
const SERVICES: [&str; 16] = [
    "batch",
    "cloudwatch_logs",
    "codebuild",
    "codepipeline",
    "ec2",
    "ecs",
    "eventbridge",
    "firehose",
    "inspector",
    "kinesis",
    "lambda",
    "sfn",
    "sns",
    "sqs",
    "ssm",
    "sts",
];
const ENDPOINT_URL: &str = "AWS_ENDPOINT_URL";
const CONTAINER_AGENT: &str = "http://169.254.170.2";
const INSTANCE_METADATA: &str = "http://169.254.169.254";

/// Where AWS services are, and whom they take the daemon for.
#[derive(Clone, Debug, Default)]
pub struct AwsServices {
    /// The origin of each service that has its own, by the name that `AWS_ENDPOINT_URL_…` has for it, in lower case; none for
    /// where AWS has it.
    pub endpoint_urls: BTreeMap<String, Option<String>>,
    /// The origin of all others; none for AWS itself.
    pub endpoint_url: Option<String>,
    /// The accounts whose rules may call AWS services. Empty: see the defaults file.
    pub accounts: Vec<AccountId>,
    /// Whether the role of a target is assumed.
    pub assume_roles: bool,
    /// `AWS_ACCESS_KEY_ID` with its secret and, for a temporary key, its session token.
    pub access_key: Option<(String, Secret, Option<Secret>)>,
    /// The shared credentials file, whether it is there or not. None where nobody knows a home folder.
    pub credentials_file: Option<PathBuf>,
    /// The profile of the file.
    pub profile: String,
    /// The role that a token of an identity provider opens.
    pub web_identity: Option<WebIdentity>,
    /// The agent of the container.
    pub container: Option<ContainerCredentials>,
    /// The origin of the metadata service of the instance; none where it is not to be asked.
    pub instance_metadata: Option<String>,
}

/// `AWS_WEB_IDENTITY_TOKEN_FILE` and what belongs to it.
#[derive(Clone, Debug)]
pub struct WebIdentity {
    /// The file with the token.
    pub token_file: PathBuf,
    /// `AWS_ROLE_ARN`.
    pub role_arn: String,
    /// `AWS_ROLE_SESSION_NAME`.
    pub session_name: String,
}

/// `AWS_CONTAINER_CREDENTIALS_RELATIVE_URI` or `…_FULL_URI`, and what belongs to it.
#[derive(Clone, Debug)]
pub struct ContainerCredentials {
    /// Where the agent is.
    pub url: String,
    /// `AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE`.
    pub token_file: Option<PathBuf>,
    /// `AWS_CONTAINER_AUTHORIZATION_TOKEN`.
    pub token: Option<Secret>,
}

impl AwsServices {
    pub(super) fn read(reader: &mut Reader<'_>) -> Self {
        let mut section = reader.section("aws_services");
        let url = |text: &str| if text.is_empty() { Some(None) } else { origin(text).map(Some) };
        Self {
            endpoint_url: section.text("endpoint_url", None, ADVICE, url),
            endpoint_urls: section.try_list("endpoint_urls", ITEM_ADVICE, endpoint).into_iter().collect(),
            accounts: section.list("accounts", "write account ids of 12 digits", |id| AccountId::parse(id).ok()),
            assume_roles: section.boolean("assume_roles"),
            ..Self::default()
        }
    }

    /// Adds what the environment says. What is said of one service counts more than what is said of all, and of either the
    /// option counts more than the variable.
    pub(super) fn add_environment(&mut self, environment: &[(OsString, OsString)]) -> Vec<Fault> {
        let mut faults = Vec::new();
        for (variable, value) in environment {
            let (Some(variable), Some(value)) = (variable.to_str(), value.to_str()) else { continue };
            let Some(service) = variable.strip_prefix(ENDPOINT_URL).filter(|_| !value.is_empty()) else { continue };
            match (origin(value), service.strip_prefix('_')) {
                (Some(url), Some(service)) => {
                    self.endpoint_urls.entry(service.to_ascii_lowercase()).or_insert(Some(url));
                }
                (Some(url), None) if service.is_empty() => {
                    self.endpoint_url.get_or_insert(url);
                }
                (None, _) => faults.push(Fault {
                    origin: Origin::Environment { variable: variable.to_owned() },
                    key: "aws_services.endpoint_url".to_owned(),
                    problem: Problem::Refused { why: format!("{value:?} cannot be used"), advice: ADVICE.to_owned() },
                }),
                (Some(_), None) => {}
            }
        }
        let variable = |wanted: &str| {
            let found = environment.iter().rfind(|(name, _)| name == wanted).map(|(_, value)| value.clone());
            found.filter(|value| !value.is_empty())
        };
        let text = |wanted: &str| variable(wanted).and_then(|value| value.into_string().ok());
        if let (Some(id), Some(secret)) = (text("AWS_ACCESS_KEY_ID"), text("AWS_SECRET_ACCESS_KEY")) {
            let token = text("AWS_SESSION_TOKEN").map(|token| Secret::new(&token));
            self.access_key = Some((id, Secret::new(&secret), token));
        }
        let home = || Some(PathBuf::from(variable("HOME")?).join(".aws/credentials"));
        self.credentials_file = variable("AWS_SHARED_CREDENTIALS_FILE").map(PathBuf::from).or_else(home);
        self.profile = text("AWS_PROFILE").unwrap_or_else(|| "default".to_owned());
        if let (Some(token_file), Some(role_arn)) = (variable("AWS_WEB_IDENTITY_TOKEN_FILE"), text("AWS_ROLE_ARN")) {
            let session_name = text("AWS_ROLE_SESSION_NAME").unwrap_or_else(|| "eventyard".to_owned());
            self.web_identity = Some(WebIdentity { token_file: token_file.into(), role_arn, session_name });
        }
        let relative = text("AWS_CONTAINER_CREDENTIALS_RELATIVE_URI").map(|path| format!("{CONTAINER_AGENT}{path}"));
        self.container =
            relative.or_else(|| text("AWS_CONTAINER_CREDENTIALS_FULL_URI")).map(|url| ContainerCredentials {
                url,
                token_file: variable("AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE").map(PathBuf::from),
                token: text("AWS_CONTAINER_AUTHORIZATION_TOKEN").map(|token| Secret::new(&token)),
            });
        let is_disabled = text("AWS_EC2_METADATA_DISABLED").is_some_and(|value| value.eq_ignore_ascii_case("true"));
        let endpoint = text("AWS_EC2_METADATA_SERVICE_ENDPOINT");
        let endpoint =
            endpoint.map_or_else(|| INSTANCE_METADATA.to_owned(), |url| url.trim_end_matches('/').to_owned());
        self.instance_metadata = (!is_disabled).then_some(endpoint);
        faults
    }
}

/// `SERVICE=URL` or `SERVICE=aws`.
fn endpoint(text: &str) -> Result<(String, Option<String>), String> {
    let (name, url) = text.split_once('=').ok_or_else(|| format!("{text:?} has no ="))?;
    if !SERVICES.contains(&name) {
        let nearest = nearest(name, SERVICES).unwrap_or_default();
        return Err(format!("no service that is called has the name {name:?}; the nearest one is {nearest}"));
    }
    let url = if url == "aws" { None } else { Some(origin(url).ok_or_else(|| format!("{url:?} cannot be used"))?) };
    Ok((name.to_owned(), url))
}

/// A URL that has neither path nor query, without the slash at its end.
fn origin(text: &str) -> Option<String> {
    let url = HttpUrl::parse(text).ok()?;
    (url.path == "/" && url.query.is_none()).then_some(url.origin)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn with(option: AwsServices, variables: &[(&str, &str)]) -> (AwsServices, usize) {
        let variables: Vec<_> = variables.iter().map(|(name, value)| (name.into(), value.into())).collect();
        let mut services = option;
        let faults = services.add_environment(&variables).len();
        (services, faults)
    }

    #[test]
    fn endpoints_come_from_options_before_variables() {
        let option = AwsServices {
            endpoint_urls: [("sqs".to_owned(), Some("http://a".to_owned())), ("sts".to_owned(), None)].into(),
            endpoint_url: Some("http://b".to_owned()),
            ..AwsServices::default()
        };
        let variables = [
            ("AWS_ENDPOINT_URL", "http://c/"),
            ("AWS_ENDPOINT_URL_SQS", "http://d"),
            ("AWS_ENDPOINT_URL_SNS", "http://e:1/"),
            ("AWS_ENDPOINT_URL_STS", "http://e:2/"),
            ("AWS_ENDPOINT_URL_SFN", ""),
            ("AWS_ENDPOINT_URLS", "http://f"),
        ];
        let (services, faults) = with(option, &variables);
        assert_eq!((services.endpoint_url.as_deref(), faults), (Some("http://b"), 0));
        let expected = [("sns", Some("http://e:1")), ("sqs", Some("http://a")), ("sts", None)]
            .map(|(name, url)| (name.to_owned(), url.map(str::to_owned)));
        assert_eq!(services.endpoint_urls, expected.into());
        assert_eq!(with(AwsServices::default(), &variables).0.endpoint_url.as_deref(), Some("http://c"));
        assert_eq!(with(AwsServices::default(), &[("AWS_ENDPOINT_URL", "http://a/b")]).1, 1);
    }

    #[test]
    fn an_endpoint_is_that_of_a_service_that_is_called() {
        assert_eq!(endpoint("sfn=http://h:1/"), Ok(("sfn".to_owned(), Some("http://h:1".to_owned()))));
        assert_eq!(endpoint("eventbridge=aws"), Ok(("eventbridge".to_owned(), None)));
        let typo = "no service that is called has the name \"stepfunctons\"; the nearest one is ";
        assert!(endpoint("stepfunctons=http://h").unwrap_err().starts_with(typo));
        assert!(endpoint("sqss=http://h").unwrap_err().ends_with("the nearest one is sqs"));
        assert_eq!(endpoint("sqs=h").unwrap_err(), "\"h\" cannot be used");
        assert_eq!(endpoint("sqs").unwrap_err(), "\"sqs\" has no =");
    }

    #[test]
    fn a_key_takes_its_secret() {
        let key = [("AWS_ACCESS_KEY_ID", "A"), ("AWS_SECRET_ACCESS_KEY", "b"), ("HOME", "/h")];
        let (services, _) = with(AwsServices::default(), &key);
        assert_eq!(services.access_key, Some(("A".to_owned(), Secret::new("b"), None)));
        assert_eq!(services.credentials_file, Some("/h/.aws/credentials".into()));
        assert_eq!(services.profile, "default");
        assert_eq!(services.instance_metadata.as_deref(), Some("http://169.254.169.254"));
        assert_eq!(with(AwsServices::default(), &key[..1]).0.access_key, None);
    }

    #[test]
    fn other_sources_are_where_aws_tools_have_them() {
        let variables = [
            ("AWS_WEB_IDENTITY_TOKEN_FILE", "/t"),
            ("AWS_ROLE_ARN", "arn"),
            ("AWS_CONTAINER_CREDENTIALS_RELATIVE_URI", "/v2/a"),
            ("AWS_EC2_METADATA_DISABLED", "TRUE"),
        ];
        let (services, _) = with(AwsServices::default(), &variables);
        assert_eq!(services.web_identity.map(|identity| identity.session_name).as_deref(), Some("eventyard"));
        assert_eq!(services.container.map(|agent| agent.url).as_deref(), Some("http://169.254.170.2/v2/a"));
        assert_eq!(services.instance_metadata, None);
    }
}
