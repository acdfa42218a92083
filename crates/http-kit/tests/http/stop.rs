//! A server takes its leave in order: what is in flight is answered, what is new is refused, then it ends.

use std::{sync::Arc, time::Duration};

use actix_web::{get, web};
use http_kit::admin::{self, AdminSettings};
use process::Readiness;
use tokio::{net::TcpStream, sync::Semaphore};
use utoipa_actix_web::service_config::ServiceConfig;

use super::harness::{get as fetch, serve};

/// Lets the test see that a request is inside, and let it go.
struct Gate {
    entered: Semaphore,
    leave: Semaphore,
}

#[utoipa::path]
#[get("/slow")]
async fn slow(gate: web::Data<Gate>) -> &'static str {
    gate.entered.add_permits(1);
    gate.leave.acquire().await.unwrap().forget();
    "done"
}

#[tokio::test]
async fn a_request_in_flight_is_answered_and_a_new_one_is_not_accepted() {
    let gate = web::Data::from(Arc::new(Gate { entered: Semaphore::new(0), leave: Semaphore::new(0) }));
    let routes = {
        let gate = gate.clone();
        move |config: &mut ServiceConfig<'_>| {
            config.app_data(gate.clone()).service(slow);
        }
    };
    let server = serve(routes);
    let readiness = Readiness::new();
    let settings = AdminSettings { listen: ([127, 0, 0, 1], 0).into() };
    let admin = admin::listen(&settings, &readiness, &server.supervisor).unwrap();

    let in_flight = fetch(server.address, "/slow");
    let supervisor = server.supervisor.clone();
    let stopping = async {
        gate.entered.acquire().await.unwrap().forget();
        readiness.stop();
        let drain = supervisor.drain(Duration::from_secs(10));
        let watching = async {
            while TcpStream::connect(server.address).await.is_ok() {
                tokio::task::yield_now().await;
            }
            // The operator can still watch while the last request is being served.
            let ready = fetch(admin, "/readyz").await;
            gate.leave.add_permits(1);
            ready
        };
        tokio::join!(drain, watching)
    };
    let (answer, (drained, ready)) = tokio::join!(in_flight, stopping);
    assert_eq!((answer.status, answer.body.as_str()), (200, "done"));
    assert_eq!(ready.status, 503);
    assert_eq!(drained, Ok(()));
    assert!(TcpStream::connect(admin).await.is_err(), "the admin server ends last");
}
