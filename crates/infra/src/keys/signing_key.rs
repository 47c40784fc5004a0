//! A signing key.

use std::{fmt, str::FromStr};

use jsonwebtoken::{
    Algorithm, DecodingKey, EncodingKey, crypto,
    jwk::{AlgorithmParameters, Jwk, ThumbprintHash},
};
use todo_domain::PublicKey;
use zeroize::Zeroizing;

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};

/// The algorithm of a key. It belongs to the key, and is never taken from a token (RFC 8725, 3.1).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SigningAlgorithm {
    /// HMAC with SHA-256 (RFC 7518, 3.2). The verifier can sign as well.
    Hs256,
    /// Ed25519 (RFC 8037, 3.1). The verifier needs the public key only.
    EdDsa,
}

impl SigningAlgorithm {
    /// The `alg` of a token's header.
    pub(crate) fn as_jwt(self) -> Algorithm {
        match self {
            Self::Hs256 => Algorithm::HS256,
            Self::EdDsa => Algorithm::EdDSA,
        }
    }
}

impl fmt::Display for SigningAlgorithm {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Hs256 => "HS256",
            Self::EdDsa => "EdDSA",
        })
    }
}

/// The text names no supported algorithm.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("must be HS256 or EdDSA")]
pub struct UnknownAlgorithm;

impl FromStr for SigningAlgorithm {
    type Err = UnknownAlgorithm;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        match text {
            "HS256" => Ok(Self::Hs256),
            "EdDSA" => Ok(Self::EdDsa),
            _ => Err(UnknownAlgorithm),
        }
    }
}

/// Why a secret is refused as a key.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum InvalidSigningKey {
    /// The secret is shorter than [`SigningKey::MIN_LENGTH`].
    #[error(
        "must have at least {} bytes, but has {actual}",
        SigningKey::MIN_LENGTH
    )]
    TooShort {
        /// The length of the secret in bytes.
        actual: usize,
    },
    /// The cryptographic library refuses it.
    #[error("cannot be used as a key")]
    Unusable,
}

/// A key that signs tokens with one algorithm. Its `Debug` is redacted.
pub struct SigningKey {
    /// The key id in the header of a token. It reveals nothing of the secret.
    id: String,
    secret: Secret,
    encoding: EncodingKey,
    decoding: DecodingKey,
}

/// The secret part of a key.
pub(super) enum Secret {
    Hs256(Zeroizing<Vec<u8>>),
    EdDsa {
        /// The private key (RFC 8032, 5.1.5).
        seed: Zeroizing<[u8; SigningKey::SEED_LENGTH]>,
        public: [u8; SigningKey::SEED_LENGTH],
    },
}

impl SigningKey {
    /// The smallest length of a secret in bytes: that of the signature (RFC 7518, 3.2).
    pub const MIN_LENGTH: usize = 32;
    /// The length in bytes of a generated secret.
    const RANDOM_LENGTH: usize = 64;
    /// The length in bytes of either half of an Ed25519 key.
    pub(super) const SEED_LENGTH: usize = 32;

    /// A key for HS256.
    ///
    /// # Errors
    /// [`InvalidSigningKey::TooShort`].
    pub fn hs256(secret: &[u8]) -> Result<Self, InvalidSigningKey> {
        if secret.len() < Self::MIN_LENGTH {
            return Err(InvalidSigningKey::TooShort {
                actual: secret.len(),
            });
        }
        let encoding = EncodingKey::from_secret(secret);
        Ok(Self {
            id: id_of_secret(&encoding).ok_or(InvalidSigningKey::Unusable)?,
            secret: Secret::Hs256(Zeroizing::new(secret.to_vec())),
            encoding,
            decoding: DecodingKey::from_secret(secret),
        })
    }

    /// A key for `EdDSA`, of the private key that RFC 8032 calls the seed.
    ///
    /// # Errors
    /// [`InvalidSigningKey::Unusable`].
    pub fn ed25519(seed: &[u8; 32]) -> Result<Self, InvalidSigningKey> {
        /// The PKCS #8 prefix (RFC 8410, 7) of the 32 bytes of a private key.
        const PKCS8: [u8; 16] = [
            0x30, 0x2e, 0x02, 0x01, 0x00, 0x30, 0x05, 0x06, 0x03, 0x2b, 0x65, 0x70, 0x04, 0x22,
            0x04, 0x20,
        ];
        let der = Zeroizing::new([&PKCS8[..], seed].concat());
        let encoding = EncodingKey::from_ed_der(&der);
        let (id, x) = public_half(&encoding).ok_or(InvalidSigningKey::Unusable)?;
        Ok(Self {
            id,
            secret: Secret::EdDsa {
                seed: Zeroizing::new(*seed),
                public: x,
            },
            encoding,
            decoding: DecodingKey::from_ed_der(&x),
        })
    }

    /// Generates a random key.
    pub(super) fn random(algorithm: SigningAlgorithm) -> Result<Self, getrandom::Error> {
        let made = match algorithm {
            SigningAlgorithm::Hs256 => {
                let mut secret = Zeroizing::new([0; Self::RANDOM_LENGTH]);
                getrandom::fill(&mut *secret)?;
                Self::hs256(&*secret)
            }
            SigningAlgorithm::EdDsa => {
                let mut seed = Zeroizing::new([0; Self::SEED_LENGTH]);
                getrandom::fill(&mut *seed)?;
                Self::ed25519(&seed)
            }
        };
        // Every 64 bytes are a secret, and every 32 bytes a seed.
        made.ok().ok_or(getrandom::Error::UNEXPECTED)
    }

    /// The key id in the header of a token. It reveals nothing of the secret.
    #[must_use]
    pub fn id(&self) -> &str {
        &self.id
    }

    /// The algorithm of the key.
    #[must_use]
    pub fn algorithm(&self) -> SigningAlgorithm {
        match self.secret {
            Secret::Hs256(_) => SigningAlgorithm::Hs256,
            Secret::EdDsa { .. } => SigningAlgorithm::EdDsa,
        }
    }

    /// The public half of a key pair; `None` for a secret.
    pub(super) fn public(&self) -> Option<PublicKey> {
        match self.secret {
            Secret::Hs256(_) => None,
            Secret::EdDsa { public, .. } => Some(PublicKey {
                id: self.id.clone(),
                ed25519: public,
            }),
        }
    }

    pub(super) fn secret(&self) -> &Secret {
        &self.secret
    }

    pub(crate) fn encoding(&self) -> &EncodingKey {
        &self.encoding
    }

    pub(crate) fn decoding(&self) -> &DecodingKey {
        &self.decoding
    }
}

impl fmt::Debug for SigningKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SigningKey")
            .field("id", &self.id)
            .field("algorithm", &self.algorithm())
            .finish_non_exhaustive()
    }
}

/// The prefix of a signature of a text that is no token: the same on every instance with the secret.
fn id_of_secret(key: &EncodingKey) -> Option<String> {
    const LENGTH: usize = 16;
    let signature = crypto::sign(b"key id", key, Algorithm::HS256).ok()?;
    Some(signature.chars().take(LENGTH).collect())
}

/// The thumbprint (RFC 7638) of the public half of an Ed25519 key, and that half.
fn public_half(key: &EncodingKey) -> Option<(String, [u8; SigningKey::SEED_LENGTH])> {
    let jwk = Jwk::from_encoding_key(key, Algorithm::EdDSA).ok()?;
    let AlgorithmParameters::OctetKeyPair(parameters) = &jwk.algorithm else {
        return None;
    };
    let x = URL_SAFE_NO_PAD
        .decode(&parameters.x)
        .ok()?
        .try_into()
        .ok()?;
    Some((jwk.thumbprint(ThumbprintHash::SHA256).ok()?, x))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_short_secret_is_refused() {
        let error = SigningKey::hs256(&[7; 31]).unwrap_err();
        assert_eq!(error.to_string(), "must have at least 32 bytes, but has 31");
        assert!(SigningKey::hs256(&[7; 32]).is_ok());
    }

    /// RFC 8037, A.1 to A.3
    #[test]
    fn the_public_key_and_thumbprint_equal_the_test_vectors() {
        let seed = URL_SAFE_NO_PAD
            .decode("nWGxne_9WmC6hEr0kuwsxERJxWl7MmkZcDusAxyuf2A")
            .unwrap();
        let key = SigningKey::ed25519(&seed.try_into().unwrap()).unwrap();
        let public = key.public().unwrap();
        assert_eq!(
            URL_SAFE_NO_PAD.encode(public.ed25519),
            "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"
        );
        assert_eq!(public.id, "kPrK_qmxVWaYVA9wwBF6Iuo3vVzz7TxHCTwXBygrS4k");
        assert_eq!(key.id(), public.id);
    }

    #[test]
    fn a_secret_has_no_public_half() {
        assert_eq!(SigningKey::hs256(&[7; 32]).unwrap().public(), None);
    }

    #[test]
    fn random_keys_differ_and_have_the_requested_algorithm() {
        for algorithm in [SigningAlgorithm::Hs256, SigningAlgorithm::EdDsa] {
            let one = SigningKey::random(algorithm).unwrap();
            let other = SigningKey::random(algorithm).unwrap();
            assert_ne!(one.id(), other.id());
            assert_eq!(one.algorithm(), algorithm);
            assert_eq!(algorithm.to_string().parse(), Ok(algorithm));
        }
        assert_eq!("none".parse::<SigningAlgorithm>(), Err(UnknownAlgorithm));
    }

    #[test]
    fn debug_output_is_redacted() {
        let key = SigningKey::hs256(b"a secret of no less than 32 bytes").unwrap();
        assert!(!format!("{key:?}").contains("secret of"));
    }
}
