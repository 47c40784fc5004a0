//! Access tokens as JSON Web Tokens (RFC 7519), signed with HS256 by a ring of keys.

use std::fmt;

use jsonwebtoken::{
    Algorithm, DecodingKey, EncodingKey, Header, Validation, crypto, decode, decode_header, encode,
    errors::Error,
};
use serde::{Deserialize, Serialize};
use todo_domain::{
    AccessClaims, AccessToken, DisplayName, Email, InvalidId, Timestamp,
    ports::{AccessTokens, BoxError, TokenError},
};

/// The one algorithm. It is never taken from a token (RFC 8725, 3.1).
const ALGORITHM: Algorithm = Algorithm::HS256;
/// The `iss` and the `aud` of every token.
const ISSUER: &str = "todo-server";

/// A secret key for HS256.
pub struct SigningKey {
    /// Names the key in a token's header, and gives nothing of it away.
    id: String,
    encoding: EncodingKey,
    decoding: DecodingKey,
}

/// The secret is shorter than [`SigningKey::MIN_LENGTH`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error(
    "must have at least {} bytes, but has {actual}",
    SigningKey::MIN_LENGTH
)]
pub struct SigningKeyTooShort {
    /// The length of the secret in bytes.
    pub actual: usize,
}

impl SigningKey {
    /// The smallest length of a secret in bytes: that of the signature (RFC 7518, 3.2).
    pub const MIN_LENGTH: usize = 32;

    /// Makes a key of a secret.
    ///
    /// # Errors
    /// [`SigningKeyTooShort`].
    pub fn new(secret: &[u8]) -> Result<Self, SigningKeyTooShort> {
        if secret.len() < Self::MIN_LENGTH {
            return Err(SigningKeyTooShort {
                actual: secret.len(),
            });
        }
        let encoding = EncodingKey::from_secret(secret);
        Ok(Self {
            id: key_id(&encoding),
            encoding,
            decoding: DecodingKey::from_secret(secret),
        })
    }
}

impl fmt::Debug for SigningKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SigningKey")
            .field("id", &self.id)
            .finish_non_exhaustive()
    }
}

/// The beginning of a signature of a text that is no token: the same on every instance that has the secret.
fn key_id(key: &EncodingKey) -> String {
    const LENGTH: usize = 16;
    crypto::sign(b"key id", key, ALGORITHM)
        .unwrap_or_default()
        .chars()
        .take(LENGTH)
        .collect()
}

/// What is in a token. Every claim is demanded.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Claims {
    iss: String,
    aud: String,
    sub: String,
    sid: String,
    email: String,
    #[serde(deserialize_with = "present")]
    name: Option<String>,
    iat: i64,
    exp: i64,
}

/// Serde takes an absent `Option` for `None`; a claim that may be null must be there all the same.
fn present<'de, D: serde::Deserializer<'de>>(deserializer: D) -> Result<Option<String>, D::Error> {
    Option::deserialize(deserializer)
}

/// Makes and reads JSON Web Tokens.
#[derive(Debug)]
pub struct JwtTokens {
    current: SigningKey,
    previous: Vec<SigningKey>,
    validation: Validation,
}

/// Why a token that is rightly signed is rejected.
#[derive(Debug, thiserror::Error)]
enum Rejection {
    #[error("the token names a key that is not in use")]
    UnknownKey,
    #[error("the token's time lies outside what can be")]
    Time,
}

impl JwtTokens {
    /// Signs with `current`, and accepts what it or one of the `previous` keys signed: when a key is rotated, the old
    /// one stays among these for as long as a token lives, and nobody is logged out.
    #[must_use]
    pub fn new(current: SigningKey, previous: Vec<SigningKey>) -> Self {
        let mut validation = Validation::new(ALGORITHM);
        validation.leeway = 0;
        validation.set_issuer(&[ISSUER]);
        validation.set_audience(&[ISSUER]);
        validation.set_required_spec_claims(&["iss", "aud", "sub", "exp"]);
        Self {
            current,
            previous,
            validation,
        }
    }

    fn read(&self, token: &str) -> Result<AccessClaims, BoxError> {
        let id = decode_header(token)?.kid.ok_or(Rejection::UnknownKey)?;
        let key = std::iter::once(&self.current)
            .chain(&self.previous)
            .find(|key| key.id == id)
            .ok_or(Rejection::UnknownKey)?;
        let claims = decode::<Claims>(token, &key.decoding, &self.validation)?.claims;
        Ok(AccessClaims {
            user_id: claims.sub.parse()?,
            session_id: claims.sid.parse().map_err(|error: InvalidId| error)?,
            email: Email::from_stored(claims.email),
            name: claims.name.map(DisplayName::from_stored),
            issued_at: from_seconds(claims.iat)?,
            expires_at: from_seconds(claims.exp)?,
        })
    }

    fn write(&self, claims: &AccessClaims) -> Result<String, Error> {
        let header = Header {
            kid: Some(self.current.id.clone()),
            ..Header::new(ALGORITHM)
        };
        let claims = Claims {
            iss: ISSUER.to_owned(),
            aud: ISSUER.to_owned(),
            sub: claims.user_id.to_string(),
            sid: claims.session_id.to_string(),
            email: claims.email.to_string(),
            name: claims.name.as_ref().map(ToString::to_string),
            iat: claims.issued_at.as_seconds(),
            exp: claims.expires_at.as_seconds(),
        };
        encode(&header, &claims, &self.current.encoding)
    }
}

fn from_seconds(seconds: i64) -> Result<Timestamp, Rejection> {
    seconds
        .checked_mul(1_000_000)
        .and_then(|microseconds| Timestamp::from_microseconds(microseconds).ok())
        .ok_or(Rejection::Time)
}

impl AccessTokens for JwtTokens {
    fn issue(&self, claims: &AccessClaims) -> Result<AccessToken, TokenError> {
        match self.write(claims) {
            Ok(token) => Ok(AccessToken::new(token)),
            Err(error) => Err(TokenError::Signing(error.into())),
        }
    }

    fn verify(&self, token: &AccessToken) -> Result<AccessClaims, TokenError> {
        self.read(token.expose()).map_err(TokenError::Rejected)
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use jsonwebtoken::{Algorithm, EncodingKey, Header, encode};
    use rstest::rstest;
    use serde_json::{Value, json};
    use todo_domain::{
        Client, Session, SessionPolicy, User,
        ports::{Clock, IdGenerator},
    };

    use super::*;
    use crate::{RandomIds, SystemClock};

    const SECRET: &[u8] = b"a secret of no less than 32 bytes";
    const OTHER_SECRET: &[u8] = b"another secret of over 32 bytes..";

    fn key(secret: &[u8]) -> SigningKey {
        SigningKey::new(secret).unwrap()
    }

    fn tokens() -> JwtTokens {
        JwtTokens::new(key(SECRET), Vec::new())
    }

    fn claims(lifetime: Duration) -> AccessClaims {
        let (now, ids) = (SystemClock.now(), RandomIds);
        let email = Email::new("ada@example.com").unwrap();
        let user = User::new(ids.user(), email, DisplayName::new("Ada").unwrap(), now);
        let (id, policy) = (ids.session(), SessionPolicy::default());
        let session = Session::begin(id, user.id, Client::default(), now, &policy);
        AccessClaims::new(&user, &session, now, now.saturating_add(lifetime))
    }

    fn an_hour() -> AccessClaims {
        claims(Duration::from_hours(1))
    }

    /// The claims of an acceptable token, as JSON.
    fn good() -> Value {
        let claims = an_hour();
        json!({
            "iss": ISSUER, "aud": ISSUER, "sub": claims.user_id.to_string(),
            "sid": claims.session_id.to_string(), "email": "ada@example.com", "name": "Ada",
            "iat": claims.issued_at.as_seconds(), "exp": claims.expires_at.as_seconds(),
        })
    }

    fn header() -> Header {
        Header {
            kid: Some(key(SECRET).id),
            ..Header::new(ALGORITHM)
        }
    }

    fn signed(header: &Header, claims: &Value) -> AccessToken {
        AccessToken::new(encode(header, claims, &EncodingKey::from_secret(SECRET)).unwrap())
    }

    fn is_accepted(token: &AccessToken) -> bool {
        match tokens().verify(token) {
            Ok(_) => true,
            Err(TokenError::Rejected(_)) => false,
            Err(error) => panic!("{error}"),
        }
    }

    #[test]
    fn a_token_says_what_it_was_made_to_say() {
        let claims = an_hour();
        let token = tokens().issue(&claims).unwrap();
        assert_eq!(tokens().verify(&token).unwrap(), claims);

        let nameless = AccessClaims {
            name: None,
            ..claims
        };
        let token = tokens().issue(&nameless).unwrap();
        assert_eq!(tokens().verify(&token).unwrap(), nameless);
    }

    #[test]
    fn a_rotated_key_still_verifies_and_a_dropped_one_does_not() {
        let token = tokens().issue(&an_hour()).unwrap();
        let rotated = JwtTokens::new(key(OTHER_SECRET), vec![key(SECRET)]);
        assert!(rotated.verify(&token).is_ok());
        let dropped = JwtTokens::new(key(OTHER_SECRET), Vec::new());
        assert!(dropped.verify(&token).is_err());
        let fresh = rotated.issue(&an_hour()).unwrap();
        assert!(dropped.verify(&fresh).is_ok());
    }

    #[test]
    fn a_short_secret_is_refused() {
        let error = SigningKey::new(&[7; 31]).unwrap_err();
        assert_eq!(error.to_string(), "must have at least 32 bytes, but has 31");
        assert!(SigningKey::new(&[7; 32]).is_ok());
    }

    #[test]
    fn the_matrix_begins_with_a_token_that_is_accepted() {
        assert!(is_accepted(&signed(&header(), &good())));
    }

    #[rstest]
    #[case::iss("iss")]
    #[case::aud("aud")]
    #[case::sub("sub")]
    #[case::sid("sid")]
    #[case::email("email")]
    #[case::name("name")]
    #[case::iat("iat")]
    #[case::exp("exp")]
    fn a_token_without_one_of_its_claims_is_rejected(#[case] claim: &str) {
        let mut claims = good();
        claims.as_object_mut().unwrap().remove(claim).unwrap();
        assert!(!is_accepted(&signed(&header(), &claims)));
    }

    #[rstest]
    #[case::wrong_iss("iss", json!("someone else"))]
    #[case::wrong_aud("aud", json!("someone else"))]
    #[case::sub_is_no_uuid("sub", json!("42"))]
    #[case::sid_is_no_uuid("sid", json!("42"))]
    #[case::exp_as_a_string("exp", json!("99999999999"))]
    #[case::exp_as_a_fraction("exp", json!(99_999_999_999.5))]
    #[case::exp_in_the_past("exp", json!(1))]
    #[case::exp_out_of_range("exp", json!(i64::MAX))]
    #[case::email_as_a_number("email", json!(1))]
    #[case::an_extra_claim("admin", json!(true))]
    fn a_token_with_a_wrong_claim_is_rejected(#[case] claim: &str, #[case] value: Value) {
        let mut claims = good();
        claims[claim] = value;
        assert!(!is_accepted(&signed(&header(), &claims)));
    }

    #[test]
    fn a_token_is_rejected_from_the_second_it_expires_in() {
        let token = tokens().issue(&claims(Duration::ZERO)).unwrap();
        std::thread::sleep(Duration::from_millis(1_100));
        assert!(!is_accepted(&token));
    }

    #[rstest]
    #[case::no_kid(Header { kid: None, ..header() })]
    #[case::foreign_kid(Header { kid: Some(key(OTHER_SECRET).id), ..header() })]
    #[case::another_algorithm(Header { alg: Algorithm::HS384, ..header() })]
    fn a_token_with_a_wrong_header_is_rejected(#[case] header: Header) {
        assert!(!is_accepted(&signed(&header, &good())));
    }

    #[test]
    fn a_token_signed_with_another_key_under_our_keys_name_is_rejected() {
        let foreign = EncodingKey::from_secret(OTHER_SECRET);
        let token = encode(&header(), &good(), &foreign).unwrap();
        assert!(!is_accepted(&AccessToken::new(token)));
    }

    #[test]
    fn a_token_that_was_changed_is_rejected() {
        let token = tokens().issue(&an_hour()).unwrap();
        let token = token.expose();
        for (at, character) in token.char_indices() {
            let replacement = if character == 'A' { 'B' } else { 'A' };
            let mut changed = token.to_owned();
            changed.replace_range(at..=at, &replacement.to_string());
            // The last character of a part carries bits that are not used; the library refuses those as well.
            assert!(!is_accepted(&AccessToken::new(changed)), "at {at}");
        }
    }

    #[rstest]
    #[case::empty("")]
    #[case::dots("..")]
    #[case::unsigned("eyJhbGciOiJub25lIiwidHlwIjoiSldUIn0.e30.")]
    #[case::not_base64("ä.ö.ü")]
    fn what_is_no_token_is_rejected(#[case] text: &str) {
        assert!(!is_accepted(&AccessToken::new(text.to_owned())));
    }
}
