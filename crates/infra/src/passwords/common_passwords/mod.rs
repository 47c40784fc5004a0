//! A built-in list of common passwords.

use std::cmp::Ordering;

use todo_domain::ports::CommonPasswords;

/// One password per line, in byte order. README.md has the source of the list.
const LIST: &str = include_str!("list.txt");

/// Knows some 46,000 of the most common passwords. Nobody is asked for them, and they take no memory but what is read
/// of them, since they stay in the file of the program until then.
#[derive(Debug, Clone, Copy, Default)]
pub struct CommonPasswordList;

impl CommonPasswords for CommonPasswordList {
    fn contains(&self, folded: &str) -> bool {
        has_line(LIST, folded)
    }
}

/// Whether `line` is a line of `list`, whose lines are in order and each end with a line feed.
fn has_line(list: &str, line: &str) -> bool {
    let mut rest = list;
    while !rest.is_empty() {
        let (first_half, _) = rest.split_at(rest.floor_char_boundary(rest.len() / 2));
        let start = first_half.rfind('\n').map_or(0, |end| end + 1);
        let (before, from) = rest.split_at(start);
        let (middle, after) = from.split_once('\n').unwrap_or((from, ""));
        rest = match line.cmp(middle) {
            Ordering::Less => before,
            Ordering::Equal => return true,
            Ordering::Greater => after,
        };
    }
    false
}

#[cfg(test)]
mod tests {
    use rstest::rstest;
    use todo_domain::{Password, fold_case};

    use super::*;

    #[test]
    fn the_list_is_in_order_and_as_it_is_searched() {
        assert!(LIST.ends_with('\n'));
        assert!(LIST.lines().is_sorted_by(|a, b| a < b));
        for line in LIST.lines() {
            let password = Password::new(line).unwrap();
            assert_eq!(fold_case(password.expose()), line);
        }
    }

    #[test]
    fn the_list_has_more_than_3000_passwords() {
        assert_eq!(LIST.lines().count(), 46_483);
    }

    #[test]
    fn every_line_is_found() {
        for line in LIST.lines() {
            assert!(CommonPasswordList.contains(line), "{line}");
        }
    }

    #[rstest]
    #[case::common("password", true)]
    #[case::of_another_alphabet("солнышко", true)]
    #[case::part_of_a_line("passwor", false)]
    #[case::more_than_a_line("password and more", false)]
    #[case::two_lines("password\npassword0", false)]
    #[case::empty("", false)]
    #[case::before_all_lines("\u{0}", false)]
    #[case::after_all_lines("\u{10ffff}", false)]
    // What the tests and the documentation of this project use.
    #[case::of_the_readme("correct horse", false)]
    #[case::of_the_openapi_document("correct horse battery", false)]
    fn only_lines_are_found(#[case] text: &str, #[case] found: bool) {
        assert_eq!(CommonPasswordList.contains(text), found);
    }

    #[rstest]
    #[case("", "")]
    #[case("a\n", "a")]
    #[case("a\nb\n", "ab")]
    #[case("a\nbc\nd\n", "abcd")]
    #[case("\u{e4}\u{e4}\n\u{f6}\u{f6}\u{f6}\n", "\u{e4}\u{f6}")]
    fn a_list_may_have_any_number_of_lines(#[case] list: &str, #[case] first_characters: &str) {
        for line in list.lines() {
            assert!(has_line(list, line));
        }
        for character in first_characters.chars() {
            assert!(!has_line(list, &format!("{character}-")));
        }
    }
}
