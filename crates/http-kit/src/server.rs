//! The server of a service: its routes, inside the layers and bounds all services share.
//!
//! Layers from the outside in: [`crate::edge`] (request id, bounds, problems), the span ([`crate::root_span`]), the
//! panic guard ([`crate::panics`]), then the routes. A [`FrontDoor`] stands before all of them. The server belongs to the
//! supervisor: when the soft token is cancelled it stops accepting, finishes what is in flight and ends.

use std::{io, net::SocketAddr, sync::Arc};

use actix_service::IntoServiceFactory as _;
use actix_web::{App, middleware::from_fn, web};
use kernel::IdSource;
use process::{Supervisor, SystemIds};
use tracing_actix_web::TracingLogger;
use utoipa_actix_web::{AppExt as _, service_config::ServiceConfig};

use crate::{
    connection::{Bodies, Listener, RouteBody},
    docs::{self, Docs},
    edge::{Edge, edge},
    extractors,
    fallback::{Methods, no_handler, refuse_other_methods},
    front::{FrontDoor, Fronted, NoDoor},
    http_settings::HttpSettings,
    openapi::{self, About},
    panics::catch_panics,
    root_span::{AccessLog, RootSpan},
};

/// A server could not start.
#[derive(Debug, thiserror::Error)]
#[error("cannot listen on {address} for {name}")]
pub struct ListenError {
    /// Which server of the process.
    pub name: &'static str,
    /// The address from the settings.
    pub address: SocketAddr,
    source: io::Error,
}

/// A server before it listens.
#[must_use = "a server does nothing until `listen`"]
pub struct Server<'a> {
    name: &'static str,
    settings: &'a HttpSettings,
    access_log: AccessLog,
    ids: Arc<dyn IdSource>,
    ending: Ending,
    bodies: Vec<RouteBody>,
    about: Option<About>,
}

/// When a server stops.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Ending {
    /// At the soft stop: accepts no more, finishes what is in flight. The process is useless without it.
    Soft,
    /// When all work has ended.
    Last,
}

impl<'a> Server<'a> {
    /// A server called `name` in logs and among the supervisor's tasks.
    pub fn new(name: &'static str, settings: &'a HttpSettings) -> Self {
        Self {
            name,
            settings,
            access_log: AccessLog::default(),
            ids: Arc::new(SystemIds),
            ending: Ending::Soft,
            bodies: Vec::new(),
            about: None,
        }
    }

    /// How loud the line of each request is.
    pub fn access_log(mut self, access_log: AccessLog) -> Self {
        self.access_log = access_log;
        self
    }

    /// Where request ids come from.
    pub fn ids(mut self, ids: Arc<dyn IdSource>) -> Self {
        self.ids = ids;
        self
    }

    /// Bounds of their own for the bodies of some paths. Their handlers take the payload as it comes: extractors that collect
    /// a body first keep the usual limit.
    pub fn bodies(mut self, routes: &[RouteBody]) -> Self {
        self.bodies.extend_from_slice(routes);
        self
    }

    /// Serves the document at `/openapi.json` and a page for people at `/docs`, both made once, before it listens.
    pub const fn documented(mut self, about: About) -> Self {
        self.about = Some(about);
        self
    }

    /// Serves until all work of the process has ended, instead of closing at the soft stop.
    pub(crate) fn until_the_end(mut self) -> Self {
        self.ending = Ending::Last;
        self
    }

    /// Binds, starts serving under the supervisor, and returns the bound address (of interest with port 0).
    ///
    /// `routes` is called once for each worker, and once more to learn which methods each path takes: it registers handlers
    /// and app data (clones of shared state) and does nothing else.
    ///
    /// # Errors
    /// [`ListenError`] when the address cannot be bound.
    pub fn listen<F>(self, supervisor: &Supervisor, routes: F) -> Result<SocketAddr, ListenError>
    where
        F: Fn(&mut ServiceConfig<'_>) + Clone + Send + 'static,
    {
        self.listen_with(supervisor, None::<NoDoor>, routes)
    }

    /// Like [`listen`](Self::listen), with a door in front of all layers: see [`FrontDoor`].
    ///
    /// # Errors
    /// [`ListenError`] when the address cannot be bound.
    pub fn listen_behind<D, F>(
        self,
        supervisor: &Supervisor,
        door: D,
        routes: F,
    ) -> Result<SocketAddr, ListenError>
    where
        D: FrontDoor,
        F: Fn(&mut ServiceConfig<'_>) + Clone + Send + 'static,
    {
        self.listen_with(supervisor, Some(door), routes)
    }

    fn listen_with<D, F>(
        self,
        supervisor: &Supervisor,
        door: Option<D>,
        routes: F,
    ) -> Result<SocketAddr, ListenError>
    where
        D: FrontDoor,
        F: Fn(&mut ServiceConfig<'_>) + Clone + Send + 'static,
    {
        let Self { name, settings, access_log, ids, ending, bodies, about } = self;
        let failed = |source| ListenError { name, address: settings.listen, source };

        let body_limit_bytes = settings.body_limit_bytes;
        let bodies = Bodies { usual: settings.body_limits(), routes: bodies.into() };
        let front_ids = Arc::clone(&ids);
        let edge_data = web::Data::new(Edge {
            ids: Arc::clone(&ids),
            uri_limit_bytes: settings.uri_limit_bytes,
            bodies: bodies.clone(),
        });
        let soft = supervisor.soft();
        let stop = async move {
            match ending {
                Ending::Soft => soft.cancelled_owned().await,
                // The supervisor drops this server with its task.
                Ending::Last => std::future::pending().await,
            }
        };
        let docs = about.map(|about| Docs::of(&about, &routes)).transpose();
        let docs = docs.map_err(|error| failed(error.into()))?.map(web::Data::new);
        let mut methods = Methods::of(&openapi::described(&routes));
        if docs.is_some() {
            for path in docs::PATHS {
                methods.add(path, docs::ALLOW);
            }
        }
        let methods = web::Data::new(methods);
        let uri_limit_bytes = settings.uri_limit_bytes;
        let listener = Listener::bind(settings).map_err(failed)?;
        let address = listener.address();
        let app = move || {
            let app = App::new()
                .into_utoipa_app()
                .app_data(edge_data.clone())
                .app_data(methods.clone())
                .app_data(access_log)
                .app_data(extractors::path())
                .app_data(extractors::query())
                .app_data(extractors::json(body_limit_bytes))
                .app_data(extractors::payload(body_limit_bytes))
                .map(|app| app.configure(|config| refuse_other_methods(&methods, config)))
                .configure(&routes)
                .map(|app| app.configure(|config| docs::register(config, docs.as_ref())))
                .default_service(web::route().to(no_handler))
                .into_app()
                .wrap(from_fn(catch_panics))
                .wrap(TracingLogger::<RootSpan>::new())
                .wrap(from_fn(edge))
                .into_factory();
            Fronted { door: door.clone(), app, uri_limit_bytes, ids: Arc::clone(&front_ids) }
        };
        let running = listener.serve(settings, bodies, ids, stop, app).map_err(failed)?;
        tracing::info!(server.name = name, server.address = %address, "listening");

        let serving = async move {
            if let Err(error) = running.await {
                tracing::error!(server.name = name, error = %error, "server ended with an error");
            }
        };
        match ending {
            Ending::Soft => supervisor.spawn_critical(name, serving),
            Ending::Last => supervisor.spawn_support(name, serving),
        }
        Ok(address)
    }
}
