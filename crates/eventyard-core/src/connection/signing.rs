//! Signatures of requests, as the Standard Webhooks specification has them.

use std::fmt;

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use hmac::{Hmac, Mac};
use ring::signature::Ed25519KeyPair;
use sha2::{Digest, Sha256};

use crate::clock::Timestamp;
use crate::event::EventId;
use crate::secret::{Secret, encode_hex};

/// What requests are signed with.
#[derive(Clone, PartialEq, Eq)]
pub struct SigningKey {
    /// As it was given; it was read once, so it can be read again.
    text: Secret,
}

enum Key {
    Hmac(Hmac<Sha256>),
    Ed25519(Box<Ed25519KeyPair>),
}

impl SigningKey {
    /// Reads a key: `whsec_` and the Base64 of 24 to 64 bytes for HMAC-SHA256, or `whsk_` and the Base64 of an Ed25519
    /// private key, alone (32 bytes) or with its public key behind it (64 bytes).
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        key(text).map(|_| Self { text: Secret::new(text) })
    }

    /// The key as it was given.
    #[must_use]
    pub fn text(&self) -> &Secret {
        &self.text
    }

    /// The signature of a message, with the version of the scheme before it.
    #[must_use]
    pub fn sign(&self, id: &str, time: Timestamp, body: &[u8]) -> String {
        let signed = [format!("{id}.{}.", epoch_seconds(time)).as_bytes(), body].concat();
        match key(self.text.expose()) {
            Some(Key::Hmac(hmac)) => {
                format!("v1,{}", BASE64_STANDARD.encode(hmac.chain_update(&signed).finalize().into_bytes()))
            }
            Some(Key::Ed25519(pair)) => format!("v1a,{}", BASE64_STANDARD.encode(pair.sign(&signed))),
            // It was read before.
            None => String::new(),
        }
    }
}

impl fmt::Debug for SigningKey {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("SigningKey")
    }
}

/// The time of a signature as it stands in its header: whole seconds since 1970.
#[must_use]
pub fn epoch_seconds(time: Timestamp) -> i64 {
    time.as_millis().div_euclid(1_000)
}

/// The id of a message: the same at every attempt to bring an event to a target, and when a dead letter is sent again. The
/// target is named by the ARN of its rule and its id.
#[must_use]
pub fn message_id(event: EventId, (rule_arn, target_id): (&str, &str)) -> String {
    let digest = Sha256::digest(format!("{rule_arn} {target_id}"));
    format!("msg_{event}_{}", encode_hex(&digest[..8]))
}

fn key(text: &str) -> Option<Key> {
    let decode = |text: &str| BASE64_STANDARD.decode(text).ok();
    if let Some(text) = text.strip_prefix("whsec_") {
        let bytes = decode(text).filter(|bytes| (24..=64).contains(&bytes.len()))?;
        return Hmac::new_from_slice(&bytes).ok().map(Key::Hmac);
    }
    let bytes = decode(text.strip_prefix("whsk_")?)?;
    let pair = match bytes.split_at_checked(32)? {
        (seed, []) => Ed25519KeyPair::from_seed_unchecked(seed),
        (seed, public) => Ed25519KeyPair::from_seed_and_public_key(seed, public),
    };
    pair.ok().map(Box::new).map(Key::Ed25519)
}

#[cfg(test)]
mod tests {
    use ring::signature::{ED25519, KeyPair, UnparsedPublicKey};

    use super::*;

    fn hmac_key(length: usize) -> String {
        format!("whsec_{}", BASE64_STANDARD.encode(vec![7; length]))
    }

    #[test]
    fn a_message_is_signed_as_the_specification_has_it() {
        // From the README of the specification's libraries: the same id, time and secret.
        let key = SigningKey::parse("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw").unwrap();
        let time = Timestamp::from_millis(1_614_265_330_999).unwrap();
        let signature = key.sign("msg_p5jXN8AQM9LWM0D4loKWxJek", time, br#"{"test": 2432232314}"#);
        assert_eq!(signature, "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=");
        assert_eq!(format!("{key:?}"), "SigningKey");
    }

    #[test]
    fn who_has_the_public_key_can_check_a_signature() {
        let seed = [9; 32];
        let pair = Ed25519KeyPair::from_seed_unchecked(&seed).unwrap();
        let both = [&seed, pair.public_key().as_ref()].concat();
        for bytes in [&seed[..], &both] {
            let key = SigningKey::parse(&format!("whsk_{}", BASE64_STANDARD.encode(bytes))).unwrap();
            let signature = key.sign("msg_1", Timestamp::EPOCH, b"{}");
            let signature = BASE64_STANDARD.decode(signature.strip_prefix("v1a,").unwrap()).unwrap();
            let public = UnparsedPublicKey::new(&ED25519, pair.public_key().as_ref());
            public.verify(b"msg_1.0.{}", &signature).unwrap();
            assert!(public.verify(b"msg_1.0.{} ", &signature).is_err());
        }
    }

    #[test]
    fn what_is_no_key_is_refused() {
        assert!(SigningKey::parse(&hmac_key(24)).is_some() && SigningKey::parse(&hmac_key(64)).is_some());
        let wrong_pair = format!("whsk_{}", BASE64_STANDARD.encode([9; 64]));
        let short_seed = format!("whsk_{}", BASE64_STANDARD.encode([9; 31]));
        for text in
            [&hmac_key(23), &hmac_key(65), "whsec_", "whsec_!", "secret", "", "whpk_AAAA", &wrong_pair, &short_seed]
        {
            assert_eq!(SigningKey::parse(text), None, "{text}");
        }
    }
}
