//! A publisher that receives postbacks, remembers them, and answers as it was told.

use std::{
    collections::{BTreeMap, VecDeque},
    sync::{Arc, Mutex, MutexGuard},
    time::{Duration, SystemTime},
};

use actix_web::{
    HttpRequest, HttpResponse,
    http::{StatusCode, header::HeaderMap},
    rt::time::sleep,
    web,
};

use super::server::Server;

/// One request that came in.
#[derive(Debug, Clone)]
pub struct Delivery {
    /// `GET` or `POST`.
    pub method: String,
    /// Without the query.
    pub path: String,
    /// As it came, without the question mark; empty when there is none.
    pub query: String,
    /// Names in lower case, in no particular order.
    pub headers: Vec<(String, String)>,
    /// As it came.
    pub body: Vec<u8>,
    /// When it had arrived completely.
    pub at: SystemTime,
}

impl Delivery {
    /// The value of a header; the name in lower case.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(known, _value)| known == name).map(|(_name, value)| value.as_str())
    }

    /// The decoded value of a query parameter.
    pub fn param(&self, name: &str) -> Option<String> {
        self.params().into_iter().find(|(known, _value)| known == name).map(|(_name, value)| value)
    }

    /// All query parameters, decoded, in their order.
    pub fn params(&self) -> Vec<(String, String)> {
        url::form_urlencoded::parse(self.query.as_bytes()).into_owned().collect()
    }

    /// The body as JSON.
    ///
    /// # Panics
    /// When it is not.
    pub fn json(&self) -> serde_json::Value {
        serde_json::from_slice(&self.body)
            .unwrap_or_else(|error| panic!("not JSON: {error}: {}", String::from_utf8_lossy(&self.body)))
    }

    /// What was signed on GET: path and query.
    pub fn target(&self) -> String {
        if self.query.is_empty() { self.path.clone() } else { format!("{}?{}", self.path, self.query) }
    }
}

/// How a request is answered.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Answer {
    status: u16,
    delay: Duration,
    headers: Vec<(String, String)>,
    body: Vec<u8>,
}

impl Answer {
    /// At once, with an empty body.
    pub fn status(status: u16) -> Self {
        Self { status, delay: Duration::ZERO, headers: Vec::new(), body: Vec::new() }
    }

    /// Only after `delay`.
    #[must_use]
    pub fn after(mut self, delay: Duration) -> Self {
        self.delay = delay;
        self
    }

    /// With one more header.
    #[must_use]
    pub fn header(mut self, name: &str, value: &str) -> Self {
        self.headers.push((name.to_owned(), value.to_owned()));
        self
    }

    /// With a body.
    #[must_use]
    pub fn body(mut self, body: impl Into<Vec<u8>>) -> Self {
        self.body = body.into();
        self
    }
}

/// A publisher's server. Answers 200 unless it is told otherwise.
#[derive(Debug)]
pub struct FakePublisher {
    server: Server,
    desk: Arc<Desk>,
}

/// What the server and the test share.
#[derive(Debug, Default)]
struct Desk {
    deliveries: Mutex<Vec<Delivery>>,
    answers: Mutex<BTreeMap<String, VecDeque<Answer>>>,
}

impl FakePublisher {
    /// A server on a free port.
    ///
    /// # Panics
    /// When it can not start.
    pub fn start() -> Self {
        let desk = Arc::new(Desk::default());
        let shared = Arc::clone(&desk);
        let server = Server::start(move |config| {
            config.app_data(web::Data::from(Arc::clone(&shared))).default_service(web::to(receive));
        });
        Self { server, desk }
    }

    /// `http://127.0.0.1:port`, without a slash at the end.
    pub fn url(&self) -> String {
        format!("http://127.0.0.1:{}", self.server.port())
    }

    /// Its port on loopback.
    pub fn port(&self) -> u16 {
        self.server.port()
    }

    /// From now on, requests for `path` get `answers` in turn; the last one stays.
    pub fn answer(&self, path: &str, answers: impl IntoIterator<Item = Answer>) {
        locked(&self.desk.answers).insert(path.to_owned(), answers.into_iter().collect());
    }

    /// Everything that came, in the order of arrival.
    pub fn deliveries(&self) -> Vec<Delivery> {
        locked(&self.desk.deliveries).clone()
    }

    /// What came to `path`.
    pub fn deliveries_to(&self, path: &str) -> Vec<Delivery> {
        self.deliveries().into_iter().filter(|delivery| delivery.path == path).collect()
    }

    /// Waits until at least `count` requests have come, and returns all of them.
    ///
    /// # Panics
    /// When they do not come within `deadline`.
    pub async fn wait_for(&self, count: usize, deadline: Duration) -> Vec<Delivery> {
        crate::eventually(&format!("{count} deliveries to the publisher"), deadline, async || {
            let deliveries = self.deliveries();
            if deliveries.len() >= count { Ok(deliveries) } else { Err(deliveries) }
        })
        .await
    }
}

async fn receive(request: HttpRequest, body: web::Bytes, desk: web::Data<Desk>) -> HttpResponse {
    let delivery = Delivery {
        method: request.method().to_string(),
        path: request.path().to_owned(),
        query: request.query_string().to_owned(),
        headers: readable(request.headers()),
        body: body.to_vec(),
        at: SystemTime::now(),
    };
    let answer = desk.next_answer(&delivery.path);
    locked(&desk.deliveries).push(delivery);
    sleep(answer.delay).await;
    let mut response = HttpResponse::build(StatusCode::from_u16(answer.status).expect("a status"));
    for header in answer.headers {
        response.append_header(header);
    }
    response.body(answer.body)
}

impl Desk {
    fn next_answer(&self, path: &str) -> Answer {
        let mut answers = locked(&self.answers);
        let Some(queue) = answers.get_mut(path) else { return Answer::status(200) };
        let next = if queue.len() > 1 { queue.pop_front() } else { queue.front().cloned() };
        next.unwrap_or_else(|| Answer::status(200))
    }
}

fn readable(headers: &HeaderMap) -> Vec<(String, String)> {
    let text = |value: &[u8]| String::from_utf8_lossy(value).into_owned();
    headers.iter().map(|(name, value)| (name.as_str().to_owned(), text(value.as_bytes()))).collect()
}

fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().expect("nothing panics while holding it")
}
