//! A worker thread's own way to the publisher: group commit begins where the items are made.
//!
//! Handing each item to the publisher's task costs a queue, a oneshot and a wake-up across threads, twice. A worker of a
//! server that answers tens of thousands of calls a second collects instead what its calls hand in during one turn of its
//! event loop, hands that over as one, and wakes its own callers when the one answer comes. Everything in here stays on
//! one thread: no locks, no atomics, and the wake-ups are pushes onto the thread's own queue.
//!
//! An idle lane hands an item over at the end of the turn that made it: nothing waits for company.

use std::{
    cell::{Cell, RefCell},
    collections::VecDeque,
    future::Future,
    pin::Pin,
    rc::Rc,
    task::{Context, Poll, Waker},
};

use futures_util::{StreamExt as _, stream::FuturesUnordered};
use tokio::sync::{Notify, oneshot};

use super::{
    Answer, Payload, PublishError, Publisher, Submission,
    groups::{FramedBatch, Limits, frame, framed_len},
    item::Item,
};
use crate::topology::Route;

/// A worker thread's way to the publisher. Cheap to clone, on its thread only.
#[derive(Clone)]
pub struct Lane(Rc<Handle>);

/// What all clones share; the lane's task ends when the last one is gone.
struct Handle {
    publisher: Publisher,
    limits: Limits,
    shared: Rc<Shared>,
}

#[derive(Default)]
struct Shared {
    /// Oldest first. The last batch of a route takes items until it is full.
    waiting: RefCell<VecDeque<Batch>>,
    news: Notify,
    closed: Cell<bool>,
}

/// Items of one route that are handed over together.
struct Batch {
    route: Route,
    /// An encoded `FactBatch`.
    body: Vec<u8>,
    items: usize,
    item_bytes: usize,
    callers: Rc<Callers>,
}

/// Who waits for a batch, and in the end its answer.
#[derive(Default)]
struct Callers {
    answer: Cell<Option<Answer>>,
    wakers: RefCell<Vec<Waker>>,
}

impl Lane {
    /// Opens a lane on this thread.
    ///
    /// # Panics
    /// Outside a `LocalSet`, as all of `spawn_local`: a lane belongs to a worker of a server.
    #[must_use]
    pub fn open(publisher: Publisher) -> Self {
        let shared = Rc::new(Shared::default());
        let limits = publisher.limits;
        let task = Task { shared: Rc::clone(&shared), publisher: publisher.clone() };
        // It ends with the lane; nobody else waits for it.
        drop(tokio::task::spawn_local(task.run()));
        Self(Rc::new(Handle { publisher, limits, shared }))
    }

    /// Publishes one item; as [`Publisher::publish`]. Dropping the future does not take the item back.
    ///
    /// # Errors
    /// [`PublishError`]; everything but success means "not known to be there".
    pub async fn publish(&self, route: &Route, item: Item) -> Result<(), PublishError> {
        self.0.publisher.admit(route, &item)?;
        let callers = self.0.add(route, &item);
        self.0.shared.news.notify_one();
        Answered { callers }.await
    }
}

impl Handle {
    fn add(&self, route: &Route, item: &Item) -> Rc<Callers> {
        let mut waiting = self.shared.waiting.borrow_mut();
        let length = framed_len(item);
        let has_room = |batch: &Batch| {
            batch.route == *route
                && batch.items < self.limits.items
                && batch.body.len().saturating_add(length) <= self.limits.bytes
        };
        if let Some(batch) = waiting.iter_mut().rev().find(|batch| batch.route == *route)
            && has_room(batch)
        {
            batch.add(item);
            return Rc::clone(&batch.callers);
        }
        let mut batch =
            Batch { route: route.clone(), body: Vec::new(), items: 0, item_bytes: 0, callers: Rc::default() };
        batch.add(item);
        let callers = Rc::clone(&batch.callers);
        waiting.push_back(batch);
        callers
    }
}

impl Drop for Handle {
    fn drop(&mut self) {
        self.shared.closed.set(true);
        self.shared.news.notify_one();
    }
}

impl Batch {
    fn add(&mut self, item: &Item) {
        frame(&mut self.body, item);
        self.items = self.items.saturating_add(1);
        self.item_bytes = self.item_bytes.saturating_add(item.len());
    }
}

impl Callers {
    fn answer(&self, answer: Answer) {
        self.answer.set(Some(answer));
        // Taken out first: a waker may run code that comes back here.
        for waker in self.wakers.take() {
            waker.wake();
        }
    }
}

/// Resolves when the batch has its answer.
struct Answered {
    callers: Rc<Callers>,
}

impl Future for Answered {
    type Output = Answer;

    fn poll(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Answer> {
        if let Some(answer) = self.callers.answer.get() {
            return Poll::Ready(answer);
        }
        // Polled again without an answer, it leaves a second waker: one wake-up too many, and rare.
        self.callers.wakers.borrow_mut().push(context.waker().clone());
        Poll::Pending
    }
}

struct Task {
    shared: Rc<Shared>,
    publisher: Publisher,
}

impl Task {
    async fn run(self) {
        let mut out = FuturesUnordered::new();
        loop {
            while out.len() < self.publisher.in_flight {
                let Some(batch) = self.shared.waiting.borrow_mut().pop_front() else { break };
                let callers = Rc::clone(&batch.callers);
                match self.hand_over(batch) {
                    Ok(answer) => out.push(async move { (callers, super::answered(answer).await) }),
                    Err(error) => callers.answer(Err(error)),
                }
            }
            if out.is_empty() && self.shared.closed.get() && self.shared.waiting.borrow().is_empty() {
                return;
            }
            tokio::select! {
                biased;
                Some((callers, answer)) = out.next() => callers.answer(answer),
                () = self.shared.news.notified() => {}
            }
        }
    }

    fn hand_over(&self, batch: Batch) -> Result<oneshot::Receiver<Answer>, PublishError> {
        let Batch { route, body, items, item_bytes, .. } = batch;
        let (sender, receiver) = oneshot::channel();
        let what = Payload::Batch(FramedBatch { body, items, item_bytes });
        self.publisher.submit(Submission { route, what, answer: sender })?;
        Ok(receiver)
    }
}
