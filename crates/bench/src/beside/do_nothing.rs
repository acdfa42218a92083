//! An actix handler that does nothing: no authentication, no broker, no layers, the same answer every time. Nothing that
//! speaks HTTP with this server can be faster, so it is the ceiling of ingest.

use std::{
    net::{SocketAddr, TcpListener, TcpStream},
    process::{Child, Command, Stdio},
    time::Duration,
};

use actix_web::{App, HttpResponse, HttpServer, rt::System, web};
use anyhow::Context;

/// As long as a real answer, so both are written and read alike.
const ANSWER: &str = r#"{"receipt":"00000000-0000-7000-8000-000000000000"}"#;

/// The handler in a process of its own, as every service is. Killed when dropped.
#[derive(Debug)]
pub struct DoNothing {
    child: Child,
    /// Where it listens.
    pub address: SocketAddr,
}

impl DoNothing {
    /// Starts this program again with the command that serves the handler, and waits until it accepts.
    ///
    /// # Errors
    /// When it does not start.
    pub async fn start(workers: usize) -> anyhow::Result<Self> {
        let address = TcpListener::bind("127.0.0.1:0")?.local_addr()?;
        let child = Command::new(std::env::current_exe()?)
            .args(["do-nothing", "--listen", &address.to_string(), "--workers", &workers.to_string()])
            .stdin(Stdio::null())
            .spawn()
            .context("starting the do-nothing handler")?;
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

/// Serves the handler until the process is killed.
///
/// # Errors
/// When the address can not be bound.
pub fn serve(listen: SocketAddr, workers: usize) -> std::io::Result<()> {
    System::new().block_on(async move {
        HttpServer::new(|| App::new().default_service(web::to(answer)))
            .workers(workers)
            // As the services have it: a load of whole minutes on one connection.
            .keep_alive(Duration::from_secs(75))
            .bind(listen)?
            .run()
            .await
    })
}

async fn answer() -> HttpResponse {
    HttpResponse::Ok().content_type("application/json").body(ANSWER)
}
