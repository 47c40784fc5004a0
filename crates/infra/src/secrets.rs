//! Random secrets and their digests.

use aws_lc_rs::digest::{SHA256, digest};
use todo_domain::{
    Secret, SecretDigest, SecretKind,
    ports::{RandomError, Secrets},
};

/// Generates secrets from the random source of the operating system, and digests by SHA-256.
#[derive(Debug, Clone, Copy, Default)]
pub struct RandomSecrets;

impl Secrets for RandomSecrets {
    fn generate(&self, kind: SecretKind) -> Result<Secret, RandomError> {
        let part = || getrandom::u64().map_err(|error| RandomError(error.into()));
        Ok(Secret::from_random(kind, [part()?, part()?, part()?]))
    }

    fn digest(&self, secret: &Secret) -> SecretDigest {
        let mut bytes = [0; 32];
        bytes.copy_from_slice(digest(&SHA256, secret.expose().as_bytes()).as_ref());
        SecretDigest::from_bytes(bytes)
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use rstest::rstest;

    use super::*;

    #[test]
    fn generated_secrets_are_valid_and_unique() {
        let mut made = HashSet::new();
        for kind in SecretKind::ALL {
            for _ in 0..1_000 {
                let secret = RandomSecrets.generate(kind).unwrap();
                assert_eq!(secret.kind(), kind);
                assert!(Secret::parse(kind, secret.expose()).is_ok());
                assert!(made.insert(secret.expose().to_owned()));
            }
        }
    }

    #[test]
    fn every_part_is_random() {
        let [one, other] = [(); 2].map(|()| RandomSecrets.generate(SecretKind::Device).unwrap());
        for part in [9..20, 20..31, 31..42] {
            assert_ne!(one.expose()[part.clone()], other.expose()[part]);
        }
    }

    // Made by: printf todo_pat_… | sha256sum
    #[rstest]
    #[case(
        "todo_pat_0000000000000000000001LygHa16AHYF22r4wb",
        "6a6a105230bb792ce32532f38f3acc01ac52b60ef86d2e7970537ea0127d55f3"
    )]
    fn a_digest_is_the_sha_256_of_the_whole_text(#[case] text: &str, #[case] expected: &str) {
        let secret = Secret::parse(SecretKind::PersonalAccessToken, text).unwrap();
        let digest = RandomSecrets.digest(&secret);
        let bytes = digest.as_bytes().map(|byte| format!("{byte:02x}"));
        assert_eq!(bytes.concat(), expected);
    }
}
