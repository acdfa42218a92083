//! The socket as the parser sees it.

use std::{
    io,
    pin::Pin,
    rc::Rc,
    sync::Arc,
    task::{Context, Poll, ready},
};

use actix_web::rt::net::TcpStream;
use kernel::IdSource;
use tokio::{
    io::{AsyncRead, AsyncWrite, ReadBuf},
    time::{Instant, Sleep, sleep_until},
};

use super::{
    ConnectionLimits,
    farewell::Reason,
    head::{Excess, Head},
    progress::Progress,
};
use crate::request_id::RequestId;

/// Read and thrown away at once while a connection closes, in bytes.
const DISCARD_BYTES: usize = 4_096;
/// A caller that takes less than this of its answer within the write time-out is deaf, in bytes: 1.6 KB/s by default.
const TAKEN_BYTES_MIN: usize = 16 * 1_024;

/// A socket with bounds.
pub(super) struct Guarded {
    stream: TcpStream,
    limits: ConnectionLimits,
    ids: Arc<dyn IdSource>,
    progress: Rc<Progress>,

    /// The request that was the latest when `head` began.
    seen: u64,
    head: Head,
    head_deadline: Option<Pin<Box<Sleep>>>,
    write_deadline: Option<Pin<Box<Sleep>>>,
    /// Bytes that the caller took since the write deadline was set.
    taken: usize,

    end: End,
    /// What is still to be said before the end, by the guard itself.
    last_words: Vec<u8>,
    close_deadline: Option<Pin<Box<Sleep>>>,
}

/// How far a connection's end has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum End {
    /// Nobody wants it yet.
    No,
    /// The guard lets go: the parser hears the end of the stream.
    LetGo,
    /// The parser has refused the caller by itself; its answer was replaced.
    ParserRefused,
    /// Nothing more is said.
    Silent,
}

impl Guarded {
    pub(super) fn new(stream: TcpStream, limits: ConnectionLimits, ids: Arc<dyn IdSource>) -> Self {
        // Of the first head the time runs from the start, for nothing can be said to have come before it.
        let first_head = Box::pin(sleep_until(Instant::now() + limits.head_timeout));
        Self {
            stream,
            limits,
            ids,
            progress: Rc::default(),
            seen: 0,
            head: Head::default(),
            head_deadline: Some(first_head),
            write_deadline: None,
            taken: 0,
            end: End::No,
            last_words: Vec::new(),
            close_deadline: None,
        }
    }

    pub(super) fn progress(&self) -> Rc<Progress> {
        Rc::clone(&self.progress)
    }

    /// Bytes that come belong to the head of a request that has not begun.
    fn awaits_head(&mut self) -> bool {
        let begun = self.progress.begun();
        if begun != self.seen {
            self.seen = begun;
            self.head = Head::default();
            self.head_deadline = None;
        }
        self.progress.is_idle()
    }

    /// Whether what comes is a head for sure, and not perhaps the rest of a body that nobody read: only then is there
    /// somebody who waits for an answer.
    fn is_head_for_sure(&self) -> bool {
        self.seen == 0 || !self.progress.body_is_open()
    }

    fn look_at(&mut self, bytes: &[u8]) -> Option<Reason> {
        if bytes.is_empty() || !self.awaits_head() {
            return None;
        }
        if self.head_deadline.is_none() {
            self.head_deadline = Some(Box::pin(sleep_until(Instant::now() + self.limits.head_timeout)));
        }
        if !self.is_head_for_sure() {
            return None;
        }
        match self.head.take_in(bytes, &self.limits) {
            Ok(()) => None,
            Err(Excess::Line) => Some(Reason::LongUri),
            Err(Excess::Head) => Some(Reason::LargeHead),
        }
    }

    /// A request was answered and its body not read: what is left of it, and the head behind it, have the time of a head,
    /// whether anything comes or not.
    fn start_waiting_for_the_rest(&mut self, context: &mut Context<'_>) {
        if self.awaits_head() && self.seen > 0 && self.progress.body_is_open() {
            let timeout = self.limits.head_timeout;
            let deadline =
                self.head_deadline.get_or_insert_with(|| Box::pin(sleep_until(Instant::now() + timeout)));
            // When it is over the socket is read, and found overdue; here it only learns whom to wake.
            if deadline.as_mut().poll(context).is_ready() {
                context.waker().wake_by_ref();
            }
        }
    }

    /// The head that is on its way is overdue.
    fn is_overdue(&mut self, context: &mut Context<'_>) -> bool {
        if !self.awaits_head() {
            return false;
        }
        self.head_deadline.as_mut().is_some_and(|deadline| deadline.as_mut().poll(context).is_ready())
    }

    fn let_go(&mut self, reason: Reason) {
        reason.note();
        if self.is_head_for_sure() {
            self.last_words = reason.answer(RequestId::new(self.ids.uuid_v7()));
        }
        self.end = End::LetGo;
    }

    /// The parser's own refusal becomes a problem. Taken only at the second call: at the first the parser must not think
    /// that all is said and done, or it would drop the socket with bytes unread, and the network the answer with it.
    fn refuse_for_parser(&mut self, context: &Context<'_>, mut reason: Reason) {
        // A line beyond what a URI can be is "not a URI" to the parser.
        if reason == Reason::NotHttp && self.head.line_is_too_long(&self.limits) {
            reason = Reason::LongUri;
        }
        reason.note();
        self.last_words = reason.answer(RequestId::new(self.ids.uuid_v7()));
        self.end = End::ParserRefused;
        context.waker().wake_by_ref();
    }

    fn write_through(&mut self, context: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        let written = Pin::new(&mut self.stream).poll_write(context, bytes);
        match written {
            Poll::Ready(Err(_)) => return written,
            Poll::Ready(Ok(count)) => {
                self.taken = self.taken.saturating_add(count);
                if count == bytes.len() || self.taken >= TAKEN_BYTES_MIN {
                    self.write_deadline = None;
                    self.taken = 0;
                    return written;
                }
            }
            Poll::Pending => {}
        }
        // Not all was taken: the caller's time runs.
        let timeout = self.limits.write_timeout;
        let deadline =
            self.write_deadline.get_or_insert_with(|| Box::pin(sleep_until(Instant::now() + timeout)));
        if deadline.as_mut().poll(context).is_ready() {
            Reason::DeafCaller.note();
            // What it did not take must not stay in the kernel either.
            self.stream.set_zero_linger()?;
            return Poll::Ready(Err(io::Error::new(
                io::ErrorKind::TimedOut,
                "the answer was not taken in time",
            )));
        }
        written
    }

    fn say_last_words(&mut self, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        while !self.last_words.is_empty() {
            let written = ready!(Pin::new(&mut self.stream).poll_write(context, &self.last_words))?;
            self.last_words.drain(..written.min(self.last_words.len()));
        }
        Poll::Ready(Ok(()))
    }

    /// Says what is left to say, then nothing more, and then listens for a while: a socket that is closed on unread bytes
    /// resets the connection, and a reset destroys what the caller has not read yet.
    fn close(&mut self, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        if self.end != End::Silent {
            ready!(self.say_last_words(context))?;
            ready!(Pin::new(&mut self.stream).poll_shutdown(context))?;
            self.end = End::Silent;
        }
        loop {
            let mut space = [0_u8; DISCARD_BYTES];
            let mut buffer = ReadBuf::new(&mut space);
            ready!(Pin::new(&mut self.stream).poll_read(context, &mut buffer))?;
            if buffer.filled().is_empty() {
                return Poll::Ready(Ok(()));
            }
        }
    }
}

impl AsyncRead for Guarded {
    fn poll_read(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        if this.end != End::No {
            return Poll::Ready(Ok(()));
        }
        let before = buffer.filled().len();
        match Pin::new(&mut this.stream).poll_read(context, buffer) {
            Poll::Ready(Ok(())) => {
                let reason = this.look_at(buffer.filled().get(before..).unwrap_or_default());
                if let Some(reason) = reason {
                    buffer.set_filled(before);
                    this.let_go(reason);
                    return Poll::Ready(Ok(()));
                }
                // A caller that never pauses between its bytes is overdue, too.
                if !this.head.is_whole() && this.is_overdue(context) {
                    buffer.set_filled(before);
                    this.let_go(Reason::SlowHead);
                }
                Poll::Ready(Ok(()))
            }
            Poll::Pending if this.is_overdue(context) => {
                this.let_go(Reason::SlowHead);
                Poll::Ready(Ok(()))
            }
            Poll::Ready(Err(error)) => Poll::Ready(Err(error)),
            Poll::Pending => Poll::Pending,
        }
    }
}

impl AsyncWrite for Guarded {
    fn poll_write(self: Pin<&mut Self>, context: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        let this = self.get_mut();
        if this.end == End::ParserRefused {
            ready!(this.say_last_words(context))?;
            return Poll::Ready(Ok(bytes.len()));
        }
        if this.end == End::No
            && this.progress.is_idle()
            && let Some((before, reason)) = Reason::of_parser_answer(bytes)
        {
            // Answers to the requests before it first.
            if !before.is_empty() {
                return this.write_through(context, before);
            }
            this.refuse_for_parser(context, reason);
            return Poll::Pending;
        }
        let written = this.write_through(context, bytes);
        this.start_waiting_for_the_rest(context);
        written
    }

    fn poll_flush(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.get_mut().stream).poll_flush(context)
    }

    fn poll_shutdown(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        let timeout = this.limits.disconnect_timeout;
        let deadline =
            this.close_deadline.get_or_insert_with(|| Box::pin(sleep_until(Instant::now() + timeout)));
        if deadline.as_mut().poll(context).is_ready() {
            return Poll::Ready(Ok(()));
        }
        // Whatever goes wrong with a connection that ends, it has ended.
        this.close(context).map(|_gone| Ok(()))
    }
}

#[cfg(test)]
mod tests {
    use std::{future::poll_fn, time::Duration};

    use tokio::{io::AsyncWriteExt as _, net::TcpListener, time::advance};

    use super::*;
    use crate::connection::ConnectionLimits;

    const HEAD_TIMEOUT: Duration = Duration::from_secs(10);

    #[derive(Debug)]
    struct SameId;

    impl IdSource for SameId {
        fn uuid_v7(&self) -> uuid::Uuid {
            uuid::Uuid::nil()
        }

        fn fill_random(&self, bytes: &mut [u8]) {
            bytes.fill(0);
        }
    }

    /// There is always something to read, so the socket never says that it waits.
    #[tokio::test(start_paused = true)]
    async fn a_caller_that_never_pauses_within_a_head_is_let_go_when_it_is_overdue() {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let mut caller = TcpStream::connect(listener.local_addr().unwrap()).await.unwrap();
        let (stream, _peer) = listener.accept().await.unwrap();
        let limits = ConnectionLimits {
            head_bytes: 1_000,
            uri_bytes: 1_000,
            head_timeout: HEAD_TIMEOUT,
            write_timeout: HEAD_TIMEOUT,
            disconnect_timeout: HEAD_TIMEOUT,
        };
        let mut guarded = Guarded::new(stream, limits, Arc::new(SameId));
        for (waits, passes) in [(HEAD_TIMEOUT / 2, true), (HEAD_TIMEOUT, false)] {
            caller.write_all(b"GET /").await.unwrap();
            guarded.stream.readable().await.unwrap();
            advance(waits).await;
            let mut space = [0; 16];
            let mut buffer = ReadBuf::new(&mut space);
            poll_fn(|context| Pin::new(&mut guarded).poll_read(context, &mut buffer)).await.unwrap();
            assert_eq!(buffer.filled(), if passes { &b"GET /"[..] } else { b"" });
        }
        assert!(guarded.end == End::LetGo && guarded.last_words.starts_with(b"HTTP/1.1 408"));
    }
}
