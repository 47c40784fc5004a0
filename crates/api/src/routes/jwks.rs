//! The public keys of the tokens, as a JSON Web Key Set (RFC 7517).

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use serde::Serialize;
use todo_application::operation::public_keys;
use todo_domain::PublicKey;
use utoipa::ToSchema;

use crate::{
    input::Input,
    reply::Reply,
    request::{Request, Response, database},
};

/// For how long a copy may be used. A key that was dropped counts for no longer than that elsewhere; one that was added
/// is found earlier by whoever fetches again on meeting a `kid` that is not in the copy.
const CACHE_CONTROL: &str = "public, max-age=300";

/// A JSON Web Key Set (RFC 7517, 5).
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct JwkSet {
    /// The keys; the signing key is first.
    keys: Vec<Jwk>,
}

/// A JSON Web Key (RFC 7517, 4) for Ed25519 (RFC 8037, 2).
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Jwk {
    #[schema(example = "OKP")]
    kty: &'static str,
    #[schema(example = "Ed25519")]
    crv: &'static str,
    #[schema(example = "EdDSA")]
    alg: &'static str,
    #[schema(example = "sig")]
    r#use: &'static str,
    /// Key id, the `kid` in the header of a token.
    #[schema(example = "kPrK_qmxVWaYVA9wwBF6Iuo3vVzz7TxHCTwXBygrS4k")]
    kid: String,
    /// Public key, in base64url.
    #[schema(example = "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo")]
    x: String,
}

impl From<PublicKey> for Jwk {
    fn from(key: PublicKey) -> Self {
        Self {
            kty: "OKP",
            crv: "Ed25519",
            alg: "EdDSA",
            r#use: "sig",
            kid: key.id,
            x: URL_SAFE_NO_PAD.encode(key.ed25519),
        }
    }
}

/// Get the verification keys
///
/// Public keys with which other services verify access tokens. The set is empty if tokens are signed with a secret
/// (HS256), the default. It may be cached for five minutes and should be fetched again for an unknown `kid`.
#[utoipa::path(get, path = "/.well-known/jwks.json", operation_id = "jwks", tag = "keys", security(()),
    responses((status = 200, description = "The public keys", body = JwkSet)))]
pub(crate) async fn jwks(request: Request) -> Response {
    request
        .for_anyone(database, Input::nothing, |app, _, ()| {
            let keys = public_keys(app).into_iter().map(Jwk::from).collect();
            Ok(Reply::ok(&JwkSet { keys })?.cached(CACHE_CONTROL))
        })
        .await
}

#[cfg(test)]
mod tests {
    use super::*;

    /// RFC 8037, A.2 and A.3
    #[test]
    fn a_key_is_written_as_the_standard_has_it() {
        let x = "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo";
        let ed25519 = URL_SAFE_NO_PAD.decode(x).unwrap().try_into().unwrap();
        let id = "kPrK_qmxVWaYVA9wwBF6Iuo3vVzz7TxHCTwXBygrS4k".to_owned();
        let jwk = Jwk::from(PublicKey { id, ed25519 });
        assert_eq!(
            serde_json::to_value(jwk).unwrap(),
            serde_json::json!({
                "kty": "OKP", "crv": "Ed25519", "alg": "EdDSA", "use": "sig",
                "kid": "kPrK_qmxVWaYVA9wwBF6Iuo3vVzz7TxHCTwXBygrS4k", "x": x,
            })
        );
    }
}
