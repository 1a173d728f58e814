//! Whom AWS services take us for: an access key from the settings, or from the shared credentials file.

use std::fs::File;
use std::io::Read as _;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use eventyard_core::secret::Secret;

/// How long what was read from a file is used before it is read again, as short-lived keys in it are renewed by others.
const FILE_READ_PERIOD: Duration = Duration::from_secs(10);

/// A credentials file larger than this is none.
const FILE_BYTES_MAX: u64 = 1 << 20;

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

/// Where the access key comes from.
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
    /// Nowhere.
    None,
}

/// Gives the access key of the moment.
#[derive(Debug)]
pub(super) struct Credentials {
    source: AwsCredentialsSource,
    read: Mutex<Option<(Instant, AwsCredentials)>>,
}

impl Credentials {
    pub(super) fn new(source: AwsCredentialsSource) -> Self {
        Self { source, read: Mutex::new(None) }
    }

    /// The access key.
    ///
    /// # Errors
    /// Where one was looked for, and what to do.
    pub(super) fn get(&self) -> Result<AwsCredentials, String> {
        let (path, profile) = match &self.source {
            AwsCredentialsSource::Given(credentials) => return Ok(credentials.clone()),
            AwsCredentialsSource::File { path, profile } => (path, profile),
            AwsCredentialsSource::None => {
                return Err("set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY of the daemon".to_owned());
            }
        };
        let mut read = self.read.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((at, credentials)) = &*read
            && at.elapsed() < FILE_READ_PERIOD
        {
            return Ok(credentials.clone());
        }
        let credentials = read_profile(path, profile).map_err(|why| {
            let file = path.display();
            format!("set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY of the daemon, or mend {file}: {why}")
        })?;
        *read = Some((Instant::now(), credentials.clone()));
        Ok(credentials)
    }
}

fn read_profile(path: &Path, profile: &str) -> Result<AwsCredentials, String> {
    let mut text = String::new();
    let file = File::open(path).map_err(|error| error.to_string())?;
    file.take(FILE_BYTES_MAX).read_to_string(&mut text).map_err(|error| error.to_string())?;
    parse_profile(&text, profile)
}

fn parse_profile(text: &str, profile: &str) -> Result<AwsCredentials, String> {
    let lines = text.lines().map(str::trim).filter(|line| !line.starts_with(['#', ';']));
    let header = format!("[{profile}]");
    let mut lines = lines.skip_while(|line| *line != header);
    lines.next().ok_or_else(|| format!("it has no profile [{profile}]"))?;
    let settings: Vec<(&str, &str)> = lines
        .take_while(|line| !line.starts_with('['))
        .filter_map(|line| line.split_once('='))
        .map(|(key, value)| (key.trim(), value.trim()))
        .collect();
    let value = |wanted| settings.iter().rfind(|(key, value)| *key == wanted && !value.is_empty()).map(|found| found.1);
    let required = |key| value(key).ok_or_else(|| format!("[{profile}] has no {key}"));
    Ok(AwsCredentials {
        access_key_id: required("aws_access_key_id")?.to_owned(),
        secret_access_key: Secret::new(required("aws_secret_access_key")?),
        session_token: value("aws_session_token").map(Secret::new),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    const FILE: &str = "# keys\n[default]\naws_access_key_id = A\naws_secret_access_key=b=c\n\n[other]\n\
                        aws_access_key_id=D\n;aws_secret_access_key=e\naws_session_token = f\n";

    #[test]
    fn a_profile_is_read_from_the_file() {
        let default = AwsCredentials {
            access_key_id: "A".to_owned(),
            secret_access_key: Secret::new("b=c"),
            session_token: None,
        };
        assert_eq!(parse_profile(FILE, "default"), Ok(default.clone()));
        assert_eq!(parse_profile(FILE, "other"), Err("[other] has no aws_secret_access_key".to_owned()));
        assert_eq!(parse_profile(FILE, "third"), Err("it has no profile [third]".to_owned()));
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("credentials");
        let file = |path| AwsCredentialsSource::File { path, profile: "default".to_owned() };
        assert!(Credentials::new(file(path.clone())).get().is_err_and(|why| why.contains("AWS_ACCESS_KEY_ID")));
        std::fs::write(&path, FILE).unwrap();
        assert_eq!(Credentials::new(file(path)).get(), Ok(default));
    }
}
