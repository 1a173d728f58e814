//! The access key of a profile of the shared credentials file, which AWS's own tools read.

use std::fs::File;
use std::io::Read as _;
use std::path::Path;

use eventyard_core::secret::Secret;

use super::AwsCredentials;

/// A credentials file larger than this is none.
const FILE_BYTES_MAX: u64 = 1 << 20;

pub(super) fn read_profile(path: &Path, profile: &str) -> Result<AwsCredentials, String> {
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
        assert!(read_profile(&path, "default").is_err());
        std::fs::write(&path, FILE).unwrap();
        assert_eq!(read_profile(&path, "default"), Ok(default));
    }
}
