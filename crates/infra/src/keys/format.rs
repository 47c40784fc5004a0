//! A ring of keys as text: a JSON Web Key Set (RFC 7517).
//!
//! ```json
//! {
//!   "keys": [
//!     {
//!       "kty": "OKP", "crv": "Ed25519", "alg": "EdDSA", "kid": "…", "x": "…", "d": "…",
//!       "created_at": "2026-12-01T12:00:00.000000Z"
//!     },
//!     {
//!       "kty": "oct", "alg": "HS256", "kid": "…", "k": "…",
//!       "created_at": "2026-11-01T12:00:00.000000Z", "retired_at": "2026-12-01T12:00:00.000000Z"
//!     }
//!   ]
//! }
//! ```
//!
//! An earlier version kept one secret of 64 random bytes and nothing else; such a file is read as a ring of one key.

use std::sync::Arc;

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use serde::{Deserialize, Serialize};
use todo_domain::Timestamp;
use zeroize::Zeroizing;

use super::{InvalidKeyRing, SigningKey, StoredKey, signing_key::Secret};

/// How many bytes the secret of an earlier version has.
const BARE_SECRET_LENGTH: usize = 64;
/// How a ring begins, and a secret of an earlier version would once in 2^64 times.
const BEGINNING: &[u8] = b"{\n  \"key";

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct KeySet {
    keys: Vec<Jwk>,
}

/// A key with the members that one of its kind has (RFC 7518, 6.4; RFC 8037, 2).
#[derive(Serialize, Deserialize)]
#[serde(tag = "kty", deny_unknown_fields)]
enum Jwk {
    #[serde(rename = "oct")]
    Octets {
        alg: HmacAlgorithm,
        kid: String,
        k: Zeroizing<String>,
        created_at: String,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        retired_at: Option<String>,
    },
    #[serde(rename = "OKP")]
    OctetKeyPair {
        crv: Curve,
        alg: EdwardsAlgorithm,
        kid: String,
        x: String,
        d: Zeroizing<String>,
        created_at: String,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        retired_at: Option<String>,
    },
}

#[derive(Serialize, Deserialize)]
enum HmacAlgorithm {
    #[serde(rename = "HS256")]
    Hs256,
}

#[derive(Serialize, Deserialize)]
enum EdwardsAlgorithm {
    #[serde(rename = "EdDSA")]
    EdDsa,
}

#[derive(Serialize, Deserialize)]
enum Curve {
    Ed25519,
}

/// What is wrong with which member of a key.
type Fault = (&'static str, &'static str);

/// Reads a ring. The key of an earlier version was made when its file was, `made_at`.
pub(super) fn parse(bytes: &[u8], made_at: Timestamp) -> Result<Vec<StoredKey>, InvalidKeyRing> {
    if bytes.len() == BARE_SECRET_LENGTH && !bytes.starts_with(BEGINNING) {
        return bare_secret(bytes, made_at);
    }
    let set: KeySet = serde_json::from_slice(bytes).map_err(|error| InvalidKeyRing::Malformed {
        line: error.line(),
        column: error.column(),
    })?;
    let keys = set
        .keys
        .into_iter()
        .enumerate()
        .map(|(index, jwk)| {
            read(jwk).map_err(|(member, fault)| InvalidKeyRing::Key {
                index,
                member,
                fault,
            })
        })
        .collect::<Result<Vec<_>, _>>()?;
    check(keys)
}

fn bare_secret(secret: &[u8], made_at: Timestamp) -> Result<Vec<StoredKey>, InvalidKeyRing> {
    let Ok(key) = SigningKey::hs256(secret) else {
        return Err(InvalidKeyRing::Key {
            index: 0,
            member: "k",
            fault: "cannot be used as a key",
        });
    };
    Ok(vec![StoredKey {
        key: Arc::new(key),
        created_at: made_at,
        retired_at: None,
    }])
}

/// One key signs, it comes first, and each has an id of its own.
fn check(mut keys: Vec<StoredKey>) -> Result<Vec<StoredKey>, InvalidKeyRing> {
    let current = keys.iter().filter(|key| key.retired_at.is_none()).count();
    if current != 1 {
        return Err(InvalidKeyRing::CurrentKeys(current));
    }
    for (index, stored) in keys.iter().enumerate() {
        let same = |other: &StoredKey| other.key.id() == stored.key.id();
        if keys.iter().skip(index + 1).any(same) {
            return Err(InvalidKeyRing::SameId);
        }
    }
    keys.sort_by_key(|stored| stored.retired_at.is_some());
    Ok(keys)
}

fn read(jwk: Jwk) -> Result<StoredKey, Fault> {
    let (key, kid, created_at, retired_at) = match jwk {
        Jwk::Octets {
            alg: HmacAlgorithm::Hs256,
            kid,
            k,
            created_at,
            retired_at,
        } => {
            let secret = decode("k", &k)?;
            let key = SigningKey::hs256(&secret)
                .ok()
                .ok_or(("k", "must have at least 32 bytes in base64url"))?;
            (key, kid, created_at, retired_at)
        }
        Jwk::OctetKeyPair {
            crv: Curve::Ed25519,
            alg: EdwardsAlgorithm::EdDsa,
            kid,
            x,
            d,
            created_at,
            retired_at,
        } => {
            const WRONG: Fault = ("d", "must be an Ed25519 private key: 32 bytes in base64url");
            let seed: Zeroizing<[u8; SigningKey::SEED_LENGTH]> = decode("d", &d)?
                .as_slice()
                .try_into()
                .map(Zeroizing::new)
                .ok()
                .ok_or(WRONG)?;
            let key = SigningKey::ed25519(&seed).ok().ok_or(WRONG)?;
            let public = key.public().map(|public| public.ed25519.to_vec());
            if public.as_ref() != Some(&*decode("x", &x)?) {
                return Err(("x", "is not the public half of d"));
            }
            (key, kid, created_at, retired_at)
        }
    };
    // Every instance must call a key the same, those included to which its secret is configured.
    if key.id() != kid {
        return Err(("kid", "is not that of this key"));
    }
    Ok(StoredKey {
        key: Arc::new(key),
        created_at: instant("created_at", created_at)?,
        retired_at: retired_at
            .map(|text| instant("retired_at", text))
            .transpose()?,
    })
}

fn decode(member: &'static str, text: &str) -> Result<Zeroizing<Vec<u8>>, Fault> {
    match URL_SAFE_NO_PAD.decode(text) {
        Ok(bytes) => Ok(Zeroizing::new(bytes)),
        Err(_) => Err((member, "must be base64url without padding")),
    }
}

fn instant(member: &'static str, text: String) -> Result<Timestamp, Fault> {
    Timestamp::try_from(text).ok().ok_or((
        member,
        "must be a date and time such as 2026-12-01T09:30:00Z",
    ))
}

/// Writes a ring.
pub(super) fn write(keys: &[StoredKey]) -> Zeroizing<Vec<u8>> {
    let set = KeySet {
        keys: keys.iter().map(jwk).collect(),
    };
    // Texts alone, which JSON can always say.
    let mut text = Zeroizing::new(serde_json::to_vec_pretty(&set).unwrap_or_default());
    text.push(b'\n');
    text
}

fn jwk(stored: &StoredKey) -> Jwk {
    let kid = stored.key.id().to_owned();
    let created_at = stored.created_at.to_string();
    let retired_at = stored.retired_at.map(String::from);
    match stored.key.secret() {
        Secret::Hs256(secret) => Jwk::Octets {
            alg: HmacAlgorithm::Hs256,
            kid,
            k: Zeroizing::new(URL_SAFE_NO_PAD.encode(&**secret)),
            created_at,
            retired_at,
        },
        Secret::EdDsa { seed, public } => Jwk::OctetKeyPair {
            crv: Curve::Ed25519,
            alg: EdwardsAlgorithm::EdDsa,
            kid,
            x: URL_SAFE_NO_PAD.encode(public),
            d: Zeroizing::new(URL_SAFE_NO_PAD.encode(**seed)),
            created_at,
            retired_at,
        },
    }
}

#[cfg(test)]
mod tests {
    use rstest::rstest;
    use serde_json::{Value, json};

    use super::*;
    use crate::keys::{SigningAlgorithm, testing::at};

    fn stored(algorithm: SigningAlgorithm, retired_at: Option<Timestamp>) -> StoredKey {
        StoredKey {
            key: Arc::new(SigningKey::random(algorithm).unwrap()),
            created_at: at(1),
            retired_at,
        }
    }

    /// A ring as JSON: the current key is of Ed25519, the retired one a secret.
    fn good() -> Value {
        let keys = [
            stored(SigningAlgorithm::EdDsa, None),
            stored(SigningAlgorithm::Hs256, Some(at(2))),
        ];
        serde_json::from_slice(&write(&keys)).unwrap()
    }

    fn parsed(ring: &Value) -> Result<Vec<StoredKey>, InvalidKeyRing> {
        parse(ring.to_string().as_bytes(), at(0))
    }

    #[test]
    fn what_is_written_is_read_again() {
        let keys = [
            stored(SigningAlgorithm::Hs256, Some(at(3))),
            stored(SigningAlgorithm::EdDsa, None),
            stored(SigningAlgorithm::EdDsa, Some(at(2))),
        ];
        let text = write(&keys);
        assert!(text.starts_with(BEGINNING));
        let read = parse(&text, at(0)).unwrap();
        let [retired, current, older] = keys;
        for (read, written) in read.iter().zip([current, retired, older]) {
            assert_eq!(read.key.id(), written.key.id());
            assert_eq!(read.key.algorithm(), written.key.algorithm());
            assert_eq!(read.key.public(), written.key.public());
            assert_eq!(read.created_at, written.created_at);
            assert_eq!(read.retired_at, written.retired_at);
        }
    }

    #[test]
    fn the_secret_of_an_earlier_version_is_a_ring_of_one_key() {
        let secret = [7; BARE_SECRET_LENGTH];
        let ring = parse(&secret, at(9)).unwrap();
        let [stored] = &ring[..] else {
            panic!("{ring:?}");
        };
        assert_eq!(stored.key.id(), SigningKey::hs256(&secret).unwrap().id());
        assert_eq!((stored.created_at, stored.retired_at), (at(9), None));
    }

    #[test]
    fn a_ring_that_is_cut_off_is_not_taken_for_a_secret() {
        let text = write(&[stored(SigningAlgorithm::Hs256, None)]);
        for length in 0..text.len() - 2 {
            let error = parse(&text[..length], at(0)).unwrap_err();
            assert!(
                matches!(error, InvalidKeyRing::Malformed { .. }),
                "{length}"
            );
        }
    }

    #[rstest]
    #[case::x_of_another_key("/keys/0/x", json!("11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"), "keys[0].x is not the public half of d")]
    #[case::short_d("/keys/0/d", json!("AAAA"), "keys[0].d must be an Ed25519 private key: 32 bytes in base64url")]
    #[case::short_k("/keys/1/k", json!("AAAA"), "keys[1].k must have at least 32 bytes in base64url")]
    #[case::k_with_padding("/keys/1/k", json!("AAA="), "keys[1].k must be base64url without padding")]
    #[case::kid("/keys/1/kid", json!("another"), "keys[1].kid is not that of this key")]
    #[case::created_at("/keys/0/created_at", json!("now"), "keys[0].created_at must be a date and time such as 2026-12-01T09:30:00Z")]
    #[case::none_current("/keys/0/retired_at", json!("2026-12-01T09:30:00Z"), "0 of its keys have no retired_at, and must be exactly one")]
    #[case::two_current(
        "/keys/1/retired_at",
        Value::Null,
        "2 of its keys have no retired_at, and must be exactly one"
    )]
    fn what_is_wrong_is_named(#[case] at: &str, #[case] value: Value, #[case] message: &str) {
        let mut ring = good();
        let (parent, member) = at.rsplit_once('/').unwrap();
        ring.pointer_mut(parent).unwrap()[member] = value;
        assert_eq!(parsed(&ring).unwrap_err().to_string(), message);
    }

    #[test]
    fn a_key_is_of_one_kind_and_for_one_algorithm() {
        for (pointer, value) in [
            ("/keys/0/alg", "HS256"),
            ("/keys/1/alg", "EdDSA"),
            ("/keys/1/alg", "HS512"),
            ("/keys/1/kty", "OKP"),
            ("/keys/0/crv", "Ed448"),
        ] {
            let mut ring = good();
            *ring.pointer_mut(pointer).unwrap() = json!(value);
            let error = parsed(&ring).unwrap_err();
            assert!(
                matches!(error, InvalidKeyRing::Malformed { .. }),
                "{pointer}"
            );
        }
    }

    #[test]
    fn two_keys_of_one_id_and_members_that_are_not_known_are_refused() {
        let mut ring = good();
        let twin = ring["keys"][1].clone();
        ring["keys"].as_array_mut().unwrap().push(twin);
        assert_eq!(parsed(&ring).unwrap_err(), InvalidKeyRing::SameId);

        let mut ring = good();
        ring["keys"][0]["use"] = json!("sig");
        assert!(parsed(&ring).is_err());
    }

    #[test]
    fn no_fault_repeats_a_secret() {
        for text in [
            r#""hunter2""#,
            r#"{"keys": "hunter2"}"#,
            r#"{"keys": [{"kty": "hunter2"}]}"#,
        ] {
            let error = parse(text.as_bytes(), at(0)).unwrap_err();
            assert!(!format!("{error} {error:?}").contains("hunter"), "{error}");
        }
    }
}
