//! The query of a request to the admin listener.

use eventyard_core::error::ServiceError;

/// Keys and values, each of which must be taken.
#[derive(Debug)]
pub(super) struct Query(Vec<(String, String)>);

impl Query {
    /// Reads `a=b&c=d`, percent-encoded.
    ///
    /// # Errors
    /// When a part is not encoded as it should be, or a key stands there twice.
    pub(super) fn parse(text: &str) -> Result<Self, ServiceError> {
        let mut pairs: Vec<(String, String)> = Vec::new();
        for pair in text.split('&').filter(|pair| !pair.is_empty()) {
            let (key, value) = pair.split_once('=').unwrap_or((pair, ""));
            let (Some(key), Some(value)) = (decode(key), decode(value)) else {
                return Err(ServiceError::validation(format!("'{pair}' is not percent-encoded UTF-8")));
            };
            if pairs.iter().any(|(other, _)| *other == key) {
                return Err(ServiceError::validation(format!("'{key}' is given twice")));
            }
            pairs.push((key, value));
        }
        Ok(Self(pairs))
    }

    /// Takes out the value of a key, if it is there.
    pub(super) fn take(&mut self, key: &str) -> Option<String> {
        let at = self.0.iter().position(|(other, _)| other == key)?;
        Some(self.0.remove(at).1)
    }

    /// Takes out the value of a key, read by `parse`, which `wanted` describes.
    pub(super) fn take_as<T>(
        &mut self,
        key: &str,
        wanted: &str,
        parse: impl Fn(&str) -> Option<T>,
    ) -> Result<Option<T>, ServiceError> {
        let Some(text) = self.take(key) else { return Ok(None) };
        let refused = || ServiceError::validation(format!("{key} is '{text}'; {wanted}"));
        parse(&text).map(Some).ok_or_else(refused)
    }

    /// Refuses what nobody took.
    pub(super) fn end(self, known: &str) -> Result<(), ServiceError> {
        match self.0.first() {
            None => Ok(()),
            Some((key, _)) => Err(ServiceError::validation(format!("'{key}' is not known here; there are {known}"))),
        }
    }
}

fn decode(text: &str) -> Option<String> {
    let (mut bytes, mut decoded) = (text.bytes(), Vec::with_capacity(text.len()));
    while let Some(byte) = bytes.next() {
        decoded.push(match byte {
            b'+' => b' ',
            b'%' => {
                let mut digit = || char::from(bytes.next()?).to_digit(16);
                u8::try_from(digit()? * 16 + digit()?).ok()?
            }
            byte => byte,
        });
    }
    String::from_utf8(decoded).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_and_values_are_decoded_and_each_is_taken_once() {
        let mut query = Query::parse("rule=a%2Fb+c&limit=7&&x").unwrap();
        assert_eq!(query.take("rule").as_deref(), Some("a/b c"));
        assert_eq!(query.take("rule"), None);
        assert_eq!(query.take_as("limit", "a number", |text| text.parse().ok()).unwrap(), Some(7));
        assert!(query.end("rule and limit").unwrap_err().message.starts_with("'x' is not known here"));
        assert!(Query::parse("").unwrap().end("nothing").is_ok());
        for wrong in ["a=%", "a=%2", "a=%zz", "a=%ff", "a=1&a=2", "a=%+1"] {
            assert!(Query::parse(wrong).is_err(), "{wrong}");
        }
    }
}
