//! A front door: one route that is answered before all layers, for the two calls of the house that come tens of
//! thousands of times a second.
//!
//! The layers of [`Server`](crate::Server) cost several times what such a call costs by itself: a router of regular
//! expressions, a span with its fields, a boxed future for each middleware. A front door gets the request as the
//! protocol's parser made it. It takes only what is plainly its own (a GET without a body, below its prefix, within the
//! limit of the request line); everything else goes through the layers, to an ordinary handler of the same route.
//!
//! What the layers promise holds here, too: an error is a [`Problem`] with the request's id and is logged once with its
//! cause, a panic is answered 500, every answer is in the metric, and where spans are recorded there is one for each call
//! that joins the caller's trace. Only an answer that is no error carries no `x-request-id`: its own content names it.

use std::{
    future::{Future, Ready, ready},
    net::IpAddr,
    panic::AssertUnwindSafe,
    rc::Rc,
    sync::Arc,
    time::Instant,
};

use actix_http::{Request, Response};
use actix_web::{
    Error, HttpResponse, ResponseError as _,
    body::{BoxBody, EitherBody, MessageBody},
    dev::{AppConfig, RequestHead, Service, ServiceFactory, ServiceResponse},
    http::{Method, header::HeaderMap},
};
use futures_util::{
    FutureExt as _,
    future::{Either, LocalBoxFuture},
};
use kernel::IdSource;
use telemetry::TraceContext;
use tracing::Instrument as _;

use crate::{
    caller_ip::address_of,
    problem::Problem,
    request_id::RequestId,
    root_span::{self, Measured, caller_trace},
};

/// A route that is answered before all layers.
pub trait FrontDoor: Clone + Send + 'static {
    /// The route's pattern, as its ordinary handler has it: a label of spans and metrics.
    const ROUTE: &'static str;
    /// What the path of its calls begins with.
    const PREFIX: &'static str;

    /// What one worker thread of the server has for itself.
    type Worker: Clone + 'static;

    /// Opens the door in a worker thread, within its event loop.
    fn open(&self) -> Self::Worker;

    /// Answers one call.
    fn answer(
        worker: &Self::Worker,
        call: FrontCall,
    ) -> impl Future<Output = Result<HttpResponse, Problem>> + 'static;
}

/// A call as a front door sees it: a GET without a body.
pub struct FrontCall(Request);

impl FrontCall {
    /// The path behind the door's prefix, undecoded.
    #[must_use]
    pub fn rest_of_path<D: FrontDoor>(&self) -> &str {
        self.0.path().strip_prefix(D::PREFIX).unwrap_or_default()
    }

    /// The query, undecoded; empty when there is none.
    #[must_use]
    pub fn query(&self) -> &str {
        self.0.uri().query().unwrap_or_default()
    }

    /// All headers. They are the caller's word.
    #[must_use]
    pub fn headers(&self) -> &HeaderMap {
        &self.0.head().headers
    }

    /// A header, when it is there and text.
    #[must_use]
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers().get(name).and_then(|value| value.to_str().ok())
    }

    /// The caller's address, see [`caller_ip`](crate::caller_ip()).
    #[must_use]
    pub fn caller_ip(&self, trusted_header: &str) -> Option<IpAddr> {
        address_of(self.headers(), self.0.peer_addr(), trusted_header)
    }

    /// The trace that the caller continues here; empty when there is none.
    #[must_use]
    pub fn trace(&self) -> TraceContext {
        caller_trace(self.headers()).unwrap_or_default()
    }
}

/// What every worker needs to put a door in front of its app.
pub(crate) struct Fronted<D, A> {
    pub(crate) door: Option<D>,
    pub(crate) app: A,
    pub(crate) uri_limit_bytes: usize,
    pub(crate) ids: Arc<dyn IdSource>,
}

impl<D, A, B> ServiceFactory<Request> for Fronted<D, A>
where
    D: FrontDoor,
    A: ServiceFactory<Request, Config = AppConfig, Response = ServiceResponse<B>, Error = Error>,
    A::Service: 'static,
    A::Future: 'static,
    A::InitError: 'static,
    B: MessageBody + 'static,
{
    type Response = Response<EitherBody<BoxBody, B>>;
    type Error = Error;
    type Config = AppConfig;
    type Service = FrontedService<D, A::Service>;
    type InitError = A::InitError;
    type Future = LocalBoxFuture<'static, Result<Self::Service, Self::InitError>>;

    fn new_service(&self, config: AppConfig) -> Self::Future {
        let door = self.door.clone();
        let uri_limit_bytes = self.uri_limit_bytes;
        let ids = Arc::clone(&self.ids);
        let app = self.app.new_service(config);
        Box::pin(async move {
            let measured = Measured::of(D::ROUTE, "GET");
            let front =
                door.map(|door| Rc::new(Front { worker: door.open(), uri_limit_bytes, ids, measured }));
            Ok(FrontedService { front, app: app.await? })
        })
    }
}

/// The door of one worker.
struct Front<D: FrontDoor> {
    worker: D::Worker,
    uri_limit_bytes: usize,
    ids: Arc<dyn IdSource>,
    measured: Measured,
}

/// An app with a door in front of it.
pub(crate) struct FrontedService<D: FrontDoor, S> {
    front: Option<Rc<Front<D>>>,
    app: S,
}

impl<D, S, B> Service<Request> for FrontedService<D, S>
where
    D: FrontDoor,
    S: Service<Request, Response = ServiceResponse<B>, Error = Error>,
    S::Future: 'static,
    B: MessageBody + 'static,
{
    type Response = Response<EitherBody<BoxBody, B>>;
    type Error = Error;
    type Future = LocalBoxFuture<'static, Result<Self::Response, Error>>;

    fn poll_ready(&self, context: &mut std::task::Context<'_>) -> std::task::Poll<Result<(), Error>> {
        self.app.poll_ready(context)
    }

    fn call(&self, mut request: Request) -> Self::Future {
        if let Some(front) = &self.front
            && front.claims(&request)
        {
            // There is no payload: what the parser keeps for one is given back.
            drop(request.take_payload());
            let front = Rc::clone(front);
            return Box::pin(async move {
                Ok(front.serve(FrontCall(request)).await.map_body(|_head, body| EitherBody::left(body)))
            });
        }
        let layered = self.app.call(request);
        Box::pin(async move {
            let answer: Response<B> = layered.await?.into();
            Ok(answer.map_body(|_head, body| EitherBody::right(body)))
        })
    }
}

impl<D: FrontDoor> Front<D> {
    fn claims(&self, request: &Request) -> bool {
        let head: &RequestHead = request.head();
        head.method == Method::GET
            && head.uri.path().starts_with(D::PREFIX)
            && head.uri.path_and_query().map_or(0, |target| target.as_str().len()) <= self.uri_limit_bytes
            && !has_body(head)
    }

    async fn serve(&self, call: FrontCall) -> Response<BoxBody> {
        let started = Instant::now();
        let span = if telemetry::records_spans() {
            let span = root_span::span("GET", D::ROUTE, None);
            call.trace().set_parent(&span);
            span
        } else {
            tracing::Span::none()
        };
        // Unwind safety: see `crate::panics`.
        let answering = AssertUnwindSafe(D::answer(&self.worker, call)).catch_unwind();
        let answering = if span.is_none() {
            Either::Left(answering)
        } else {
            Either::Right(answering.instrument(span.clone()))
        };
        let outcome = answering.await.unwrap_or_else(|_panic| Err(Problem::internal("the handler panicked")));
        let response = match outcome {
            Ok(response) => response,
            Err(problem) => self.refuse(problem, &span),
        };
        root_span::record_end(&span, response.status());
        self.measured.record(started.elapsed(), response.status());
        response.into()
    }

    fn refuse(&self, problem: Problem, span: &tracing::Span) -> HttpResponse {
        let id = RequestId::new(self.ids.uuid_v7());
        // A line that is written needs the request's id; a span that nobody records is made for it.
        let span = if span.is_none() { &root_span::span("GET", D::ROUTE, Some(id)) } else { span };
        span.in_scope(|| root_span::log_problem(&problem, problem.status()));
        let problem = problem.of_request(id);
        let mut response = problem.error_response();
        response.headers_mut().insert(crate::REQUEST_ID_HEADER, id.header_value());
        response
    }
}

/// Whether a body was announced. Its guard is one of the layers.
fn has_body(head: &RequestHead) -> bool {
    use actix_web::http::header::{CONTENT_LENGTH, TRANSFER_ENCODING, UPGRADE};
    [CONTENT_LENGTH, TRANSFER_ENCODING, UPGRADE].iter().any(|name| head.headers.contains_key(name))
}

/// For a server without a front door.
#[derive(Clone)]
pub(crate) enum NoDoor {}

impl FrontDoor for NoDoor {
    const ROUTE: &'static str = "";
    const PREFIX: &'static str = "";

    type Worker = ();

    fn open(&self) {}

    fn answer((): &(), _call: FrontCall) -> impl Future<Output = Result<HttpResponse, Problem>> + 'static {
        let never: Ready<Result<HttpResponse, Problem>> = ready(Err(Problem::internal("there is no door")));
        never
    }
}
