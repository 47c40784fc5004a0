//! Entity tags and what clients demand of them (RFC 9110, 8.8.3 and 13.1).

use todo_application::todo::Precondition;
use todo_domain::Todo;
use twox_hash::XxHash3_128;

use crate::reply::Reply;

/// The strong entity tag of a task: its version.
pub(crate) fn of_task(todo: &Todo) -> String {
    of_version(todo.version)
}

/// The strong entity tag of a task of this version.
pub(crate) fn of_version(version: u64) -> String {
    format!("\"{version}\"")
}

/// A strong entity tag of an answer: what its bytes come to by XXH3 with 128 bits. That is the same for every build and on
/// every machine; what `Idempotency-Key` compares is made of it and stored.
pub(crate) fn of_bytes(bytes: &[u8]) -> String {
    format!("\"{:032x}\"", XxHash3_128::oneshot(bytes))
}

/// The header is not a list of entity tags.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("must be * or entity tags such as \"3\", separated by commas")]
pub(crate) struct InvalidEntityTags;

/// One entity tag of a list.
struct EntityTag<'a> {
    is_weak: bool,
    /// The tag with its quotes.
    opaque: &'a str,
}

/// Parses a list of entity tags; `None` stands for `*`.
fn parse(header: &str) -> Result<Option<Vec<EntityTag<'_>>>, InvalidEntityTags> {
    if header.trim() == "*" {
        return Ok(None);
    }
    let mut tags = Vec::new();
    let mut rest = header.trim_start();
    while !rest.is_empty() {
        let (is_weak, tag) = match rest.strip_prefix("W/") {
            Some(tag) => (true, tag),
            None => (false, rest),
        };
        let inner = tag.strip_prefix('"').ok_or(InvalidEntityTags)?;
        let length = inner.find('"').ok_or(InvalidEntityTags)? + 2;
        let (opaque, after) = tag.split_at_checked(length).ok_or(InvalidEntityTags)?;
        tags.push(EntityTag { is_weak, opaque });
        let after = after.trim_start();
        rest = match after.strip_prefix(',') {
            Some(next) => next.trim_start(),
            None if after.is_empty() => after,
            None => return Err(InvalidEntityTags),
        };
    }
    if tags.is_empty() {
        return Err(InvalidEntityTags);
    }
    Ok(Some(tags))
}

/// What `If-Match` demands of a task, compared strongly. A tag that is none of ours matches no version.
pub(crate) fn if_match(header: Option<&str>) -> Result<Precondition, InvalidEntityTags> {
    let tags = match header.map(parse).transpose()? {
        None | Some(None) => return Ok(Precondition::Nothing),
        Some(Some(tags)) => tags,
    };
    let versions = tags
        .iter()
        .filter(|tag| !tag.is_weak)
        .filter_map(|tag| tag.opaque.trim_matches('"').parse().ok())
        // What would stand for any version is none.
        .filter(|version| *version > 0);
    Ok(Precondition::VersionIn(versions.collect()))
}

/// The entity tags of an `If-None-Match`, compared weakly (RFC 9110, 13.1.2).
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum IfNoneMatch {
    /// `*`: any representation matches.
    Any,
    /// These tags match, with their quotes; none without the header.
    Tags(Vec<String>),
}

impl IfNoneMatch {
    /// Parses the header.
    pub(crate) fn parse(header: Option<&str>) -> Result<Self, InvalidEntityTags> {
        Ok(match header.map(parse).transpose()? {
            None => Self::Tags(Vec::new()),
            Some(None) => Self::Any,
            Some(Some(tags)) => Self::Tags(tags.iter().map(|tag| tag.opaque.to_owned()).collect()),
        })
    }

    /// The reply with its entity tag; 304 without a body if the tag matches.
    pub(crate) fn apply(&self, reply: Reply, etag: String) -> Reply {
        let is_match = match self {
            Self::Any => true,
            Self::Tags(tags) => tags.contains(&etag),
        };
        let reply = reply.with_etag(etag);
        if is_match {
            reply.not_modified()
        } else {
            reply
        }
    }
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;
    use todo_domain::fuzzing::bent;

    #[rstest]
    #[case(None, Precondition::Nothing)]
    #[case(Some("*"), Precondition::Nothing)]
    #[case(Some("\"3\""), Precondition::VersionIn(vec![3]))]
    #[case(Some("\"3\", \"4\""), Precondition::VersionIn(vec![3, 4]))]
    #[case(Some("W/\"3\""), Precondition::VersionIn(vec![]))]
    #[case(Some("\"other\",\"0\",\"-1\""), Precondition::VersionIn(vec![]))]
    fn if_match_demands_versions(#[case] header: Option<&str>, #[case] demanded: Precondition) {
        assert_eq!(if_match(header), Ok(demanded));
    }

    #[rstest]
    #[case(None, false)]
    #[case(Some("*"), true)]
    #[case(Some("\"3\""), true)]
    #[case(Some("W/\"3\""), true)]
    #[case(Some("\"1\" , \"3\""), true)]
    #[case(Some("\"33\""), false)]
    fn if_none_match_is_compared_weakly(#[case] header: Option<&str>, #[case] names: bool) {
        let reply = IfNoneMatch::parse(header)
            .unwrap()
            .apply(Reply::ok(&"body").unwrap(), "\"3\"".to_owned());
        assert_eq!(reply.body().is_empty(), names);
    }

    #[rstest]
    #[case("")]
    #[case("3")]
    #[case("\"3")]
    #[case("\"3\" \"4\"")]
    #[case("\"3\", 4")]
    #[case("w/\"3\"")]
    fn what_is_no_list_of_tags_is_refused(#[case] header: &str) {
        assert_eq!(if_match(Some(header)), Err(InvalidEntityTags));
        assert_eq!(IfNoneMatch::parse(Some(header)), Err(InvalidEntityTags));
    }

    #[test]
    fn different_bytes_have_different_tags() {
        assert_eq!(of_bytes(b"a"), of_bytes(b"a"));
        assert_ne!(of_bytes(b"a"), of_bytes(b"b"));
    }

    #[test]
    fn the_tag_of_bytes_is_that_of_the_specification() {
        // The XXH3-128 of nothing, without a seed.
        assert_eq!(of_bytes(b""), "\"99aa06d3014798d86001c324468d497f\"");
    }

    /// A fuzz target: no header panics, and the tag of every version is read back.
    #[test]
    fn every_tag_that_is_written_is_read_back() {
        bolero::check!()
            .with_type::<(u64, Vec<(u8, char)>)>()
            .for_each(|(version, edits)| {
                let version = (*version).max(1);
                let tag = of_version(version);
                let expected = Precondition::VersionIn(vec![version]);
                assert_eq!(if_match(Some(&tag)), Ok(expected));
                let matching = IfNoneMatch::Tags(vec![tag.clone()]);
                assert_eq!(IfNoneMatch::parse(Some(&tag)), Ok(matching));
                let text = bent(&format!("W/\"1\", {tag} ,\"a\""), edits);
                let versions = if_match(Some(&text));
                let tags = IfNoneMatch::parse(Some(&text));
                assert_eq!(versions.is_ok(), tags.is_ok(), "{text:?}");
            });
    }
}
