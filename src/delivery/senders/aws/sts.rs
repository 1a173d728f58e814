//! STS: temporary credentials of a role.

use eventyard_core::clock::Timestamp;
use eventyard_core::secret::Secret;

use super::answer::{Answer, xml_element};
use super::call::{Call, Service};
use super::caller::Caller;
use super::credentials::{AwsCredentials, Fresh};

const STS: Service = Service { prefix: "sts", name: "sts" };
const VERSION: &str = "2011-06-15";
/// What STS lets the name of a session have, in characters.
const SESSION_NAME_LENGTH_MAX: usize = 64;

/// The name of the session in which a rule's target is called: it shows whose doing a call was.
pub(super) fn session_name(rule: &str) -> String {
    format!("eventyard-{rule}").chars().take(SESSION_NAME_LENGTH_MAX).collect()
}

/// `AssumeRole`, by the credentials of the caller.
///
/// # Errors
/// Why STS gave none.
pub(super) async fn assume_role(caller: &Caller<'_>, role_arn: &str, session_name: &str) -> Result<Fresh, String> {
    let members = [("RoleArn", role_arn), ("RoleSessionName", session_name)];
    temporary(caller, role_arn, &Call::query(STS, "AssumeRole", VERSION, &members)).await
}

/// `AssumeRoleWithWebIdentity`, by the token alone.
///
/// # Errors
/// Why STS gave none.
pub(super) async fn assume_role_with_web_identity(
    caller: &Caller<'_>,
    role_arn: &str,
    session_name: &str,
    token: &str,
) -> Result<Fresh, String> {
    let members = [("RoleArn", role_arn), ("RoleSessionName", session_name), ("WebIdentityToken", token)];
    let call = Call::query(STS, "AssumeRoleWithWebIdentity", VERSION, &members);
    temporary(caller, role_arn, &Call { secret: Some(Secret::new(token)), ..call }).await
}

async fn temporary(caller: &Caller<'_>, role_arn: &str, call: &Call) -> Result<Fresh, String> {
    let refused = |why: String| format!("STS did not give the role {role_arn}: {why}");
    let answer = caller.call(call).await.map_err(|failure| refused(failure.message()))?;
    if !answer.is_success() {
        return Err(refused(answer.outcome().message()));
    }
    credentials(&answer).ok_or_else(|| refused("its answer has no credentials".to_owned()))
}

fn credentials(answer: &Answer) -> Option<Fresh> {
    let element = |name| xml_element(answer.body(), name);
    let credentials = AwsCredentials {
        access_key_id: element("AccessKeyId")?.to_owned(),
        secret_access_key: Secret::new(element("SecretAccessKey")?),
        session_token: Some(Secret::new(element("SessionToken")?)),
    };
    Some(Fresh { credentials, expires: Some(Timestamp::parse_rfc3339(element("Expiration")?)?) })
}
