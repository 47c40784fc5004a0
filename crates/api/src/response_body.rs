//! The body of a response, as the connection writes it.

use std::{
    error::Error,
    fmt,
    pin::Pin,
    task::{Context, Poll},
};

use actix_web::{
    body::{BodySize, BoxBody, MessageBody},
    web::Bytes,
};

use crate::{budget::Reservation, connection::ResponseGuard};

/// The largest number of bytes that are copied to the buffer of the connection at once.
const CHUNK: usize = 32 * 1_024;

/// The body of a response: it is written in chunks, and holds its part of the budget until it is written or dropped.
pub(crate) struct ResponseBody {
    size: BodySize,
    content: Content,
    _reservation: Option<Reservation>,
    _guard: Option<ResponseGuard>,
}

enum Content {
    Bytes(Bytes),
    Stream(BoxBody),
}

impl ResponseBody {
    pub(crate) fn new(
        body: BoxBody,
        reservation: Option<Reservation>,
        guard: Option<ResponseGuard>,
    ) -> Self {
        let size = body.size();
        let content = match body.try_into_bytes() {
            Ok(bytes) => Content::Bytes(bytes),
            Err(body) => Content::Stream(body),
        };
        Self {
            size,
            content,
            _reservation: reservation,
            _guard: guard,
        }
    }
}

impl MessageBody for ResponseBody {
    type Error = Box<dyn Error>;

    fn size(&self) -> BodySize {
        self.size
    }

    fn poll_next(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Bytes, Self::Error>>> {
        match &mut self.get_mut().content {
            Content::Bytes(bytes) if bytes.is_empty() => Poll::Ready(None),
            Content::Bytes(bytes) => {
                let chunk = bytes.split_to(bytes.len().min(CHUNK));
                Poll::Ready(Some(Ok(chunk)))
            }
            Content::Stream(body) => Pin::new(body).poll_next(cx),
        }
    }
}

impl fmt::Debug for ResponseBody {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ResponseBody")
            .field("size", &self.size)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use actix_web::body::to_bytes;

    use super::*;

    #[tokio::test]
    async fn a_large_body_is_written_in_chunks_and_whole() {
        let text: Vec<u8> = (0..=255).cycle().take(100_000).collect();
        let mut body = ResponseBody::new(text.clone().boxed(), None, None);
        assert_eq!(body.size(), BodySize::Sized(100_000));
        let first = std::future::poll_fn(|cx| Pin::new(&mut body).poll_next(cx)).await;
        let first = first.unwrap().unwrap();
        assert_eq!(first.len(), CHUNK);
        let rest = to_bytes(body).await.unwrap();
        assert_eq!([first, rest].concat(), text);
    }

    #[tokio::test]
    async fn a_response_without_a_body_has_none() {
        let body = ResponseBody::new(BoxBody::new(()), None, None);
        assert_eq!(body.size(), BoxBody::new(()).size());
        assert!(to_bytes(body).await.unwrap().is_empty());
    }
}
