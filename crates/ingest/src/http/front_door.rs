//! AppsFlyer's usual call, a GET, answered before all layers: see [`http_kit::FrontDoor`].

use std::{future::Future, sync::Arc};

use actix_web::HttpResponse;
use bus::Lane;
use contracts::ingest::HttpMethod;
use http_kit::{FrontCall, Problem};
use telemetry::TraceContext;

use super::door::{Door, PREFIX};
use crate::flows::Call;

/// The front of a [`Door`].
#[derive(Clone)]
pub struct FrontDoor(pub Arc<Door>);

/// What a worker thread has: the door, and a lane of its own to the publisher.
#[derive(Clone)]
pub struct Worker {
    door: Arc<Door>,
    lane: Lane,
}

impl http_kit::FrontDoor for FrontDoor {
    const ROUTE: &'static str = "/api/v1/{segment:.*}";
    const PREFIX: &'static str = PREFIX;

    type Worker = Worker;

    fn open(&self) -> Worker {
        Worker { door: Arc::clone(&self.0), lane: Lane::open(self.0.publisher()) }
    }

    fn answer(
        worker: &Worker,
        call: FrontCall,
    ) -> impl Future<Output = Result<HttpResponse, Problem>> + 'static {
        let Worker { door, lane } = worker.clone();
        async move {
            let taken = Call {
                method: HttpMethod::Get,
                host: call.header("host"),
                segment: call.rest_of_path::<Self>(),
                query: call.query().as_bytes(),
                content_type: None,
                body: b"",
                caller_ip: call.caller_ip(door.caller_ip_header()),
                trace: if telemetry::records_spans() { TraceContext::current() } else { call.trace() },
            };
            door.answer(taken, async |route, item| lane.publish(route, item).await).await
        }
    }
}
