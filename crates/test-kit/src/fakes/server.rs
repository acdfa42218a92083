//! An HTTP server on a free port of loopback, on a thread of its own: it answers whatever runtime the test has, also
//! while the test blocks.

use std::{net::TcpListener, sync::mpsc, thread};

use actix_web::{App, HttpServer, dev::ServerHandle, rt::System, web};

/// Stops when dropped.
#[derive(Debug)]
pub(super) struct Server {
    port: u16,
    handle: ServerHandle,
}

impl Server {
    /// `configure` sets the routes; bodies may be as large as the test likes.
    pub(super) fn start(configure: impl Fn(&mut web::ServiceConfig) + Clone + Send + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
        let port = listener.local_addr().expect("an address").port();
        let (started, handle) = mpsc::channel();
        thread::spawn(move || {
            System::new().block_on(async move {
                let server = HttpServer::new(move || {
                    App::new().app_data(web::PayloadConfig::new(usize::MAX)).configure(configure.clone())
                })
                .workers(1)
                .disable_signals()
                .shutdown_timeout(0)
                .listen(listener)
                .expect("a listener")
                .run();
                started.send(server.handle()).expect("the test waits for the handle");
                server.await.expect("a server that runs");
            });
        });
        Self { port, handle: handle.recv().expect("a started server") }
    }

    pub(super) fn port(&self) -> u16 {
        self.port
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // Asked for at once; nobody needs to wait for it.
        drop(self.handle.stop(false));
    }
}
