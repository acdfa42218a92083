//! A click, answered before all layers: see [`http_kit::FrontDoor`].

use std::{future::Future, sync::Arc};

use actix_web::{HttpResponse, http::Method};
use bus::Lane;
use http_kit::{FrontCall, Problem};
use telemetry::TraceContext;

use super::door::{Call, Door};

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
    const ROUTE: &'static str = "/api/v1/offer-link/redirect/{link}";
    const PREFIX: &'static str = "/api/v1/offer-link/redirect/";

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
                method: &Method::GET,
                link: call.rest_of_path::<Self>(),
                query: call.query(),
                headers: call.headers(),
                ip_address: call.caller_ip(door.caller_ip_header()),
                trace: if telemetry::records_spans() { TraceContext::current() } else { call.trace() },
            };
            door.answer(taken, async |route, item| lane.publish(route, item).await).await
        }
    }
}
