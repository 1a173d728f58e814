//! What a request says about its own signature, in the `Authorization` header or in the query of a presigned URL.

use std::time::Duration;

use super::canonical::{SIGNATURE_PARAMETER, query_parameters};
use super::signing::{TERMINATOR, is_signed};
use super::{ALGORITHM, PRESIGNED_SECONDS_MAX, Request, SERVICE, SKEW_MAX, Scope, SignatureError};
use crate::clock::Timestamp;
use crate::secret::{Secret, decode_hex};

type Result<T> = std::result::Result<T, SignatureError>;

/// Where a signature stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Form {
    /// In the `Authorization` header.
    Header,
    /// In the query, valid for this long.
    Presigned(Duration),
}

/// What a request says about its signature; nothing of it is true before [`Claim::verify`] has said so.
#[derive(Clone, Debug)]
pub struct Claim {
    /// The access key.
    pub key_id: String,
    /// The region it was signed for.
    pub region: String,
    /// The token that a temporary key comes with.
    pub session_token: Option<String>,
    /// Where the signature stands.
    pub form: Form,
    /// `20260102`.
    date: String,
    service: String,
    /// `20260102T030405Z`.
    time: String,
    signed: Timestamp,
    signed_headers: Vec<String>,
    signature: Vec<u8>,
}

/// The parts of a signature as they were written.
struct Parts {
    credential: String,
    signed_headers: String,
    signature: String,
    time: String,
    session_token: Option<String>,
    form: Form,
}

impl Claim {
    /// Reads the signature of a request; none when it has none.
    ///
    /// # Errors
    /// [`SignatureError::Incomplete`] when it has one that cannot be read.
    pub fn read(request: &Request<'_>) -> Result<Option<Self>> {
        let authorizations = request.headers.iter().filter(|(name, _)| *name == "authorization").count();
        let header = request.text_header("authorization").and_then(|text| text.strip_prefix(ALGORITHM));
        let presigned = query_parameters(request.query).any(|(name, _)| name.starts_with(b"X-Amz-"));
        let parts = match (header, presigned) {
            (Some(header), false) if authorizations == 1 => header_parts(request, header)?,
            (None, true) if authorizations == 0 => query_parts(request)?,
            (None, false) if authorizations <= 1 => return Ok(None),
            _ => return Err(incomplete("A request is signed once, in its Authorization header or in its query.")),
        };
        Self::of(parts).map(Some)
    }

    fn of(parts: Parts) -> Result<Self> {
        let elements: Vec<&str> = parts.credential.split('/').collect();
        let [key_id, date, region, service, TERMINATOR] = elements[..] else {
            return Err(incomplete(
                "Credential must have exactly 5 slash-delimited elements, e.g. keyid/date/region/service/aws4_request.",
            ));
        };
        let signed = parse_time(&parts.time).ok_or_else(|| {
            incomplete(&format!("Date must be in ISO-8601 'basic format'. Got '{}'.", parts.time.escape_debug()))
        })?;
        let signed_headers: Vec<String> = parts.signed_headers.split(';').map(str::to_owned).collect();
        if !signed_headers.is_sorted_by(|a, b| a < b) || signed_headers.iter().any(|name| *name != name.to_lowercase())
        {
            return Err(incomplete("SignedHeaders must be in lower case and in order."));
        }
        let signature = decode_hex(&parts.signature).ok_or(SignatureError::WrongSignature)?;
        Ok(Self {
            key_id: key_id.to_owned(),
            region: region.to_owned(),
            session_token: parts.session_token,
            form: parts.form,
            date: date.to_owned(),
            service: service.to_owned(),
            time: parts.time,
            signed,
            signed_headers,
            signature,
        })
    }

    /// Whether `request`, from which this was read, was signed with `secret`, for this service, and recently.
    ///
    /// # Errors
    /// The first thing that is wrong.
    pub fn verify(&self, request: &Request<'_>, secret: &Secret, now: Timestamp) -> Result<()> {
        self.check(request, now)?;
        let names: Vec<&str> = self.signed_headers.iter().map(String::as_str).collect();
        let scope = Scope { date: &self.date, region: &self.region, service: &self.service };
        // The body as it came is hashed, whatever X-Amz-Content-Sha256 says of it.
        if is_signed(request, &names, &self.time, scope, secret, &self.signature) {
            Ok(())
        } else {
            Err(SignatureError::WrongSignature)
        }
    }

    /// Whether everything is right but, it may be, the signature, which alone takes the body of the request.
    ///
    /// # Errors
    /// The first thing that is wrong.
    pub fn check(&self, request: &Request<'_>, now: Timestamp) -> Result<()> {
        self.check_time(now)?;
        self.check_scope()?;
        self.check_signed_headers(request)
    }

    fn check_time(&self, now: Timestamp) -> Result<()> {
        let (time, shown_now) = (&self.time, basic(now));
        match self.form {
            Form::Header if now.saturating_since(self.signed) > SKEW_MAX => {
                let earliest = basic(back(now, SKEW_MAX));
                Err(SignatureError::Expired(format!(
                    "Signature expired: {time} is now earlier than {earliest} ({shown_now} - 5 min.)"
                )))
            }
            Form::Presigned(valid) if now.saturating_since(self.signed) > valid => {
                let end = basic(self.signed.saturating_add(valid));
                Err(SignatureError::Expired(format!("Signature expired: {end} is now earlier than {shown_now}")))
            }
            _ if self.signed.saturating_since(now) > SKEW_MAX => {
                let latest = basic(now.saturating_add(SKEW_MAX));
                Err(SignatureError::NotYetCurrent(format!(
                    "Signature not yet current: {time} is still later than {latest} ({shown_now} + 5 min.)"
                )))
            }
            _ => Ok(()),
        }
    }

    fn check_scope(&self) -> Result<()> {
        if self.service != SERVICE {
            return Err(SignatureError::WrongScope(format!(
                "Credential should be scoped to correct service: '{SERVICE}'. "
            )));
        }
        if !self.time.starts_with(&self.date) || self.date.len() != 8 {
            let (date, day, time) = (self.date.escape_debug(), &self.time[..8], &self.time);
            return Err(SignatureError::WrongScope(format!(
                "Date in Credential scope does not match YYYYMMDD from ISO-8601 version of date from HTTP: \
                 '{date}' != '{day}', from '{time}'."
            )));
        }
        Ok(())
    }

    /// What decides about the request must be signed.
    fn check_signed_headers(&self, request: &Request<'_>) -> Result<()> {
        let is_signed = |name: &str| self.signed_headers.iter().any(|signed| signed == name);
        let amazon = request.headers.iter().map(|(name, _)| *name).filter(|name| name.starts_with("x-amz-"));
        match amazon.chain(["host"]).find(|name| !is_signed(name)) {
            Some(name) => Err(incomplete(&format!("'{name}' must be one of the SignedHeaders."))),
            None => Ok(()),
        }
    }
}

fn header_parts(request: &Request<'_>, header: &str) -> Result<Parts> {
    let mut found: [Option<&str>; 3] = [None; 3];
    let names = ["Credential", "SignedHeaders", "Signature"];
    for part in header.split(',').map(str::trim) {
        let Some((name, value)) = part.split_once('=') else {
            return Err(incomplete("A part of the Authorization header is not a key=value pair (missing equal-sign)."));
        };
        // An unknown part, or one that is there twice, could mean something to others that it does not mean here.
        let place = names.iter().position(|known| *known == name).filter(|place| found[*place].is_none());
        let place = place.ok_or_else(|| incomplete("A part of the Authorization header is unknown or there twice."))?;
        found[place] = Some(value);
    }
    let time = request.text_header("x-amz-date");
    let [Some(credential), Some(signed_headers), Some(signature), Some(time)] = [found[0], found[1], found[2], time]
    else {
        let lacks = names.iter().zip(found).filter(|(_, value)| value.is_none());
        let mut lacks: Vec<String> =
            lacks.map(|(name, _)| format!("Authorization header requires '{name}' parameter.")).collect();
        if time.is_none() {
            lacks.push("Authorization header requires existence of one 'X-Amz-Date' header.".to_owned());
        }
        return Err(incomplete(&lacks.join(" ")));
    };
    Ok(Parts {
        credential: credential.to_owned(),
        signed_headers: signed_headers.to_owned(),
        signature: signature.to_owned(),
        time: time.to_owned(),
        session_token: request.text_header("x-amz-security-token").map(str::to_owned),
        form: Form::Header,
    })
}

fn query_parts(request: &Request<'_>) -> Result<Parts> {
    let parameter = |wanted: &str| -> Result<Option<String>> {
        let mut values = query_parameters(request.query).filter(|(name, _)| &**name == wanted.as_bytes());
        let value = values.next().map(|(_, value)| String::from_utf8_lossy(&value).into_owned());
        if values.next().is_some() {
            return Err(incomplete(&format!("The query-string parameter '{wanted}' is there twice.")));
        }
        Ok(value)
    };
    let required = |name: &str| -> Result<String> {
        parameter(name)?.ok_or_else(|| {
            incomplete(&format!(
                "AWS query-string parameters must include '{name}'. Re-examine the query-string parameters."
            ))
        })
    };
    if required("X-Amz-Algorithm")? != ALGORITHM {
        return Err(incomplete(&format!("X-Amz-Algorithm must be {ALGORITHM}.")));
    }
    let seconds =
        required("X-Amz-Expires")?.parse().ok().filter(|seconds| (1..=PRESIGNED_SECONDS_MAX).contains(seconds));
    let seconds = seconds.ok_or_else(|| {
        incomplete(&format!("X-Amz-Expires must be a number of seconds from 1 to {PRESIGNED_SECONDS_MAX}."))
    })?;
    Ok(Parts {
        credential: required("X-Amz-Credential")?,
        signed_headers: required("X-Amz-SignedHeaders")?,
        signature: required(SIGNATURE_PARAMETER)?,
        time: required("X-Amz-Date")?,
        session_token: parameter("X-Amz-Security-Token")?,
        form: Form::Presigned(Duration::from_secs(seconds)),
    })
}

fn incomplete(message: &str) -> SignatureError {
    SignatureError::Incomplete(message.to_owned())
}

/// Reads `20260102T030405Z`.
fn parse_time(text: &str) -> Option<Timestamp> {
    let shape = |(place, byte): (usize, u8)| match place {
        8 => byte == b'T',
        15 => byte == b'Z',
        _ => byte.is_ascii_digit(),
    };
    if text.len() != 16 || !text.bytes().enumerate().all(shape) {
        return None;
    }
    let part = |range: std::ops::Range<usize>| &text[range];
    let (date, time) = ([part(0..4), part(4..6), part(6..8)], [part(9..11), part(11..13), part(13..15)]);
    Timestamp::parse_rfc3339(&format!("{}T{}Z", date.join("-"), time.join(":")))
}

/// Writes `20260102T030405Z`.
pub(super) fn basic(time: Timestamp) -> String {
    time.to_rfc3339_seconds().replace(['-', ':'], "")
}

fn back(time: Timestamp, duration: Duration) -> Timestamp {
    let milliseconds = i64::try_from(duration.as_millis()).unwrap_or(i64::MAX);
    Timestamp::from_millis(time.as_millis().saturating_sub(milliseconds)).unwrap_or(Timestamp::EPOCH)
}
