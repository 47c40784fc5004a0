use proptest::{collection::vec, prelude::*, sample::select};
use rstest::rstest;
use todo_domain::ports::Verification::{Right, RightButOutdated, Wrong};

use super::*;
use crate::Argon2idParams;

const BCRYPT: &str = "$2b$04$jcVRARCa9Q3CVlFrNfOB9umqTRI9y09Rf1MpShYvsA/ebmDkUDC6e";
const BCRYPT_OF_5_BYTES: &str = "$2b$04$XnZQaQEjk9tcUk8fF7sL4OIhlDWfsHblKelXwrp4AHCK/lBI/YOUS";
const BCRYPT_OF_71_BYTES: &str = "$2b$04$VDWWoTjUpvM3dw90B7Hpl.gaTxraDx1K9FMlDVFXF4N67rRavigRK";
const BCRYPT_OF_72_BYTES: &str = "$2b$04$vYLTWhUA729uQRkwaUQWLu.ZFoaKZh52vzOiINeLQrOiyil3ISg16";

fn costing(memory_kib: u32) -> Passwords {
    let params = Argon2idParams {
        memory_kib,
        iterations: 1,
        parallelism: 1,
    };
    Passwords::new(Argon2id::new(params).unwrap())
}

fn attempt(text: &str) -> PasswordAttempt {
    PasswordAttempt::new(text).unwrap()
}

fn stored(hash: &str) -> PasswordHash {
    PasswordHash::new(hash.to_owned())
}

fn verify(passwords: &Passwords, text: &str, hash: &PasswordHash) -> Verification {
    passwords.verify(&attempt(text), hash).unwrap()
}

/// What `text`, for which `hash` is right but outdated, becomes.
fn renewed(passwords: &Passwords, text: &str, hash: &PasswordHash) -> PasswordHash {
    assert_eq!(verify(passwords, text, hash), RightButOutdated);
    passwords.renew(&attempt(text), hash).unwrap()
}

#[test]
fn a_new_password_is_hashed_with_the_current_parameters() {
    let hash = costing(8).hash(&Password::new("correct horse").unwrap());
    let hash = hash.unwrap();
    assert!(hash.expose().starts_with("$argon2id$"));
    assert_eq!(verify(&costing(8), "correct horse", &hash), Right);
    assert_eq!(verify(&costing(8), "wrong horse", &hash), Wrong);
}

#[rstest]
#[case::by_bcrypt("correct horse", stored(BCRYPT))]
#[case::by_bcrypt_shorter_than_may_be_chosen("short", stored(BCRYPT_OF_5_BYTES))]
#[case::by_bcrypt_just_below_the_limit(&"x".repeat(71), stored(BCRYPT_OF_71_BYTES))]
#[case::at_less_cost(
    "correct horse",
    costing(8).hash(&Password::new("correct horse").unwrap()).unwrap()
)]
fn an_outdated_hash_is_replaced_by_a_current_one(
    #[case] text: &str,
    #[case] outdated: PasswordHash,
) {
    let today = costing(16);
    let hash = renewed(&today, text, &outdated);
    assert!(hash.expose().starts_with("$argon2id$v=19$m=16,t=1,p=1$"));
    assert_eq!(verify(&today, text, &hash), Right);
    assert_eq!(verify(&today, &format!("{text}x"), &hash), Wrong);
    assert_eq!(verify(&today, "wrong horse", &hash), Wrong);
}

/// Every attempt of at least 72 bytes that the hash of 72 was right for, typed at the login that renews it.
#[rstest]
#[case::at_the_limit(72)]
#[case::beyond_the_limit(73)]
#[case::far_beyond_the_limit(128)]
fn attempts_accepted_by_72_bytes_are_accepted_after_the_rehash(#[case] typed: usize) {
    let [before, after] = [costing(8), costing(16)];
    let typed = "x".repeat(typed);
    let once = renewed(&before, &typed, &stored(BCRYPT_OF_72_BYTES));
    let again = renewed(&after, &typed, &once);
    for (passwords, hash) in [(before, once), (after, again)] {
        assert!(hash.expose().starts_with("$argon2id-72$v=19$m="));
        for right in [72, 73, 100, 128].map(|length| "x".repeat(length)) {
            assert_eq!(verify(&passwords, &right, &hash), Right);
        }
        let another_tail = "x".repeat(72) + "another tail";
        assert_eq!(verify(&passwords, &another_tail, &hash), Right);
        for wrong in [&"x".repeat(71), &("x".repeat(71) + "y"), "x"] {
            assert_eq!(verify(&passwords, wrong, &hash), Wrong);
        }
    }
}

#[test]
fn the_limit_may_be_within_a_character() {
    let password = "pässwörd-€-".repeat(8);
    let hash = stored("$2b$04$gE0qIKRrFmBCJH9zwG5A9.Iyy59NorOO74daCqbc.wibRbwwC7QDW");
    let hash = renewed(&costing(8), &password, &hash);
    assert_eq!(verify(&costing(8), &password, &hash), Right);
}

#[test]
fn only_bcrypt_has_the_limit() {
    let password = "x".repeat(100);
    let hash = costing(8).hash(&Password::new(&password).unwrap()).unwrap();
    let hash = renewed(&costing(16), &password, &hash);
    assert!(hash.expose().starts_with("$argon2id$"));
    assert_eq!(verify(&costing(16), &"x".repeat(99), &hash), Wrong);
    assert_eq!(verify(&costing(16), &password, &hash), Right);
}

const COMPOSED: &str = "caf\u{e9} au lait";
const DECOMPOSED: &str = "cafe\u{301} au lait";

/// What other software, which hashes what is typed as it is, makes of `typed`.
fn argon2id_of(typed: &str, passwords: &Passwords) -> PasswordHash {
    PasswordHash::new(passwords.argon2id.hash(typed.as_bytes()).unwrap())
}

fn argon2id_of_72_bytes(typed: &str, passwords: &Passwords) -> PasswordHash {
    let hash = passwords.argon2id.hash(first_72_bytes(typed.as_bytes()));
    PasswordHash::new(hash.unwrap().replacen(ARGON2ID, ARGON2ID_OF_72_BYTES, 1))
}

fn bcrypt_of(typed: &str) -> PasswordHash {
    let hash = ::bcrypt::hash_with_salt(typed, 4, *b"a salt of 16 by.").unwrap();
    PasswordHash::new(hash.to_string())
}

#[test]
fn every_spelling_of_a_new_password_is_right() {
    for chosen in [COMPOSED, DECOMPOSED] {
        let hash = costing(8).hash(&Password::new(chosen).unwrap()).unwrap();
        assert_eq!(verify(&costing(8), COMPOSED, &hash), Right);
        assert_eq!(verify(&costing(8), DECOMPOSED, &hash), Right);
        assert_eq!(verify(&costing(8), "cafe au lait", &hash), Wrong);
    }
}

#[test]
fn bcrypt_compares_what_was_typed() {
    for (chosen, other) in [(COMPOSED, DECOMPOSED), (DECOMPOSED, COMPOSED)] {
        let hash = bcrypt_of(chosen);
        assert_eq!(verify(&costing(8), other, &hash), Wrong);
        let hash = renewed(&costing(8), chosen, &hash);
        assert!(hash.expose().starts_with("$argon2id$"));
        assert_eq!(verify(&costing(8), chosen, &hash), Right);
        assert_eq!(verify(&costing(8), other, &hash), Right);
    }
}

#[test]
fn a_hash_of_the_typed_form_is_verified_and_rehashed() {
    let hash = argon2id_of(DECOMPOSED, &costing(8));
    assert_eq!(verify(&costing(8), COMPOSED, &hash), Wrong);
    let hash = renewed(&costing(8), DECOMPOSED, &hash);
    assert_eq!(verify(&costing(8), COMPOSED, &hash), Right);
    assert_eq!(verify(&costing(8), DECOMPOSED, &hash), Right);
}

#[test]
fn the_first_72_bytes_are_those_of_the_typed_form() {
    let [composed, decomposed] = [COMPOSED, DECOMPOSED].map(|text| text.repeat(8));
    let hash = bcrypt_of(&decomposed);
    assert_eq!(verify(&costing(8), &composed, &hash), Wrong);
    let hash = renewed(&costing(8), &decomposed, &hash);
    assert!(hash.expose().starts_with("$argon2id-72$"));
    assert_eq!(verify(&costing(8), &composed, &hash), Wrong);
    assert_eq!(verify(&costing(8), &decomposed, &hash), Right);
    let another_tail = decomposed + "another tail";
    assert_eq!(verify(&costing(8), &another_tail, &hash), Right);
}

/// Texts around and beyond the limit of bcrypt, many of which are not in the normal form.
fn any_typed() -> impl Strategy<Value = String> {
    let characters = "ab \u{301}\u{308}äé한\u{1100}\u{1161}\u{958}\u{212b}";
    let few_or_many = prop_oneof![1..=30_usize, 25..=100_usize];
    few_or_many.prop_flat_map(move |length| {
        vec(select(characters.chars().collect::<Vec<_>>()), length).prop_map(String::from_iter)
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    /// What was typed when the hash was made, with whatever else is typed at the logins before and after.
    #[test]
    fn every_accepted_attempt_is_accepted_after_the_rehash(
        chosen in any_typed(),
        tails in ["[a-z]{0,5}", "[a-zäé]{0,5}"],
    ) {
        let [before, today] = [costing(8), costing(16)];
        for outdated in [
            bcrypt_of(&chosen),
            argon2id_of(&chosen, &before),
            argon2id_of(&chosen, &today),
            argon2id_of_72_bytes(&chosen, &before),
        ] {
            let normalized = attempt(&chosen).expose().to_owned();
            let [one, other] = tails.clone().map(|tail| chosen.clone() + &tail);
            let typed = [chosen.clone(), normalized, one, other];
            let right: Vec<_> = typed
                .iter()
                .filter(|text| verify(&today, text, &outdated) != Wrong)
                .collect();
            prop_assert!(right.contains(&&chosen));
            for at_renewal in &right {
                let hash = today.renew(&attempt(at_renewal), &outdated).unwrap();
                for text in &right {
                    prop_assert_eq!(verify(&today, text, &hash), Right);
                }
            }
        }
    }
}

#[rstest]
#[case::empty("")]
#[case::no_hash("correct horse")]
#[case::another_algorithm("$scrypt$ln=1,r=8,p=1$c29tZXNhbHQ$aGFzaA")]
#[case::bcrypt_cut_short("$2b$04$jcVRARCa9Q3CVlFrNfOB9u")]
#[case::bcrypt_of_a_faulty_implementation(
    "$2x$04$jcVRARCa9Q3CVlFrNfOB9umqTRI9y09Rf1MpShYvsA/ebmDkUDC6e"
)]
#[case::a_bomb_of_bcrypt("$2b$31$jcVRARCa9Q3CVlFrNfOB9umqTRI9y09Rf1MpShYvsA/ebmDkUDC6e")]
#[case::a_bomb_of_argon2(
    "$argon2id$v=19$m=4294967295,t=4294967295,p=1$c29tZXNhbHQxMjM$aGFzaGhhc2hoYXNo"
)]
#[case::a_bomb_of_72_bytes(
    "$argon2id-72$v=19$m=4294967295,t=1,p=1$c29tZXNhbHQxMjM$aGFzaGhhc2hoYXNo"
)]
fn an_invalid_hash_matches_no_password(#[case] hash: &str) {
    assert_eq!(verify(&costing(8), "correct horse", &stored(hash)), Wrong);
}
