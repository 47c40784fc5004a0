//! The format of the key-ring file: a JSON Web Key Set (RFC 7517).
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
//! An earlier version stored one secret of 64 random bytes; such a file is read as a ring of one key.

use std::sync::Arc;

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use serde::{Deserialize, Serialize};
use todo_domain::Timestamp;
use zeroize::Zeroizing;

use super::{InvalidKeyRing, SigningKey, StoredKey, signing_key::Secret};

/// The length in bytes of the secret of an earlier version.
const BARE_SECRET_LENGTH: usize = 64;
/// The first bytes of a ring. A secret of an earlier version begins with them once in 2^64 times.
const BEGINNING: &[u8] = b"{\n  \"key";

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct KeySet {
    keys: Vec<Jwk>,
}

/// A key with the members of its type (RFC 7518, 6.4; RFC 8037, 2).
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

/// The invalid member of a key, and the reason.
type InvalidMember = (&'static str, &'static str);

/// Parses a ring. `modified_at` is the time of the file, and the creation time of the key of an earlier version.
pub(super) fn parse(
    bytes: &[u8],
    modified_at: Timestamp,
) -> Result<Vec<StoredKey>, InvalidKeyRing> {
    if bytes.len() == BARE_SECRET_LENGTH && !bytes.starts_with(BEGINNING) {
        return bare_secret(bytes, modified_at);
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
            read(jwk).map_err(|(member, reason)| InvalidKeyRing::Key {
                index,
                member,
                reason,
            })
        })
        .collect::<Result<Vec<_>, _>>()?;
    check(keys)
}

fn bare_secret(secret: &[u8], modified_at: Timestamp) -> Result<Vec<StoredKey>, InvalidKeyRing> {
    let Ok(key) = SigningKey::hs256(secret) else {
        return Err(InvalidKeyRing::Key {
            index: 0,
            member: "k",
            reason: "cannot be used as a key",
        });
    };
    Ok(vec![StoredKey {
        key: Arc::new(key),
        created_at: modified_at,
        retired_at: None,
    }])
}

/// Checks that one key signs and that ids are unique, and sorts the signing key first.
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

fn read(jwk: Jwk) -> Result<StoredKey, InvalidMember> {
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
            const WRONG: InvalidMember =
                ("d", "must be an Ed25519 private key: 32 bytes in base64url");
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
    // The id is derived from the key, so that all instances agree on it, also those to which the secret is configured.
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

fn decode(member: &'static str, text: &str) -> Result<Zeroizing<Vec<u8>>, InvalidMember> {
    match URL_SAFE_NO_PAD.decode(text) {
        Ok(bytes) => Ok(Zeroizing::new(bytes)),
        Err(_) => Err((member, "must be base64url without padding")),
    }
}

fn instant(member: &'static str, text: String) -> Result<Timestamp, InvalidMember> {
    Timestamp::try_from(text).ok().ok_or((
        member,
        "must be a date and time such as 2026-12-01T09:30:00Z",
    ))
}

/// Serializes a ring.
pub(super) fn write(keys: &[StoredKey]) -> Zeroizing<Vec<u8>> {
    let set = KeySet {
        keys: keys.iter().map(jwk).collect(),
    };
    // A ring consists of strings, so serialization cannot fail.
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
mod tests;
