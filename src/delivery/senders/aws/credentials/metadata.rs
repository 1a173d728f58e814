//! Credentials that the place gives where the daemon runs: a container of ECS or EKS, or an instance of EC2.

use std::path::PathBuf;
use std::time::Duration;

use eventyard_core::clock::Timestamp;
use eventyard_core::secret::Secret;
use reqwest::{Client, RequestBuilder};
use serde::Deserialize;

use super::{AwsCredentials, Fresh};

/// Such places are near, or there is none.
const ANSWER_TIMEOUT: Duration = Duration::from_secs(2);
/// An answer that is longer is none.
const ANSWER_BYTES_MAX: usize = 64 * 1024;
const ROLES: &str = "/latest/meta-data/iam/security-credentials/";

/// How a container proves who it is.
#[derive(Clone, Debug)]
pub enum ContainerAuthorization {
    /// It does not need to.
    None,
    /// By this value of the header `Authorization`.
    Token(Secret),
    /// By what stands in this file, which may change.
    File(PathBuf),
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Answer {
    access_key_id: String,
    secret_access_key: String,
    token: Option<String>,
    expiration: Option<String>,
}

/// The credentials of a container.
pub(super) async fn of_container(
    client: &Client,
    url: &str,
    authorization: &ContainerAuthorization,
) -> Result<Fresh, String> {
    let token = match authorization {
        ContainerAuthorization::None => None,
        ContainerAuthorization::Token(token) => Some(token.expose().to_owned()),
        ContainerAuthorization::File(path) => {
            let text = std::fs::read_to_string(path).map_err(|error| format!("{}: {error}", path.display()))?;
            Some(text.trim().to_owned())
        }
    };
    let request = client.get(url);
    let request = if let Some(token) = token { request.header("authorization", token) } else { request };
    parse(&answer(request).await?)
}

/// The credentials of the role of an instance, by the second version of its metadata service.
pub(super) async fn of_instance(client: &Client, origin: &str) -> Result<Fresh, String> {
    let token = client.put(format!("{origin}/latest/api/token")).header("x-aws-ec2-metadata-token-ttl-seconds", "60");
    let token = answer(token).await?;
    let get = |path: &str| client.get(format!("{origin}{ROLES}{path}")).header("x-aws-ec2-metadata-token", &token);
    let roles = answer(get("")).await?;
    let role = roles.lines().next().filter(|role| !role.is_empty()).ok_or("the instance has no role")?;
    parse(&answer(get(role)).await?)
}

async fn answer(request: RequestBuilder) -> Result<String, String> {
    let exchange = async {
        let mut response = request.send().await?.error_for_status()?;
        let mut bytes = Vec::new();
        while bytes.len() < ANSWER_BYTES_MAX
            && let Some(chunk) = response.chunk().await?
        {
            bytes.extend_from_slice(&chunk);
        }
        Ok::<_, reqwest::Error>(String::from_utf8_lossy(&bytes).into_owned())
    };
    match tokio::time::timeout(ANSWER_TIMEOUT, exchange).await {
        Ok(answer) => answer.map_err(|error| error.to_string()),
        Err(_) => Err("no answer in time".to_owned()),
    }
}

fn parse(text: &str) -> Result<Fresh, String> {
    let answer: Answer = serde_json::from_str(text).map_err(|_| "its answer is no key".to_owned())?;
    let expires = answer.expiration.as_deref().map(|time| {
        Timestamp::parse_rfc3339(time).ok_or_else(|| format!("its answer ends at {time:?}, which is no time"))
    });
    let credentials = AwsCredentials {
        access_key_id: answer.access_key_id,
        secret_access_key: Secret::new(&answer.secret_access_key),
        session_token: answer.token.as_deref().map(Secret::new),
    };
    Ok(Fresh { credentials, expires: expires.transpose()? })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_answer_is_a_key_with_its_end() {
        let text = r#"{"Code": "Success", "AccessKeyId": "A", "SecretAccessKey": "s", "Token": "t",
                       "Expiration": "2026-01-02T03:04:05Z"}"#;
        let fresh = parse(text).unwrap();
        assert_eq!(fresh.credentials.access_key_id, "A");
        assert_eq!(fresh.expires.unwrap().to_rfc3339_seconds(), "2026-01-02T03:04:05Z");
        for text in ["", "{}", r#"{"Code": "Failed"}"#, &text.replace("2026", "soon")] {
            assert!(parse(text).is_err(), "{text}");
        }
        assert!(!parse("s3cret").unwrap_err().contains("s3cret"));
    }
}
