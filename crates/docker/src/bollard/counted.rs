//! A connection that ends when the other side sends too much.
//!
//! bollard collects the whole body of an answer before it looks at it. Here is where that gets a
//! limit.

use std::io;
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use thiserror::Error;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

/// More was sent than may be.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[error("the answer is longer than {0} bytes")]
pub(super) struct TooLong(pub(super) usize);

impl TooLong {
    /// Whether this is behind an error, however deep.
    pub(super) fn behind(error: &(dyn std::error::Error + 'static)) -> Option<TooLong> {
        let mut next = Some(error);
        while let Some(error) = next {
            let inner = error.downcast_ref::<io::Error>().and_then(io::Error::get_ref);
            if let Some(found) = inner.and_then(|inner| inner.downcast_ref::<TooLong>()) {
                return Some(*found);
            }
            next = error.source();
        }
        None
    }
}

pub(super) struct Counted<S> {
    stream: S,
    max: usize,
    left: usize,
}

impl<S> Counted<S> {
    /// Without a limit of its own if `max` is none.
    pub(super) fn new(stream: S, max: Option<usize>) -> Self {
        let max = max.unwrap_or(usize::MAX);
        Counted { stream, max, left: max }
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for Counted<S> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let before = buffer.filled().len();
        ready!(Pin::new(&mut self.stream).poll_read(cx, buffer))?;
        let read = buffer.filled().len() - before;
        if self.max == usize::MAX {
            return Poll::Ready(Ok(()));
        }
        match self.left.checked_sub(read) {
            Some(left) => {
                self.left = left;
                Poll::Ready(Ok(()))
            }
            None => {
                buffer.set_filled(before);
                Poll::Ready(Err(io::Error::other(TooLong(self.max))))
            }
        }
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for Counted<S> {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        data: &[u8],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write(cx, data)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(cx)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use tokio::io::AsyncReadExt;

    #[tokio::test]
    async fn a_byte_too_many_is_an_error_that_can_be_told_from_others() {
        let mut text = Vec::new();
        Counted::new(&b"12345"[..], Some(5)).read_to_end(&mut text).await.unwrap();
        assert_eq!(text, b"12345");
        let error = Counted::new(&b"123456"[..], Some(5)).read_to_end(&mut text).await;
        let error = error.unwrap_err();
        assert_eq!(TooLong::behind(&error), Some(TooLong(5)));
        assert_eq!(TooLong::behind(&io::Error::other("x")), None);
        Counted::new(&b"123456"[..], None).read_to_end(&mut text).await.unwrap();
    }
}
