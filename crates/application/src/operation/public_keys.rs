//! Telling others how to verify our tokens.

use todo_domain::PublicKey;

use crate::App;

/// The public keys that verify the access tokens that are accepted now. Where tokens are signed with a secret alone,
/// there are none, and nobody else can verify them.
#[must_use]
pub fn public_keys(app: &App) -> Vec<PublicKey> {
    app.public_keys.public_keys()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::Mocks;

    #[test]
    fn it_tells_the_keys_that_count_now() {
        let keys = vec![PublicKey {
            id: "a key".to_owned(),
            ed25519: [7; 32],
        }];
        let mut mocks = Mocks::default();
        mocks
            .public_keys
            .expect_public_keys()
            .return_const(keys.clone());
        assert_eq!(public_keys(&mocks.app()), keys);
    }
}
