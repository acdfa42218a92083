//! An actix handler that does nothing: no authentication, no broker, no layers, the same answer every time. Nothing that
//! speaks HTTP with this server can be faster, so it is the ceiling of ingest and tracker.

use std::{
    net::{SocketAddr, TcpStream},
    process::{Child, Command, Stdio},
    time::Duration,
};

use actix_web::{
    App, HttpRequest, HttpResponse, HttpServer,
    http::header::{CACHE_CONTROL, HeaderValue, LOCATION, REFERRER_POLICY},
    rt::System,
    web,
};
use anyhow::Context;
use bytes::Bytes;
use clap::{Args, ValueEnum as _};
use test_kit::Namespace;

use super::only_durable::{Durable, Fills};

/// As long as a real answer, so both are written and read alike.
const RECEIPT: &str = r#"{"receipt":"00000000-0000-7000-8000-000000000000"}"#;

/// What the service's server and the handler's have in common.
#[derive(Debug, Clone, Copy, Args)]
pub struct ServerShape {
    /// Threads that serve requests.
    #[arg(long)]
    pub workers: usize,
    /// How long an idle connection stays.
    #[arg(long)]
    pub keep_alive_seconds: u64,
}

/// How the handler is started.
#[derive(Debug, Args)]
pub struct Handler {
    #[arg(long)]
    listen: SocketAddr,
    #[command(flatten)]
    shape: ServerShape,
    /// Answer 302 to this place; 200 with a body when there is none.
    #[arg(long)]
    redirect_to: Option<String>,
    /// How long that body is; as long as a receipt when nothing is said.
    #[arg(long)]
    body_bytes: Option<usize>,
    /// Make each request durable before it is answered, in this queue.
    #[arg(long, requires = "amqp_url", requires = "namespace")]
    fills: Option<Fills>,
    #[arg(long)]
    namespace: Option<String>,
    /// Holds a password: not for the command line.
    #[arg(env = AMQP_URL, long, hide = true)]
    amqp_url: Option<String>,
}

const AMQP_URL: &str = "BENCH_AMQP_URL";

/// The handler in a process of its own, as every service is. Killed when dropped.
#[derive(Debug)]
pub struct DoNothing {
    child: Child,
    /// Where it listens.
    pub address: SocketAddr,
}

impl ServerShape {
    /// What the services have when nobody sets anything else.
    pub const OF_THE_SERVICES: Self = Self { workers: 1, keep_alive_seconds: 75 };

    /// The same for a service, by setting.
    pub fn settings(self) -> [(&'static str, String); 2] {
        [
            ("HTTP__WORKERS", self.workers.to_string()),
            ("HTTP__KEEP_ALIVE_SECONDS", self.keep_alive_seconds.to_string()),
        ]
    }
}

impl DoNothing {
    /// Starts this program again with the command that serves the handler, and waits until it accepts. It redirects to
    /// `redirect_to`, or answers with a receipt.
    ///
    /// # Errors
    /// When it does not start.
    pub async fn start(shape: ServerShape, redirect_to: Option<&str>) -> anyhow::Result<Self> {
        Self::start_with(shape, redirect_to, |_command| {}).await
    }

    /// The same handler, which answers with a body of so many bytes.
    ///
    /// # Errors
    /// When it does not start.
    pub async fn start_with_body(shape: ServerShape, bytes: usize) -> anyhow::Result<Self> {
        Self::start_with(shape, None, |command| {
            command.args(["--body-bytes", &bytes.to_string()]);
        })
        .await
    }

    /// The same handler, which makes each request durable before it answers: see [`super::only_durable`].
    ///
    /// # Errors
    /// When it does not start.
    pub async fn start_durable(
        shape: ServerShape,
        redirect_to: Option<&str>,
        (namespace, fills): (&Namespace, Fills),
    ) -> anyhow::Result<Self> {
        let fills = fills.to_possible_value().context("a name")?;
        Self::start_with(shape, redirect_to, |command| {
            command
                .args(["--fills", fills.get_name(), "--namespace", namespace.name()])
                .env(AMQP_URL, namespace.amqp_url());
        })
        .await
    }

    async fn start_with(
        shape: ServerShape,
        redirect_to: Option<&str>,
        further: impl FnOnce(&mut Command),
    ) -> anyhow::Result<Self> {
        let address = test_kit::free_port();
        let mut command = Command::new(std::env::current_exe()?);
        command
            .args(["do-nothing", "--listen", &address.to_string()])
            .args(["--workers", &shape.workers.to_string()])
            .args(["--keep-alive-seconds", &shape.keep_alive_seconds.to_string()]);
        if let Some(place) = redirect_to {
            command.args(["--redirect-to", place]);
        }
        // As a service has it: nothing but what it needs.
        command.env_clear().stdin(Stdio::null());
        further(&mut command);
        let child = command.spawn().context("starting the do-nothing handler")?;
        let handler = Self { child, address };
        test_kit::eventually("the do-nothing handler accepts", Duration::from_secs(10), async || {
            TcpStream::connect(address).map(drop)
        })
        .await;
        Ok(handler)
    }

    /// Its process.
    pub fn pid(&self) -> u32 {
        self.child.id()
    }
}

impl Drop for DoNothing {
    fn drop(&mut self) {
        // It holds nothing; whether the kill works no longer matters.
        self.child.kill().ok();
        self.child.wait().ok();
    }
}

impl Handler {
    /// Serves until the process is killed.
    ///
    /// # Errors
    /// When the address can not be bound, or the place to redirect to is no header.
    pub fn serve(self) -> anyhow::Result<()> {
        let answer = self.answer()?;
        match (self.fills, &self.amqp_url, &self.namespace) {
            (Some(fills), Some(amqp_url), Some(namespace)) => {
                // As a service has it: the publisher's tasks on threads of their own.
                tokio::runtime::Runtime::new()?.block_on(async {
                    let durable = Durable::connect(amqp_url, namespace, fills).await;
                    self.serve_durable(durable, answer).await
                })
            }
            _ => System::new().block_on(self.serve_nothing(answer)),
        }
    }

    fn answer(&self) -> anyhow::Result<Answer> {
        match (&self.redirect_to, self.body_bytes) {
            (Some(place), _) => Ok(Answer::Redirect(HeaderValue::from_str(place)?)),
            (None, Some(bytes)) => Ok(Answer::Body(Bytes::from(vec![b' '; bytes]))),
            (None, None) => Ok(Answer::Body(Bytes::from_static(RECEIPT.as_bytes()))),
        }
    }

    const fn keep_alive(&self) -> Duration {
        Duration::from_secs(self.shape.keep_alive_seconds)
    }

    async fn serve_nothing(&self, answer: Answer) -> anyhow::Result<()> {
        let server = HttpServer::new(move || {
            let answer = answer.clone();
            App::new().default_service(web::to(move || std::future::ready(answer.say())))
        });
        let server = server.workers(self.shape.workers).keep_alive(self.keep_alive());
        Ok(server.bind(self.listen)?.run().await?)
    }

    async fn serve_durable(&self, durable: Durable, answer: Answer) -> anyhow::Result<()> {
        let server = HttpServer::new(move || {
            let (lane, answer) = (durable.lane(), answer.clone());
            App::new().default_service(web::to(move |request: HttpRequest| {
                let (lane, answer) = (lane.clone(), answer.clone());
                async move {
                    match lane.keep(request.query_string()).await {
                        Ok(()) => answer.say(),
                        Err(_) => HttpResponse::ServiceUnavailable().finish(),
                    }
                }
            }))
        });
        let server = server.workers(self.shape.workers).keep_alive(self.keep_alive());
        Ok(server.bind(self.listen)?.run().await?)
    }
}

/// Its answer to everything.
#[derive(Debug, Clone)]
enum Answer {
    /// 200 with this body.
    Body(Bytes),
    /// 302 to this place.
    Redirect(HeaderValue),
}

impl Answer {
    fn say(&self) -> HttpResponse {
        match self {
            Self::Body(body) => HttpResponse::Ok().content_type("application/json").body(body.clone()),
            Self::Redirect(place) => redirect(place),
        }
    }
}

/// With the headers that a redirect of ours promises. The request's id is not among them: it is part of our own work.
fn redirect(place: &HeaderValue) -> HttpResponse {
    HttpResponse::Found()
        .insert_header((LOCATION, place.clone()))
        .insert_header((CACHE_CONTROL, HeaderValue::from_static("no-store")))
        .insert_header((REFERRER_POLICY, HeaderValue::from_static("no-referrer")))
        .finish()
}
