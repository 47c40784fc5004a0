use rstest::rstest;
use todo_domain::ports::Verification::{Right, RightButOutdated, Wrong};

use super::*;

/// The cheapest cost that Argon2 allows.
const CHEAP: Argon2idParams = Argon2idParams {
    memory_kib: 8,
    iterations: 1,
    parallelism: 1,
};

fn cheap() -> Argon2id {
    Argon2id::new(CHEAP).unwrap()
}

fn costing(memory_kib: u32, iterations: u32, parallelism: u32) -> Argon2idParams {
    Argon2idParams {
        memory_kib,
        iterations,
        parallelism,
    }
}

fn verify(hasher: &Argon2id, attempt: &str, hash: &str) -> Option<Verification> {
    hasher.verify(attempt.as_bytes(), hash).unwrap()
}

#[test]
fn only_the_right_password_is_verified() {
    let hash = cheap().hash(b"correct horse").unwrap();
    assert_eq!(verify(&cheap(), "correct horse", &hash), Some(Right));
    assert_eq!(verify(&cheap(), "Correct horse", &hash), Some(Wrong));
    assert_eq!(verify(&cheap(), "correct horse ", &hash), Some(Wrong));
}

#[test]
fn the_memory_of_a_hash_is_known() {
    let hash = cheap().hash(b"correct horse").unwrap();
    assert_eq!(argon2_memory_kib(&hash), Some(8));
    let costly = hash.replace("m=8,", "m=524288,");
    assert_eq!(argon2_memory_kib(&costly), Some(524_288));
    for other in ["$2b$12$abc", "$argon2id$a-hash", ""] {
        assert_eq!(argon2_memory_kib(other), None);
    }
}

#[test]
fn each_hash_has_a_random_salt_and_its_cost() {
    let first = cheap().hash(b"correct horse").unwrap();
    assert_ne!(first, cheap().hash(b"correct horse").unwrap());
    assert!(first.starts_with("$argon2id$v=19$m=8,t=1,p=1$"));
}

#[rstest]
#[case::cheaper_by_memory(costing(16, 2, 1), RightButOutdated)]
#[case::cheaper_by_iterations(costing(32, 1, 1), RightButOutdated)]
#[case::the_same(costing(32, 2, 1), Right)]
#[case::as_much_in_another_way(costing(64, 1, 2), Right)]
#[case::costlier(costing(64, 2, 1), Right)]
fn a_hash_is_outdated_when_it_costs_less_than_those_of_today(
    #[case] params: Argon2idParams,
    #[case] expected: Verification,
) {
    let hash = Argon2id::new(params).unwrap().hash(b"correct horse");
    let hash = hash.unwrap();
    let today = Argon2id::new(costing(32, 2, 1)).unwrap();
    assert_eq!(verify(&today, "correct horse", &hash), Some(expected));
    assert_eq!(verify(&today, "wrong horse", &hash), Some(Wrong));
}

// Made by: printf 'correct horse' | argon2 somesalt123 -id -t 2 -k 1024 -p 1 -e, and so on.
#[rstest]
#[case::argon2id(
    "$argon2id$v=19$m=1024,t=2,p=1$c29tZXNhbHQxMjM$e4SKnVjYVP4RN3nfjX+AW5f73P+ZGDXoIp9nOcEa+f0",
    Right
)]
#[case::several_lanes(
    "$argon2id$v=19$m=64,t=4,p=2$c29tZXNhbHQxMjM$fOWmy9Uv6taBUF/D0fM7gg9JNZG5L65zaQ3WEumQbEU",
    Right
)]
#[case::another_variant(
    "$argon2i$v=19$m=64,t=1,p=1$c29tZXNhbHQxMjM$CVhTPwtEI9ILtHExPqmczKNJVzdSHSxfHSOzgikYa7k",
    RightButOutdated
)]
#[case::the_version_before(
    "$argon2id$v=16$m=64,t=1,p=1$c29tZXNhbHQxMjM$yH+0onHOwGdUMF1jKeDtu0ppqdLN/Zv1Fgh5R7qP2wk",
    RightButOutdated
)]
#[case::no_version_which_means_the_first(
    "$argon2id$m=64,t=1,p=1$c29tZXNhbHQxMjM$yH+0onHOwGdUMF1jKeDtu0ppqdLN/Zv1Fgh5R7qP2wk",
    RightButOutdated
)]
fn a_hash_of_the_reference_program_is_verified(#[case] hash: &str, #[case] expected: Verification) {
    assert_eq!(verify(&cheap(), "correct horse", hash), Some(expected));
    assert_eq!(verify(&cheap(), "wrong horse", hash), Some(Wrong));
}

#[rstest]
#[case::empty("")]
#[case::no_hash("correct horse")]
#[case::another_algorithm("$scrypt$ln=1,r=8,p=1$c29tZXNhbHQ$aGFzaA")]
#[case::without_the_hash("$argon2id$v=19$m=8,t=1,p=1$c29tZXNhbHQxMjM")]
#[case::no_version_that_there_is("$argon2id$v=18$m=8,t=1,p=1$c29tZXNhbHQxMjM$aGFzaGhhc2hoYXNo")]
#[case::a_salt_too_short("$argon2id$v=19$m=8,t=1,p=1$c2FsdA$aGFzaGhhc2hoYXNo")]
#[case::too_cheap("$argon2id$v=19$m=1,t=0,p=1$c29tZXNhbHQxMjM$aGFzaGhhc2hoYXNo")]
fn an_invalid_hash_is_distinguished_from_a_wrong_password(#[case] hash: &str) {
    assert_eq!(verify(&cheap(), "correct horse", hash), None);
}

#[rstest]
#[case::memory(2_097_153, 1, 1)]
#[case::all_memory(u32::MAX, 1, 1)]
#[case::iterations(8, 524_289, 1)]
#[case::endless_iterations(8, u32::MAX, 1)]
#[case::memory_and_iterations(2_097_152, 3, 1)]
#[case::everything(u32::MAX, u32::MAX, 1)]
#[case::parallelism(2_097_152, 1, 129)]
fn an_excessive_cost_is_refused(
    #[case] memory_kib: u32,
    #[case] iterations: u32,
    #[case] parallelism: u32,
) {
    let params = costing(memory_kib, iterations, parallelism);
    assert!(matches!(
        Argon2id::new(params),
        Err(InvalidArgon2idParams::TooCostly)
    ));
    let bomb = format!(
        "$argon2id$v=19$m={memory_kib},t={iterations},p={parallelism}\
         $c29tZXNhbHQxMjM$aGFzaGhhc2hoYXNo"
    );
    assert_eq!(verify(&cheap(), "correct horse", &bomb), None);
}

#[rstest]
#[case::first_recommendation_of_rfc_9106(costing(2_097_152, 1, 4))]
#[case::second_recommendation_of_rfc_9106(costing(65_536, 3, 4))]
#[case::costliest_preset_of_libsodium(costing(1_048_576, 4, 1))]
fn recommended_costs_are_accepted(#[case] params: Argon2idParams) {
    assert!(Argon2id::new(params).is_ok());
}

#[rstest]
#[case::memory(costing(7, 1, 1))]
#[case::iterations(costing(8, 0, 1))]
fn parameters_that_argon2_does_not_allow_are_refused(#[case] params: Argon2idParams) {
    assert!(matches!(
        Argon2id::new(params),
        Err(InvalidArgon2idParams::NotAllowed(_))
    ));
}
