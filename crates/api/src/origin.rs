//! Whether a page of the origin that is asked makes a request.

use std::net::{IpAddr, Ipv6Addr};

use actix_web::{
    HttpRequest,
    http::{
        Uri,
        header::{self, HeaderName},
        uri::Authority,
    },
};

const SEC_FETCH_SITE: HeaderName = HeaderName::from_static("sec-fetch-site");

/// Whether a page of this origin makes the request, as far as the browser tells: by `Sec-Fetch-Site`, or else by an
/// `Origin` that is that of the host which is asked. A request that tells neither, or tells one twice, is taken for
/// another's.
pub(crate) fn is_of_same_origin(request: &HttpRequest) -> bool {
    if request.headers().contains_key(SEC_FETCH_SITE) {
        return only_line(request, &SEC_FETCH_SITE) == Some("same-origin");
    }
    let origin = only_line(request, &header::ORIGIN).and_then(Origin::parse);
    let host = only_line(request, &header::HOST);
    match (origin, host) {
        (Some(origin), Some(host)) => origin.is_of_host(host),
        _ => false,
    }
}

/// Whether the browser says that another page makes the request, or no page.
pub(crate) fn is_said_to_be_cross_site(request: &HttpRequest) -> bool {
    request.headers().contains_key(SEC_FETCH_SITE) && !is_of_same_origin(request)
}

/// The value of a header that has exactly one line.
fn only_line<'a>(request: &'a HttpRequest, name: &HeaderName) -> Option<&'a str> {
    let mut lines = request.headers().get_all(name);
    let line = lines.next()?;
    if lines.next().is_some() {
        return None;
    }
    line.to_str().ok()
}

/// An origin of pages to which a browser sends the cookies, which are `Secure`: of HTTPS, or of this machine.
#[derive(Debug, PartialEq, Eq)]
struct Origin {
    host: String,
    port: u16,
    default_port: u16,
}

impl Origin {
    /// Reads the value of `Origin` (RFC 6454, 6.2): scheme, host and perhaps a port.
    fn parse(text: &str) -> Option<Self> {
        let uri: Uri = text.parse().ok()?;
        let (scheme, authority) = (uri.scheme_str()?, uri.authority()?);
        if text.len() != scheme.len() + "://".len() + authority.as_str().len() {
            return None;
        }
        let default_port = match scheme {
            "https" => 443,
            "http" if is_this_machine(authority.host()) => 80,
            _ => return None,
        };
        let (host, port) = host_and_port(authority, default_port)?;
        Some(Self {
            host,
            port,
            default_port,
        })
    }

    fn is_of_host(&self, host: &str) -> bool {
        let asked = host
            .parse()
            .ok()
            .and_then(|authority| host_and_port(&authority, self.default_port));
        asked.is_some_and(|(host, port)| host == self.host && port == self.port)
    }
}

/// `None` where there is anything but a host and perhaps a port.
fn host_and_port(authority: &Authority, default_port: u16) -> Option<(String, u16)> {
    let host = authority.host();
    let port = match authority.as_str().strip_prefix(host)? {
        "" => default_port,
        port => port.strip_prefix(':')?.parse().ok()?,
    };
    Some((host.to_ascii_lowercase(), port))
}

/// Whether a name is one of this machine, from whose pages browsers send `Secure` cookies without TLS.
fn is_this_machine(host: &str) -> bool {
    let host = host.to_ascii_lowercase();
    let is_loopback = |address: IpAddr| address.is_loopback();
    let of_ipv6 = || host.strip_prefix('[')?.strip_suffix(']')?.parse().ok();
    host == "localhost"
        || host.ends_with(".localhost")
        || host.parse().is_ok_and(is_loopback)
        || of_ipv6().is_some_and(|address: Ipv6Addr| address.is_loopback())
}

#[cfg(test)]
mod tests {
    use actix_web::test::TestRequest;
    use rstest::rstest;

    use super::*;

    #[rstest]
    #[case::of_https("https://todo.example", "todo.example", true)]
    #[case::in_another_case("https://Todo.example", "todo.EXAMPLE", true)]
    #[case::with_the_port_of_https("https://todo.example", "todo.example:443", true)]
    #[case::with_a_port("https://todo.example:8443", "todo.example:8443", true)]
    #[case::with_another_port("https://todo.example:8443", "todo.example", false)]
    #[case::of_http("http://todo.example", "todo.example", false)]
    #[case::of_http_with_a_port("http://todo.example:443", "todo.example:443", false)]
    #[case::of_this_machine("http://localhost:8000", "localhost:8000", true)]
    #[case::of_a_name_of_this_machine("http://todo.localhost", "todo.localhost", true)]
    #[case::of_the_loopback_address("http://127.0.0.1:8000", "127.0.0.1:8000", true)]
    #[case::of_the_loopback_address_of_ipv6("http://[::1]:8000", "[::1]:8000", true)]
    #[case::of_another_address("http://192.0.2.1", "192.0.2.1", false)]
    #[case::of_an_extension("moz-extension://todo.example", "todo.example", false)]
    #[case::without_a_scheme("todo.example", "todo.example", false)]
    #[case::null("null", "null", false)]
    #[case::with_a_path("https://todo.example/", "todo.example", false)]
    #[case::with_a_user("https://a@todo.example", "a@todo.example", false)]
    #[case::with_a_suffix("https://todo.example.evil.example", "todo.example", false)]
    #[case::with_no_port("https://todo.example:", "todo.example:", false)]
    #[case::with_a_port_that_is_none("https://todo.example:99999", "todo.example:99999", false)]
    fn an_origin_is_compared_by_scheme_host_and_port(
        #[case] origin: &'static str,
        #[case] host: &'static str,
        #[case] expected: bool,
    ) {
        let request = TestRequest::default()
            .insert_header(("origin", origin))
            .insert_header(("host", host))
            .to_http_request();
        assert_eq!(is_of_same_origin(&request), expected);
        assert!(!is_said_to_be_cross_site(&request));
    }

    #[rstest]
    #[case::of_the_origin(&[("origin", "https://todo.example"), ("origin", "https://evil.example"), ("host", "todo.example")])]
    #[case::of_the_host(&[("origin", "https://todo.example"), ("host", "todo.example"), ("host", "evil.example")])]
    #[case::of_the_site(&[("sec-fetch-site", "same-origin"), ("sec-fetch-site", "cross-site")])]
    fn two_lines_are_none(#[case] headers: &[(&'static str, &'static str)]) {
        let request = headers
            .iter()
            .fold(TestRequest::default(), |request, header| {
                request.append_header(*header)
            })
            .to_http_request();
        assert!(!is_of_same_origin(&request));
    }
}
