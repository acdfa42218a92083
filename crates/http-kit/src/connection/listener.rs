//! A socket that listens, and what every connection of it goes through: guard, parser, service.

use std::{fmt, io, net::SocketAddr, rc::Rc, sync::Arc, time::Duration};

use actix_http::{HttpService, KeepAlive, Request};
use actix_server::{Server, ServerBuilder};
use actix_service::{
    IntoServiceFactory, Service, ServiceFactory, ServiceFactoryExt as _, apply_fn_factory, fn_service,
    map_config,
};
use actix_web::{
    Error, HttpResponse,
    body::{BoxBody, MessageBody},
    dev::{AppConfig, Payload},
    rt::net::TcpStream,
};
use futures_util::future;
use kernel::IdSource;
use socket2::{Domain, Protocol, Socket, Type};

use super::{
    body::{self, Bodies},
    file_limit,
    guard::Guarded,
    progress::Progress,
};
use crate::http_settings::HttpSettings;

/// A bound socket.
pub(crate) struct Listener {
    socket: std::net::TcpListener,
    address: SocketAddr,
}

impl Listener {
    /// Binds and listens.
    pub(crate) fn bind(settings: &HttpSettings) -> io::Result<Self> {
        let socket = Socket::new(Domain::for_address(settings.listen), Type::STREAM, Some(Protocol::TCP))?;
        // A restart must not wait for connections of the process before it to be forgotten.
        socket.set_reuse_address(true)?;
        socket.bind(&settings.listen.into())?;
        socket.listen(i32::try_from(settings.backlog).unwrap_or(i32::MAX))?;
        let socket = std::net::TcpListener::from(socket);
        let address = socket.local_addr()?;
        Ok(Self { socket, address })
    }

    /// Where.
    pub(crate) const fn address(&self) -> SocketAddr {
        self.address
    }

    /// Serves what `factory` makes, once for each worker, until `stop`.
    pub(crate) fn serve<F, I, S, B>(
        self,
        settings: &HttpSettings,
        bodies: Bodies,
        ids: Arc<dyn IdSource>,
        stop: impl Future<Output = ()> + Send + 'static,
        factory: F,
    ) -> io::Result<Server>
    where
        F: Fn() -> I + Send + Clone + 'static,
        I: IntoServiceFactory<S, Request>,
        S: ServiceFactory<Request, Config = AppConfig> + 'static,
        S::Error: Into<Error> + 'static,
        S::InitError: fmt::Debug,
        S::Response: Into<actix_http::Response<B>> + 'static,
        <S::Service as Service<Request>>::Future: 'static,
        S::Service: 'static,
        B: MessageBody + 'static,
    {
        let limits = settings.connection_limits();
        let connections = file_limit::make_room(settings.max_connections);
        let builder = ServerBuilder::default()
            .workers(settings.workers)
            .max_concurrent_connections(connections.div_ceil(settings.workers.max(1)).max(1))
            .shutdown_timeout(settings.stop_seconds)
            .disable_signals()
            .shutdown_signal(stop);
        let draining = builder.graceful_shutdown_signal();
        let keep_alive = KeepAlive::Timeout(Duration::from_secs(settings.keep_alive_seconds));
        let address = self.address;
        let builder = builder.listen("http", self.socket, move || {
            let draining = draining.clone();
            let ids = Arc::clone(&ids);
            let bodies = bodies.clone();
            let app = factory()
                .into_factory()
                .map_err(|error| -> HttpResponse<BoxBody> { error.into().error_response() });
            let app = map_config(app, move |()| AppConfig::default());
            let parser = HttpService::build()
                .graceful_shutdown_signal(move || {
                    let signal = draining.clone();
                    async move { signal.notified().await }
                })
                .keep_alive(keep_alive)
                // The guard's, for every head: the parser's is for the first one only, and half a second inexact.
                .client_request_timeout(Duration::ZERO)
                .client_disconnect_timeout(limits.disconnect_timeout)
                .local_addr(address)
                .on_connect_ext(|guarded: &Guarded, data| {
                    data.insert(guarded.progress());
                })
                .h1(apply_fn_factory(app, move |request, service: &_| watched(request, service, &bodies)));
            fn_service(move |stream: TcpStream| {
                let peer = stream.peer_addr().ok();
                let guarded = Guarded::new(stream, limits, Arc::clone(&ids));
                future::ready(Ok::<_, actix_http::error::DispatchError>((guarded, peer)))
            })
            .and_then(parser)
        })?;
        Ok(builder.run())
    }
}

/// Tells the guard when a request begins and ends, and puts a guard on its body.
fn watched<S: Service<Request>>(
    mut request: Request,
    service: &S,
    bodies: &Bodies,
) -> impl Future<Output = Result<S::Response, S::Error>> + use<S> {
    let progress = request.conn_data::<Rc<Progress>>().cloned();
    let has_body = !matches!(request.payload(), Payload::None);
    let in_flight = progress.as_ref().map(|progress| progress.begin(has_body));
    let limits = bodies.of(request.path());
    body::guard(&mut request, limits, progress);
    let answering = service.call(request);
    async move {
        let answer = answering.await;
        drop(in_flight);
        answer
    }
}
