//! Where people find the front end.

use std::fmt;

/// The address of the front end, under which the pages are that mails link to; without a slash at its end.
///
/// ```
/// use todo_domain::PublicUrl;
///
/// let url = PublicUrl::new("https://todo.example.com/app/")?;
/// assert_eq!(url.page("verify-email"), "https://todo.example.com/app/verify-email");
/// assert!(PublicUrl::new("todo.example.com").is_err());
/// # Ok::<(), todo_domain::InvalidPublicUrl>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PublicUrl(String);

/// Why a text is no [`PublicUrl`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("must be a URL without query and fragment, such as https://todo.example.com")]
pub struct InvalidPublicUrl;

impl PublicUrl {
    /// Checks an address.
    ///
    /// # Errors
    /// [`InvalidPublicUrl`] when it is not `http` or `https` with a host, or has anything but a path after that.
    pub fn new(text: &str) -> Result<Self, InvalidPublicUrl> {
        let text = text.trim_end_matches('/');
        let after_scheme = text
            .strip_prefix("https://")
            .or_else(|| text.strip_prefix("http://"))
            .ok_or(InvalidPublicUrl)?;
        let has_host = !after_scheme.is_empty() && !after_scheme.starts_with(['/', ':']);
        let has_more = |character: char| {
            !character.is_ascii_graphic() || matches!(character, '?' | '#' | '@' | '"' | '<' | '>')
        };
        if has_host && !after_scheme.contains(has_more) {
            Ok(Self(text.to_owned()))
        } else {
            Err(InvalidPublicUrl)
        }
    }

    /// Whether nobody on the way can read what is sent there: it is `https`, or on this machine.
    #[must_use]
    pub fn is_confidential(&self) -> bool {
        let Some(rest) = self.0.strip_prefix("http://") else {
            return true;
        };
        let place = rest.split('/').next().unwrap_or_default();
        let host = match place.strip_prefix('[') {
            Some(address) => address.split(']').next().unwrap_or_default(),
            None => place.split(':').next().unwrap_or_default(),
        };
        let address: Option<std::net::IpAddr> = host.parse().ok();
        host.eq_ignore_ascii_case("localhost")
            || address.is_some_and(|address| address.is_loopback())
    }

    /// The address of a page.
    #[must_use]
    pub fn page(&self, name: &str) -> String {
        format!("{self}/{name}")
    }
}

impl fmt::Display for PublicUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    #[rstest]
    #[case("")]
    #[case("https://")]
    #[case("https:///app")]
    #[case("ftp://todo.example.com")]
    #[case("https://todo.example.com?a=b")]
    #[case("https://todo.example.com#a")]
    #[case("https://todo.example.com/a b")]
    #[case("https://todo.example.com/\n")]
    #[case("https://ada:secret@todo.example.com")]
    fn what_is_no_address_of_a_page_is_refused(#[case] text: &str) {
        assert_eq!(PublicUrl::new(text), Err(InvalidPublicUrl));
    }
}
