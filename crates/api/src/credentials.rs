//! What a request shows to prove who makes it: a token in its head, or a browser's cookie.

use actix_web::{
    HttpRequest,
    cookie::{Cookie, SameSite, time},
    http::header,
};
use todo_api_types::{
    errors::{cross_site, not_authenticated},
    problem::Problem,
};
use todo_application::account::Credential;
use todo_domain::{AccessToken, Secret, SecretKind, Timestamp};

use crate::origin::is_of_same_origin;

/// The cookie in which a browser keeps the token of its session. By its name the browser takes it only over TLS, from
/// this very host and for all of its paths (RFC 6265bis, 4.1.3.2).
const SESSION_COOKIE: &str = "__Host-todo-session";
/// The cookie by which a device is known again, in the same way.
const DEVICE_COOKIE: &str = "__Host-todo-device";
/// For how many seconds a browser keeps it: a year.
const DEVICE_COOKIE_SECONDS: i64 = 365 * 24 * 60 * 60;

/// What a request shows.
#[derive(Debug)]
pub(crate) enum PresentedCredential {
    /// Nothing that could be a credential.
    Nothing,
    /// A credential in the head.
    Credential(Credential),
    /// The session cookie of a browser.
    Cookie(AccessToken),
    /// A cookie with a request that changes something, and that no page of this origin is known to make: the browser
    /// adds the cookie whoever makes it (OWASP ASVS 5.0, 3.5.1).
    CrossSiteCookie,
}

impl PresentedCredential {
    /// What `request` shows. One that has an `Authorization` never falls back to the cookie.
    pub(crate) fn of(request: &HttpRequest) -> Self {
        if request.headers().contains_key(header::AUTHORIZATION) {
            return bearer_token(request).map_or(Self::Nothing, |token| {
                Self::Credential(Credential::parse(token))
            });
        }
        match request.cookie(SESSION_COOKIE) {
            None => Self::Nothing,
            Some(_) if !request.method().is_safe() && !is_of_same_origin(request) => {
                Self::CrossSiteCookie
            }
            Some(cookie) => Self::Cookie(AccessToken::new(cookie.value().to_owned())),
        }
    }

    /// The session cookie, where that is the credential.
    pub(crate) fn session_cookie(&self) -> Option<AccessToken> {
        match self {
            Self::Cookie(token) => Some(token.clone()),
            Self::Nothing | Self::Credential(_) | Self::CrossSiteCookie => None,
        }
    }

    /// The credential, where one is shown that may be used.
    pub(crate) fn into_credential(self) -> Result<Option<Credential>, Problem> {
        match self {
            Self::Nothing => Ok(None),
            Self::Credential(credential) => Ok(Some(credential)),
            Self::Cookie(token) => Ok(Some(Credential::AccessToken(token))),
            Self::CrossSiteCookie => Err(cross_site()),
        }
    }

    /// The credential, where there has to be one.
    pub(crate) fn into_required_credential(self) -> Result<Credential, Problem> {
        self.into_credential()?.ok_or_else(not_authenticated)
    }
}

/// The cookie that keeps `token` in a browser until it expires.
pub(crate) fn session_cookie(token: &AccessToken, now: Timestamp, expires_at: Timestamp) -> String {
    let seconds = expires_at.as_seconds().saturating_sub(now.as_seconds());
    cookie(SESSION_COOKIE, token.expose(), seconds)
}

/// The cookie that makes a browser forget the one it has.
pub(crate) fn no_session_cookie() -> String {
    cookie(SESSION_COOKIE, "", 0)
}

/// The cookie by which `device` is known again.
pub(crate) fn device_cookie(device: &Secret) -> String {
    cookie(DEVICE_COOKIE, device.expose(), DEVICE_COOKIE_SECONDS)
}

/// The secret that a device shows to be known again. The use cases replace one that we gave to no device.
pub(crate) fn presented_device(request: &HttpRequest) -> Option<Secret> {
    let cookie = request.cookie(DEVICE_COOKIE)?;
    Secret::parse(SecretKind::Device, cookie.value()).ok()
}

fn cookie(name: &str, value: &str, seconds: i64) -> String {
    Cookie::build(name, value)
        .path("/")
        .secure(true)
        .http_only(true)
        .same_site(SameSite::Lax)
        .max_age(time::Duration::seconds(seconds))
        .finish()
        .to_string()
}

/// The token of `Authorization: Bearer …` (RFC 6750, 2.1); `None` when there is none, or another scheme.
fn bearer_token(request: &HttpRequest) -> Option<&str> {
    let value = request
        .headers()
        .get(header::AUTHORIZATION)?
        .to_str()
        .ok()?;
    let (scheme, token) = value.split_once(' ')?;
    // RFC 6750 wants a space there, and allows more.
    let token = token.trim_start_matches(' ');
    (scheme.eq_ignore_ascii_case("bearer") && !token.is_empty()).then_some(token)
}

#[cfg(test)]
mod tests {
    use actix_web::{http::header::HeaderValue, test::TestRequest};
    use rstest::rstest;

    use super::*;

    fn shown(method: &str, headers: &[(&'static str, &'static str)]) -> PresentedCredential {
        let mut request = TestRequest::default().method(method.parse().unwrap());
        for header in headers {
            request = request.insert_header(*header);
        }
        PresentedCredential::of(&request.to_http_request())
    }

    const COOKIE: (&str, &str) = ("cookie", "theme=dark; __Host-todo-session=a.b-c_d; other=1");

    #[rstest]
    #[case::none(&[], None)]
    #[case::bearer(&[("authorization", "Bearer token")], Some("token"))]
    #[case::in_any_case(&[("authorization", "bEARER  token")], Some("token"))]
    #[case::another_scheme(&[("authorization", "Basic dG9rZW4=")], None)]
    #[case::cookie(&[COOKIE], Some("a.b-c_d"))]
    #[case::another_cookie(&[("cookie", "todo-session=token")], None)]
    #[case::both(&[COOKIE, ("authorization", "Bearer token")], Some("token"))]
    #[case::a_header_of_no_use_and_a_cookie(&[COOKIE, ("authorization", "")], None)]
    fn a_header_goes_before_a_cookie(
        #[case] headers: &[(&'static str, &'static str)],
        #[case] expected: Option<&str>,
    ) {
        match (shown("GET", headers), expected) {
            (
                PresentedCredential::Credential(Credential::AccessToken(token))
                | PresentedCredential::Cookie(token),
                Some(expected),
            ) => {
                assert_eq!(token.expose(), expected);
            }
            (PresentedCredential::Nothing, None) => {}
            (shown, _) => panic!("{shown:?}"),
        }
    }

    #[test]
    fn a_personal_access_token_is_one_in_the_header_and_as_it_was_shown() {
        const TOKEN: &str = "todo_pat_0000000000000000000001LygHa16AHYF22r4wb";
        const MISTYPED: &str = "todo_pat_0000000000000000000001LygHa16AHYF22r4wa";
        for (name, value, accepted) in [
            ("authorization", format!("Bearer {TOKEN}"), true),
            ("authorization", format!("Bearer {MISTYPED}"), false),
            ("cookie", format!("{SESSION_COOKIE}={TOKEN}"), false),
        ] {
            let request = TestRequest::default().insert_header((name, value.as_str()));
            match PresentedCredential::of(&request.to_http_request()) {
                PresentedCredential::Credential(Credential::PersonalAccessToken(secret))
                    if accepted =>
                {
                    assert_eq!(secret.expose(), TOKEN);
                }
                PresentedCredential::Credential(Credential::AccessToken(_))
                | PresentedCredential::Cookie(_)
                    if !accepted => {}
                shown => panic!("{value}: {shown:?}"),
            }
        }
    }

    #[rstest]
    #[case::a_page_of_this_origin(&[("sec-fetch-site", "same-origin")], true)]
    #[case::a_page_of_this_site(&[("sec-fetch-site", "same-site")], false)]
    #[case::a_page_of_another_site(&[("sec-fetch-site", "cross-site")], false)]
    #[case::no_page(&[("sec-fetch-site", "none")], false)]
    #[case::this_origin(&[("origin", "https://todo.example"), ("host", "todo.example")], true)]
    #[case::another_port(&[("origin", "https://todo.example:8443"), ("host", "todo.example")], false)]
    #[case::another_origin(&[("origin", "https://evil.example"), ("host", "todo.example")], false)]
    #[case::no_origin(&[("origin", "null"), ("host", "todo.example")], false)]
    #[case::nothing(&[("host", "todo.example")], false)]
    #[case::what_the_browser_says_counts_first(
        &[("sec-fetch-site", "cross-site"), ("origin", "https://todo.example"), ("host", "todo.example")],
        false
    )]
    fn what_changes_something_by_a_cookie_is_of_this_origin(
        #[case] headers: &[(&'static str, &'static str)],
        #[case] accepted: bool,
    ) {
        let with_cookie = [headers, &[COOKIE]].concat();
        for method in ["POST", "PUT", "PATCH", "DELETE"] {
            let is_refused = matches!(
                shown(method, &with_cookie),
                PresentedCredential::CrossSiteCookie
            );
            assert_eq!(is_refused, !accepted, "{method}");
        }
        assert!(matches!(
            shown("GET", &with_cookie),
            PresentedCredential::Cookie(_)
        ));
    }

    #[test]
    fn a_browser_keeps_the_cookie_from_pages_and_from_other_sites() {
        let at = |seconds: i64| Timestamp::from_microseconds(seconds * 1_000_000).unwrap();
        let token = AccessToken::new("a.b".to_owned());
        assert_eq!(
            session_cookie(&token, at(10), at(70)),
            "__Host-todo-session=a.b; HttpOnly; SameSite=Lax; Secure; Path=/; Max-Age=60"
        );
        assert!(no_session_cookie().ends_with("Max-Age=0"));
    }

    /// A fuzz target: whatever bytes are in the headers, none of them panics, and nobody is known by what is no token.
    #[test]
    fn no_header_panics() {
        bolero::check!()
            .with_type::<(Vec<u8>, Vec<(u8, char)>)>()
            .for_each(|(bytes, edits)| {
                let bent = todo_domain::fuzzing::bent("Bearer todo_pat_a; todo-device=b", edits);
                for value in [bytes.as_slice(), bent.as_bytes()] {
                    let Ok(value) = HeaderValue::from_bytes(value) else {
                        continue;
                    };
                    let request = ["authorization", "cookie", "origin", "sec-fetch-site"]
                        .into_iter()
                        .fold(TestRequest::default(), |request, name| {
                            request.insert_header((name, value.clone()))
                        })
                        .to_http_request();
                    let credential = PresentedCredential::of(&request).into_credential();
                    assert!(!matches!(
                        credential,
                        Ok(Some(Credential::PersonalAccessToken(_)))
                    ));
                    assert!(presented_device(&request).is_none());
                    is_of_same_origin(&request);
                }
            });
    }
}
