//! tokio's streams as hyper wants them.

use core::pin::Pin;
use core::task::{Context, Poll};
use std::io::{IoSlice, Result};

use hyper::rt::{Read, ReadBufCursor, Write};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use zeroize::Zeroize;

/// Bytes read at once: an answer of KMS fits, and the buffer fits on the stack.
const READ_LEN: usize = 8192;

pub(crate) struct Io<T>(pub(crate) T);

impl<T: AsyncRead + Unpin> Read for Io<T> {
    /// Through a buffer of ours: handing hyper's uninitialised memory to tokio would take unsafe code.
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        mut cursor: ReadBufCursor<'_>,
    ) -> Poll<Result<()>> {
        let mut bytes = [0; READ_LEN];
        let len = cursor.remaining().min(READ_LEN);
        let mut buffer = ReadBuf::new(bytes.get_mut(..len).unwrap_or_default());
        let read = Pin::new(&mut self.0).poll_read(cx, &mut buffer);
        cursor.put_slice(buffer.filled());
        // What was read alone: to wipe all of it each time would cost more than the reading.
        buffer.filled_mut().zeroize();
        read
    }
}

impl<T: AsyncWrite + Unpin> Write for Io<T> {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<Result<usize>> {
        Pin::new(&mut self.0).poll_write(cx, bytes)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Result<()>> {
        Pin::new(&mut self.0).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Result<()>> {
        Pin::new(&mut self.0).poll_shutdown(cx)
    }

    fn is_write_vectored(&self) -> bool {
        self.0.is_write_vectored()
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        slices: &[IoSlice<'_>],
    ) -> Poll<Result<usize>> {
        Pin::new(&mut self.0).poll_write_vectored(cx, slices)
    }
}
