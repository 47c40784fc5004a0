//! A client of HTTP/1.1 that costs little: one connection that is kept, one request at a time.

use std::io;

use httparse::{EMPTY_HEADER, Status};
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::TcpStream,
};

/// A request, as it is sent.
#[derive(Debug, Clone)]
pub struct Request {
    head: String,
    body: String,
}

impl Request {
    /// A request without a body.
    #[must_use]
    pub fn new(method: &str, path: &str) -> Self {
        Self {
            head: format!("{method} {path} HTTP/1.1\r\nHost: localhost\r\n"),
            body: String::new(),
        }
    }

    /// Adds a header.
    #[must_use]
    pub fn header(mut self, name: &str, value: &str) -> Self {
        self.head.extend([name, ": ", value, "\r\n"]);
        self
    }

    /// Adds a token.
    #[must_use]
    pub fn bearer(mut self, token: &str) -> Self {
        self.head.extend(["Authorization: Bearer ", token, "\r\n"]);
        self
    }

    /// Adds a body of JSON.
    #[must_use]
    pub fn json(mut self, body: &str) -> Self {
        body.clone_into(&mut self.body);
        self.header("Content-Type", "application/json")
    }

    fn bytes(&self) -> Vec<u8> {
        let mut text = self.head.clone();
        if !self.body.is_empty() {
            let length = self.body.len().to_string();
            text.extend(["Content-Length: ", &length, "\r\n"]);
        }
        text.push_str("\r\n");
        text.push_str(&self.body);
        text.into_bytes()
    }
}

/// What a request was answered with.
#[derive(Debug, Clone, Copy)]
pub struct Answer<'a> {
    /// The status.
    pub status: u16,
    /// The body.
    pub body: &'a [u8],
    /// Whether it is the last one on this connection (`Connection: close`).
    pub is_last: bool,
    /// In how many seconds the same may be asked for again (`Retry-After`).
    pub retry_after: Option<u64>,
}

impl Answer<'_> {
    /// The body, which is JSON.
    ///
    /// # Errors
    /// When it is not.
    pub fn json(&self) -> serde_json::Result<serde_json::Value> {
        serde_json::from_slice(self.body)
    }
}

/// A connection that is kept.
#[derive(Debug)]
pub struct Connection {
    stream: TcpStream,
    received: Vec<u8>,
}

/// The most headers that an answer has.
const MAX_HEADERS: usize = 32;

impl Connection {
    /// Connects to `address`, such as `127.0.0.1:8000`.
    ///
    /// # Errors
    /// When nobody listens there.
    pub async fn open(address: &str) -> io::Result<Self> {
        let stream = TcpStream::connect(address).await?;
        stream.set_nodelay(true)?;
        Ok(Self {
            stream,
            received: Vec::with_capacity(16_384),
        })
    }

    /// Sends a request and waits for the answer.
    ///
    /// # Errors
    /// When the connection is lost, or the answer is not HTTP/1.1 with a `Content-Length`.
    pub async fn send(&mut self, request: &Request) -> io::Result<Answer<'_>> {
        self.stream.write_all(&request.bytes()).await?;
        self.received.clear();
        loop {
            if self.stream.read_buf(&mut self.received).await? == 0 {
                return Err(io::ErrorKind::UnexpectedEof.into());
            }
            if let Some(head) = read_head(&self.received)?
                && self.received.len() >= head.end
            {
                return Ok(Answer {
                    status: head.status,
                    body: self.received.get(head.body..head.end).unwrap_or_default(),
                    is_last: head.is_last,
                    retry_after: head.retry_after,
                });
            }
        }
    }
}

struct Head {
    status: u16,
    /// Where the body begins.
    body: usize,
    /// Where it ends.
    end: usize,
    /// Whether the connection is closed after it.
    is_last: bool,
    /// In seconds.
    retry_after: Option<u64>,
}

/// The head of an answer; `None` as long as it is not complete.
fn read_head(received: &[u8]) -> io::Result<Option<Head>> {
    let mut headers = [EMPTY_HEADER; MAX_HEADERS];
    let mut response = httparse::Response::new(&mut headers);
    let parsed = response.parse(received).map_err(io::Error::other)?;
    let (Status::Complete(body), Some(status)) = (parsed, response.code) else {
        return Ok(None);
    };
    let value_of = |name: &str| {
        let mut headers = response.headers.iter();
        let header = headers.find(|header| header.name.eq_ignore_ascii_case(name))?;
        str::from_utf8(header.value).ok()
    };
    let length = value_of("content-length").and_then(|value| value.parse::<usize>().ok());
    let is_last = value_of("connection").is_some_and(|value| value.eq_ignore_ascii_case("close"));
    let retry_after = value_of("retry-after").and_then(|value| value.parse().ok());
    let length = match (length, status) {
        (Some(length), _) => length,
        (None, 204 | 304) => 0,
        (None, _) => return Err(io::Error::other("an answer without Content-Length")),
    };
    let end = body + length;
    Ok(Some(Head {
        status,
        body,
        end,
        is_last,
        retry_after,
    }))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_answer_is_complete_when_its_body_is() {
        let answer = b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok";
        assert!(read_head(&answer[..20]).unwrap().is_none());
        let head = read_head(answer).unwrap().unwrap();
        assert_eq!((head.status, head.end), (200, answer.len()));
        assert_eq!(&answer[head.body..head.end], b"ok");
        assert!(!head.is_last);
        assert_eq!(head.retry_after, None);
        assert!(read_head(b"HTTP/1.1 200 OK\r\n\r\n").is_err());
        let last = b"HTTP/1.1 204 No Content\r\nConnection: close\r\n\r\n";
        assert!(read_head(last).unwrap().unwrap().is_last);
        let busy =
            b"HTTP/1.1 503 Service Unavailable\r\nRetry-After: 3\r\nContent-Length: 0\r\n\r\n";
        assert_eq!(read_head(busy).unwrap().unwrap().retry_after, Some(3));
    }

    #[test]
    fn a_request_says_how_long_its_body_is() {
        let request = Request::new("POST", "/").bearer("t").json("{}");
        let text = String::from_utf8(request.bytes()).unwrap();
        assert_eq!(
            text,
            "POST / HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer t\r\n\
             Content-Type: application/json\r\nContent-Length: 2\r\n\r\n{}"
        );
    }
}
