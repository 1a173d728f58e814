//! Whom AWS services take us for: the first of several sources that has an access key.

mod lease;
mod metadata;
mod profile;

use std::path::PathBuf;

use eventyard_core::secret::Secret;

pub(super) use lease::{Fresh, Lease};
pub use metadata::ContainerAuthorization;

use super::caller::Caller;
use super::sts;

/// An access key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AwsCredentials {
    /// Its id.
    pub access_key_id: String,
    /// Its secret.
    pub secret_access_key: Secret,
    /// The token that a temporary key comes with.
    pub session_token: Option<Secret>,
}

/// Where the access key may come from.
#[derive(Clone, Debug)]
pub enum AwsCredentialsSource {
    /// It is given.
    Given(AwsCredentials),
    /// A profile of the shared credentials file.
    File {
        /// The file.
        path: PathBuf,
        /// The profile.
        profile: String,
    },
    /// A role that STS gives to whoever has a token of an identity provider, as on Kubernetes.
    WebIdentity {
        /// The file with the token, which may change.
        token_file: PathBuf,
        /// The ARN of the role.
        role_arn: String,
        /// The name of the session.
        session_name: String,
    },
    /// The agent of the container that the daemon runs in.
    Container {
        /// Where it is.
        url: String,
        /// How to ask it.
        authorization: ContainerAuthorization,
    },
    /// The metadata service of the instance that the daemon runs on.
    Instance {
        /// Its URL without a path.
        origin: String,
    },
}

impl AwsCredentialsSource {
    /// Asks this source; `caller` has no credentials yet.
    ///
    /// # Errors
    /// What it was, and why it gave none.
    async fn fetch(&self, caller: &Caller<'_>) -> Result<Fresh, String> {
        let without_end = |credentials| Fresh { credentials, expires: None };
        match self {
            Self::Given(credentials) => Ok(without_end(credentials.clone())),
            Self::File { path, profile } => profile::read_profile(path, profile)
                .map(without_end)
                .map_err(|why| format!("{}: {why}", path.display())),
            Self::WebIdentity { token_file, role_arn, session_name } => {
                let token =
                    std::fs::read_to_string(token_file).map_err(|why| format!("{}: {why}", token_file.display()))?;
                sts::assume_role_with_web_identity(caller, role_arn, session_name, token.trim()).await
            }
            Self::Container { url, authorization } => metadata::of_container(&caller.client, url, authorization)
                .await
                .map_err(|why| format!("the container's agent at {url}: {why}")),
            Self::Instance { origin } => metadata::of_instance(&caller.client, origin)
                .await
                .map_err(|why| format!("the instance's metadata service at {origin}: {why}")),
        }
    }
}

/// Asks the sources in their order, until one has an access key.
///
/// # Errors
/// What each of them said, and what to do.
pub(super) async fn first(sources: &[AwsCredentialsSource], caller: &Caller<'_>) -> Result<Fresh, String> {
    let mut said = vec!["set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY of the daemon".to_owned()];
    for source in sources {
        match source.fetch(caller).await {
            Ok(fresh) => return Ok(fresh),
            Err(why) => said.push(why),
        }
    }
    Err(said.join("; "))
}
