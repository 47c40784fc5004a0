//! Verification of password hashes by bcrypt, which earlier accounts have.

use std::str::FromStr;

use bcrypt::HashParts;

/// The number of bytes of a password that bcrypt reads; it ignores the rest.
pub(crate) const BYTES: usize = 72;

/// The highest cost that is computed. It takes some three seconds, until a successful login rehashes the password; each step
/// takes twice as long. Costs of 10 to 14 are in use: a higher one is a mistake or an attack.
const MAX_COST: u32 = 16;

/// The prefixes of equivalent versions. (`$2x$` marks hashes of a faulty implementation.)
const PREFIXES: [&str; 3] = ["$2a$", "$2b$", "$2y$"];

/// Whether a hash has a prefix of bcrypt.
pub(crate) fn is_bcrypt(hash: &str) -> bool {
    PREFIXES.iter().any(|prefix| hash.starts_with(prefix))
}

/// Compares the first 72 bytes of `attempt` with `hash`; `None`, at once, when this is no hash of bcrypt or exceeds the highest
/// cost.
pub(crate) fn verify(attempt: &[u8], hash: &str) -> Option<bool> {
    let parts = HashParts::from_str(hash).ok()?;
    if !is_bcrypt(hash) || parts.get_cost() > MAX_COST {
        return None;
    }
    bcrypt::verify(attempt, hash).ok()
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    // Made by the package bcrypt 4.0.1 of Python, as the old service had it, but at a lower cost.
    #[rstest]
    #[case::of_2a("$2a$04$Eo3lgPIVd7t.utwivahqeue0MbJe9uuIzou.HyukEXlto1XzokehC")]
    #[case::of_2b("$2b$04$jcVRARCa9Q3CVlFrNfOB9umqTRI9y09Rf1MpShYvsA/ebmDkUDC6e")]
    #[case::of_2y("$2y$04$KbvVCKB7g.h.qWkJh4Au3OftXp6aln3ZM7rACESR2ybRC7i87uFcC")]
    #[case::of_the_usual_cost("$2b$12$AdV9qE51WawdykFzjE/NceAMce5yjrdW14JTKhS6X9ymTZi/QSoym")]
    fn a_hash_of_the_old_service_is_verified(#[case] hash: &str) {
        assert!(is_bcrypt(hash));
        assert_eq!(verify(b"correct horse", hash), Some(true));
        assert_eq!(verify(b"correct horse ", hash), Some(false));
        assert_eq!(verify(b"Correct horse", hash), Some(false));
    }

    #[test]
    fn bytes_after_the_72nd_are_ignored() {
        // Of 116 bytes.
        let hash = "$2b$04$VfwRGwXMh7N4jOLRpXTEFu3abJzvPUqACbvD5CYh8QAv4Ox2cmX0u";
        let password = "correct horse battery staple ".repeat(4);
        let (first, _) = password.split_at(BYTES);
        let (too_little, _) = password.split_at(BYTES - 1);
        let another_tail = format!("{first} or so");
        let another_head = password.replacen('c', "C", 1);
        assert_eq!(verify(password.as_bytes(), hash), Some(true));
        assert_eq!(verify(first.as_bytes(), hash), Some(true));
        assert_eq!(verify(another_tail.as_bytes(), hash), Some(true));
        assert_eq!(verify(too_little.as_bytes(), hash), Some(false));
        assert_eq!(verify(another_head.as_bytes(), hash), Some(false));
    }

    #[rstest]
    #[case::cut_within_a_character(
        "pässwörd-€-".repeat(8),
        "$2b$04$gE0qIKRrFmBCJH9zwG5A9.Iyy59NorOO74daCqbc.wibRbwwC7QDW"
    )]
    #[case::cut_between_characters(
        "€".repeat(24) + "öäü",
        "$2b$04$ZiPN.hMz3gB.ZMHsFwLmVOg.fPiaYwnJyQ6ngF7vx7DrcfibWZ9lG"
    )]
    #[case::short("пароль🐎".to_owned(), "$2b$04$YwhjOntku5buQDSs4vgUnOcLnVtPbO9cto7xLhc0fyCxwnmib3BuO")]
    fn the_limit_is_in_bytes(#[case] password: String, #[case] hash: &str) {
        assert_eq!(verify(password.as_bytes(), hash), Some(true));
        let another = password.replacen(|_: char| true, "x", 1);
        assert_eq!(verify(another.as_bytes(), hash), Some(false));
    }

    #[rstest]
    #[case::of_71_bytes(
        "$2b$04$VDWWoTjUpvM3dw90B7Hpl.gaTxraDx1K9FMlDVFXF4N67rRavigRK",
        71,
        false
    )]
    #[case::of_72_bytes(
        "$2b$04$vYLTWhUA729uQRkwaUQWLu.ZFoaKZh52vzOiINeLQrOiyil3ISg16",
        72,
        true
    )]
    fn from_72_bytes_on_a_longer_password_matches(
        #[case] hash: &str,
        #[case] length: usize,
        #[case] longer_matches: bool,
    ) {
        let password = "x".repeat(length + 1);
        let (exact, _) = password.split_at(length);
        assert_eq!(verify(exact.as_bytes(), hash), Some(true));
        assert_eq!(verify(password.as_bytes(), hash), Some(longer_matches));
    }

    #[rstest]
    #[case::empty("")]
    #[case::no_hash("correct horse")]
    #[case::a_prefix_alone("$2b$")]
    #[case::cut_short("$2b$04$jcVRARCa9Q3CVlFrNfOB9umqTRI9y09Rf1MpShYvsA/ebmDkUDC6")]
    #[case::not_ascii("$2b$04$jcVRARCa9Q3CVlFrNfOB9umqTRI9y09Rf1MpShYvsA/ebmDkUDCü")]
    #[case::of_a_faulty_implementation(
        "$2x$04$jcVRARCa9Q3CVlFrNfOB9umqTRI9y09Rf1MpShYvsA/ebmDkUDC6e"
    )]
    #[case::too_cheap("$2b$03$jcVRARCa9Q3CVlFrNfOB9umqTRI9y09Rf1MpShYvsA/ebmDkUDC6e")]
    #[case::a_bomb("$2b$17$jcVRARCa9Q3CVlFrNfOB9umqTRI9y09Rf1MpShYvsA/ebmDkUDC6e")]
    #[case::the_largest_bomb("$2b$31$jcVRARCa9Q3CVlFrNfOB9umqTRI9y09Rf1MpShYvsA/ebmDkUDC6e")]
    #[case::beyond_any_bomb("$2b$99$jcVRARCa9Q3CVlFrNfOB9umqTRI9y09Rf1MpShYvsA/ebmDkUDC6e")]
    fn an_invalid_hash_is_distinguished_from_a_wrong_password(#[case] hash: &str) {
        assert_eq!(verify(b"correct horse", hash), None);
    }
}
