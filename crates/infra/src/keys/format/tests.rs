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
fn a_serialized_ring_is_parsed_again() {
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
fn a_truncated_ring_is_not_read_as_a_secret() {
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
fn the_invalid_member_is_named(#[case] at: &str, #[case] value: Value, #[case] message: &str) {
    let mut ring = good();
    let (parent, member) = at.rsplit_once('/').unwrap();
    ring.pointer_mut(parent).unwrap()[member] = value;
    assert_eq!(parsed(&ring).unwrap_err().to_string(), message);
}

#[test]
fn a_key_has_one_type_and_one_algorithm() {
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
fn duplicate_ids_and_unknown_members_are_refused() {
    let mut ring = good();
    let twin = ring["keys"][1].clone();
    ring["keys"].as_array_mut().unwrap().push(twin);
    assert_eq!(parsed(&ring).unwrap_err(), InvalidKeyRing::SameId);

    let mut ring = good();
    ring["keys"][0]["use"] = json!("sig");
    assert!(parsed(&ring).is_err());
}

#[test]
fn errors_never_contain_a_secret() {
    for text in [
        r#""hunter2""#,
        r#"{"keys": "hunter2"}"#,
        r#"{"keys": [{"kty": "hunter2"}]}"#,
    ] {
        let error = parse(text.as_bytes(), at(0)).unwrap_err();
        assert!(!format!("{error} {error:?}").contains("hunter"), "{error}");
    }
}
