//! The matrix of tokens: what is accepted, and all that is not.

use std::time::Duration;

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use jsonwebtoken::{Algorithm, EncodingKey, crypto};
use rstest::rstest;
use serde_json::{Value, json};
use todo_domain::{
    AccessClaims, AccessToken, Client, DisplayName, Email, RefreshClaims, RefreshToken, Session,
    SessionPolicy, User,
    ports::{AccessTokens, IdGenerator, PublicKeys, RefreshTokens},
};

use super::*;
use crate::{
    KeyRingFile, RandomIds, SigningAlgorithm, SigningKey,
    keys::testing::{SetClock, at},
};

const SECRET: &[u8] = b"a secret of no less than 32 bytes";
const OTHER_SECRET: &[u8] = b"another secret of over 32 bytes..";

fn key(secret: &[u8]) -> SigningKey {
    SigningKey::hs256(secret).unwrap()
}

fn ed25519() -> SigningKey {
    SigningKey::ed25519(&[7; 32]).unwrap()
}

/// Tokens at the instant 0.
fn with_keys(current: SigningKey, previous: Vec<SigningKey>) -> JwtTokens {
    with_clock(current, previous, &SetClock::new(at(0)))
}

fn with_clock(current: SigningKey, previous: Vec<SigningKey>, clock: &SetClock) -> JwtTokens {
    let ring = KeyRing::configured(current, previous, clock.shared());
    JwtTokens::new(Arc::new(ring), clock.shared())
}

fn tokens() -> JwtTokens {
    with_keys(key(SECRET), Vec::new())
}

fn access_claims() -> AccessClaims {
    let ids = RandomIds;
    let email = Email::new("ada@example.com").unwrap();
    let user = User::new(ids.user(), email, DisplayName::new("Ada").unwrap(), at(0));
    let (id, policy) = (ids.session(), SessionPolicy::default());
    let session = Session::begin(id, user.id, Client::default(), at(0), &policy);
    AccessClaims::new(&user, &session, at(0), at(3_600))
}

fn refresh_claims() -> RefreshClaims {
    RefreshClaims {
        session_id: RandomIds.session(),
        generation: 3,
        issued_at: at(0),
        expires_at: at(3_600),
    }
}

fn access(tokens: &JwtTokens) -> AccessToken {
    AccessTokens::issue(tokens, &access_claims()).unwrap()
}

fn refresh(tokens: &JwtTokens) -> RefreshToken {
    RefreshTokens::issue(tokens, &refresh_claims()).unwrap()
}

fn accepts(tokens: &JwtTokens, token: &AccessToken) -> bool {
    match AccessTokens::verify(tokens, token) {
        Ok(_) => true,
        Err(TokenError::Rejected(_)) => false,
        Err(error) => panic!("{error}"),
    }
}

/// The header of an acceptable token.
fn header() -> Value {
    json!({"typ": "at+jwt", "alg": "HS256", "kid": key(SECRET).id()})
}

/// The claims of an acceptable token.
fn claims() -> Value {
    let claims = access_claims();
    json!({
        "iss": "todo-server", "aud": "todo-server", "sub": claims.user_id.to_string(),
        "sid": claims.session_id.to_string(), "email": "ada@example.com", "name": "Ada",
        "iat": at(0).as_seconds(), "exp": at(3_600).as_seconds(),
    })
}

/// The same object with one member changed, or without it.
fn with(mut object: Value, member: &str, value: Option<Value>) -> Value {
    let members = object.as_object_mut().unwrap();
    match value {
        Some(value) => members.insert(member.to_owned(), value),
        None => members.remove(member),
    };
    object
}

fn signed_text(header: &str, claims: &str, secret: &[u8], algorithm: Algorithm) -> AccessToken {
    let message = [header, claims]
        .map(|part| URL_SAFE_NO_PAD.encode(part))
        .join(".");
    let key = EncodingKey::from_secret(secret);
    let signature = crypto::sign(message.as_bytes(), &key, algorithm).unwrap();
    AccessToken::new(format!("{message}.{signature}"))
}

fn signed(header: &Value, claims: &Value) -> AccessToken {
    let (header, claims) = (header.to_string(), claims.to_string());
    signed_text(&header, &claims, SECRET, Algorithm::HS256)
}

#[test]
fn a_token_has_the_claims_it_was_issued_with() {
    for key in [key(SECRET), ed25519()] {
        let tokens = with_keys(key, Vec::new());
        let claims = access_claims();
        let nameless = AccessClaims {
            name: None,
            ..claims.clone()
        };
        for claims in [claims, nameless] {
            let token = AccessTokens::issue(&tokens, &claims).unwrap();
            assert_eq!(AccessTokens::verify(&tokens, &token).unwrap(), claims);
        }
        let claims = refresh_claims();
        let token = RefreshTokens::issue(&tokens, &claims).unwrap();
        assert_eq!(RefreshTokens::verify(&tokens, &token).unwrap(), claims);
    }
}

#[test]
fn the_same_claims_and_key_make_the_same_token() {
    for make in [|| key(SECRET), ed25519] {
        let claims = refresh_claims();
        let issue = || {
            let tokens = with_keys(make(), Vec::new());
            RefreshTokens::issue(&tokens, &claims).unwrap()
        };
        let first = issue();
        assert!((0..10).all(|_| issue() == first));
        let next = RefreshClaims {
            generation: 4,
            ..claims.clone()
        };
        let tokens = with_keys(make(), Vec::new());
        assert!(RefreshTokens::issue(&tokens, &next).unwrap() != first);
    }
}

#[test]
fn neither_token_type_is_accepted_as_the_other() {
    let tokens = tokens();
    let access = RefreshToken::new(access(&tokens).expose().to_owned());
    assert!(RefreshTokens::verify(&tokens, &access).is_err());
    let refresh = refresh(&tokens);
    assert!(!accepts(
        &tokens,
        &AccessToken::new(refresh.expose().to_owned())
    ));
}

/// Nor by its type or its audience alone.
#[rstest]
#[case::type_alone("at+jwt", "todo-server/refresh")]
#[case::audience_alone("rt+jwt", "todo-server")]
#[case::neither("rt+jwt", "todo-server/refresh")]
fn a_token_with_parts_of_another_type_is_rejected(#[case] typ: &str, #[case] aud: &str) {
    let header = with(header(), "typ", Some(json!(typ)));
    let claims = with(claims(), "aud", Some(json!(aud)));
    assert!(!accepts(&tokens(), &signed(&header, &claims)));
}

#[test]
fn a_rotated_key_still_verifies_and_a_dropped_one_does_not() {
    let token = access(&tokens());
    let rotated = with_keys(key(OTHER_SECRET), vec![key(SECRET)]);
    assert!(accepts(&rotated, &token));
    let dropped = with_keys(key(OTHER_SECRET), Vec::new());
    assert!(!accepts(&dropped, &token));
    assert!(accepts(&dropped, &access(&rotated)));
}

#[test]
fn a_ring_may_have_keys_for_either_algorithm() {
    let by_secret = access(&tokens());
    let both = with_keys(ed25519(), vec![key(SECRET)]);
    assert!(accepts(&both, &by_secret));
    let by_ed25519 = access(&both);
    assert!(accepts(&both, &by_ed25519));
    assert!(!accepts(&tokens(), &by_ed25519));
}

#[test]
fn a_token_signed_with_a_newer_key_is_accepted() {
    let folder = tempfile::tempdir().unwrap();
    let clock = SetClock::new(at(0));
    let lifetime = Duration::from_hours(1);
    let file = KeyRingFile::new(folder.path().join("keys"), clock.shared());
    file.make_if_missing().unwrap();
    let instance = || {
        let ring = KeyRing::of_file(file.clone(), Vec::new(), lifetime, clock.shared()).unwrap();
        JwtTokens::new(Arc::new(ring), clock.shared())
    };
    let slow = instance();
    let before = access(&slow);
    file.rotate(Some(SigningAlgorithm::EdDsa), lifetime)
        .unwrap();
    let quick = instance();
    assert!(accepts(&slow, &access(&quick)));
    assert!(accepts(&quick, &before));

    // Where the file cannot be read, whether the token is ours cannot be told.
    let last = access(&instance());
    let stranger = with_keys(key(OTHER_SECRET), Vec::new());
    std::fs::write(file.path(), "{").unwrap();
    assert!(accepts(&slow, &last));
    assert!(matches!(
        AccessTokens::verify(&slow, &access(&stranger)),
        Err(TokenError::KeysUnavailable(_))
    ));
}

#[test]
fn the_matrix_begins_with_a_token_that_is_accepted() {
    assert!(accepts(&tokens(), &signed(&header(), &claims())));
}

#[rstest]
fn a_token_without_one_of_its_claims_is_rejected(
    #[values("iss", "aud", "sub", "sid", "email", "name", "iat", "exp")] claim: &str,
) {
    let claims = with(claims(), claim, None);
    assert!(!accepts(&tokens(), &signed(&header(), &claims)));
}

#[rstest]
#[case::wrong_iss("iss", json!("someone else"))]
#[case::iss_as_a_list("iss", json!(["todo-server"]))]
#[case::wrong_aud("aud", json!("someone else"))]
#[case::aud_as_a_list("aud", json!(["todo-server"]))]
#[case::sub_is_no_uuid("sub", json!("42"))]
#[case::sub_as_a_number("sub", json!(42))]
#[case::sid_is_no_uuid("sid", json!("42"))]
#[case::email_as_a_number("email", json!(1))]
#[case::email_null("email", Value::Null)]
#[case::name_as_a_number("name", json!(1))]
#[case::iat_as_a_string("iat", json!("1"))]
#[case::iat_out_of_range("iat", json!(i64::MAX))]
#[case::exp_as_a_string("exp", json!("99999999999"))]
#[case::exp_as_a_fraction("exp", json!(99_999_999_999.5))]
#[case::exp_as_a_float("exp", json!(99_999_999_999.0))]
#[case::exp_in_the_past("exp", json!(1))]
#[case::exp_before_1970("exp", json!(-1))]
#[case::exp_before_all_time("exp", json!(i64::MIN))]
#[case::exp_out_of_range("exp", json!(i64::MAX))]
#[case::exp_larger_than_any("exp", json!(u64::MAX))]
#[case::exp_null("exp", Value::Null)]
#[case::exp_true("exp", json!(true))]
#[case::nbf_which_is_not_known("nbf", json!(1))]
#[case::an_extra_claim("admin", json!(true))]
fn a_token_with_a_wrong_claim_is_rejected(#[case] claim: &str, #[case] value: Value) {
    let claims = with(claims(), claim, Some(value));
    assert!(!accepts(&tokens(), &signed(&header(), &claims)));
}

#[rstest]
#[case::no_typ("typ", None)]
#[case::typ_of_any_jwt("typ", Some(json!("JWT")))]
#[case::typ_null("typ", Some(Value::Null))]
#[case::no_kid("kid", None)]
#[case::empty_kid("kid", Some(json!("")))]
#[case::foreign_kid("kid", Some(json!(key(OTHER_SECRET).id())))]
#[case::kid_as_a_path("kid", Some(json!("../../../dev/null")))]
#[case::kid_as_a_list("kid", Some(json!([key(SECRET).id()])))]
#[case::no_alg("alg", None)]
#[case::alg_none("alg", Some(json!("none")))]
#[case::alg_hs384("alg", Some(json!("HS384")))]
#[case::alg_hs512("alg", Some(json!("HS512")))]
#[case::alg_rs256("alg", Some(json!("RS256")))]
#[case::alg_eddsa("alg", Some(json!("EdDSA")))]
#[case::alg_in_another_case("alg", Some(json!("hs256")))]
#[case::crit("crit", Some(json!(["exp"])))]
#[case::empty_crit("crit", Some(json!([])))]
#[case::a_key_of_its_own("jwk", Some(json!({"kty": "oct", "k": "AAAA"})))]
#[case::a_place_of_keys("jku", Some(json!("https://evil.example/jwks.json")))]
#[case::compression("zip", Some(json!("DEF")))]
#[case::not_encoded("b64", Some(json!(false)))]
fn a_token_with_a_wrong_header_is_rejected(#[case] member: &str, #[case] value: Option<Value>) {
    let header = with(header(), member, value);
    assert!(!accepts(&tokens(), &signed(&header, &claims())));
}

#[test]
fn a_duplicate_member_is_rejected() {
    let (header, claims) = (header().to_string(), claims().to_string());
    let twice = |object: &str, member: &str| object.replacen('{', &format!("{{{member},"), 1);
    for (header, claims) in [
        (twice(&header, r#""alg":"none""#), claims.clone()),
        (header.clone(), twice(&claims, r#""exp":1"#)),
    ] {
        let token = signed_text(&header, &claims, SECRET, Algorithm::HS256);
        assert!(!accepts(&tokens(), &token));
    }
}

#[test]
fn a_token_signed_by_another_algorithm_is_rejected() {
    for (name, algorithm) in [("HS384", Algorithm::HS384), ("HS512", Algorithm::HS512)] {
        let header = with(header(), "alg", Some(json!(name))).to_string();
        let token = signed_text(&header, &claims().to_string(), SECRET, algorithm);
        assert!(!accepts(&tokens(), &token));
    }
}

#[test]
fn a_public_key_is_no_secret() {
    let clock = SetClock::new(at(0));
    let ring = Arc::new(KeyRing::configured(ed25519(), Vec::new(), clock.shared()));
    let public = ring.public_keys().remove(0);
    let tokens = JwtTokens::new(ring, clock.shared());
    assert!(accepts(&tokens, &access(&tokens)));
    let x = URL_SAFE_NO_PAD.encode(public.ed25519);
    for alg in ["HS256", "EdDSA"] {
        let header = json!({"typ": "at+jwt", "alg": alg, "kid": public.id}).to_string();
        for secret in [&public.ed25519[..], x.as_bytes()] {
            let token = signed_text(&header, &claims().to_string(), secret, Algorithm::HS256);
            assert!(!accepts(&tokens, &token));
        }
    }
}

#[test]
fn a_token_with_a_known_key_id_and_a_foreign_signature_is_rejected() {
    let (header, claims) = (header().to_string(), claims().to_string());
    let token = signed_text(&header, &claims, OTHER_SECRET, Algorithm::HS256);
    assert!(!accepts(&tokens(), &token));
}

/// There is no leeway, in neither direction.
#[test]
fn a_token_is_accepted_until_it_expires() {
    let clock = SetClock::new(at(0));
    let tokens = with_clock(key(SECRET), Vec::new(), &clock);
    let (access, refresh) = (access(&tokens), refresh(&tokens));
    for (seconds, accepted) in [
        // A clock that was set back makes it no worse.
        (-600, true),
        (0, true),
        (3_599, true),
        (3_600, false),
        (3_601, false),
        (4_200, false),
    ] {
        clock.set(at(seconds));
        assert_eq!(accepts(&tokens, &access), accepted, "{seconds}");
        let verified = RefreshTokens::verify(&tokens, &refresh);
        assert_eq!(verified.is_ok(), accepted, "{seconds}");
    }
    let just_before = at(3_600).as_microseconds() - 1;
    clock.set(Timestamp::from_microseconds(just_before).unwrap());
    assert!(accepts(&tokens, &access));
}

#[test]
fn a_changed_token_is_rejected() {
    for key in [key(SECRET), ed25519()] {
        let tokens = with_keys(key, Vec::new());
        let token = access(&tokens);
        let token = token.expose();
        for (at, character) in token.char_indices() {
            let replacement = if character == 'A' { 'B' } else { 'A' };
            let mut changed = token.to_owned();
            changed.replace_range(at..=at, &replacement.to_string());
            // The last character of a part carries bits that are not used; these are refused as well.
            assert!(!accepts(&tokens, &AccessToken::new(changed)), "at {at}");
        }
        for length in 0..token.len() {
            let cut = AccessToken::new(token[..length].to_owned());
            assert!(!accepts(&tokens, &cut), "up to {length}");
        }
        for longer in ["=", ".", ".e30", " ", "\n", "A", "\0"] {
            let before = AccessToken::new(format!("{longer}{token}"));
            let after = AccessToken::new(format!("{token}{longer}"));
            let inside = AccessToken::new(token.replacen('.', &format!("{longer}."), 1));
            for changed in [before, after, inside] {
                assert!(!accepts(&tokens, &changed), "{longer:?}");
            }
        }
    }
}

#[rstest]
#[case::empty("")]
#[case::dots("..")]
#[case::unsigned("eyJhbGciOiJub25lIiwidHlwIjoiSldUIn0.e30.")]
#[case::not_base64("ä.ö.ü")]
fn a_malformed_token_is_rejected(#[case] text: &str) {
    assert!(!accepts(&tokens(), &AccessToken::new(text.to_owned())));
}

#[test]
fn a_token_longer_than_the_limit_is_rejected_unparsed() {
    let tokens = tokens();
    let claims = AccessClaims {
        email: Email::from_stored("\u{1}".repeat(255)),
        name: Some(DisplayName::from_stored("\u{1}".repeat(255))),
        ..access_claims()
    };
    let token = AccessTokens::issue(&tokens, &claims).unwrap();
    assert!(accepts(&tokens, &token));

    let claims = AccessClaims {
        name: Some(DisplayName::from_stored("a".repeat(16_384))),
        ..claims
    };
    let token = AccessTokens::issue(&tokens, &claims).unwrap();
    assert!(!accepts(&tokens, &token));
}

/// A fuzz target: no token panics, and none but those that were made is accepted.
#[test]
fn only_issued_tokens_are_accepted() {
    let tokens = tokens();
    let (access_claims, refresh_claims) = (access_claims(), refresh_claims());
    let access = AccessTokens::issue(&tokens, &access_claims).unwrap();
    let refresh = RefreshTokens::issue(&tokens, &refresh_claims).unwrap();
    let part = |text: &str| URL_SAFE_NO_PAD.encode(text);
    bolero::check!()
        .with_type::<(String, String, Vec<(u16, char)>)>()
        .for_each(|(header, claims, edits)| {
            let tokens = with_keys(key(SECRET), Vec::new());
            let mut bent: Vec<char> = access.expose().chars().collect();
            for (place, character) in edits {
                let place = usize::from(*place) % bent.len();
                bent[place] = *character;
            }
            let bent: String = bent.into_iter().collect();
            let (right_header, _) = access.expose().split_once('.').unwrap();
            let made_up = [
                header.clone(),
                format!("{}.{}.", part(header), part(claims)),
                format!("{right_header}.{}.{}", part(claims), part(header)),
                bent,
            ];
            for text in made_up {
                let verified = AccessTokens::verify(&tokens, &AccessToken::new(text.clone()));
                match verified {
                    Ok(claims) => {
                        assert_eq!((text.as_str(), &claims), (access.expose(), &access_claims));
                    }
                    Err(error) => assert!(matches!(error, TokenError::Rejected(_)), "{text:?}"),
                }
                let verified = RefreshTokens::verify(&tokens, &RefreshToken::new(text.clone()));
                assert!(verified.is_err(), "{text:?}");
            }
        });
    let verified = RefreshTokens::verify(&tokens, &refresh).unwrap();
    assert_eq!(verified, refresh_claims);
}
