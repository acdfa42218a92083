//! Every bound of a server is reached, on every kind of route, and answered instead of reset.

use std::net::SocketAddr;

use actix_web::{post, web};
use futures_util::StreamExt as _;
use http_kit::{HttpSettings, Json, Server};
use process::Supervisor;
use rstest::rstest;
use tokio::{io::AsyncWriteExt as _, net::TcpStream};
use utoipa_actix_web::service_config::ServiceConfig;

use super::harness::{get, raw, read_to_end, serve, small};

#[utoipa::path]
#[post("/json")]
async fn json(_: Json<serde_json::Value>) -> &'static str {
    "ok"
}

#[utoipa::path(request_body(content = String))]
#[post("/bytes")]
async fn bytes(body: web::Bytes) -> String {
    body.len().to_string()
}

/// The raw payload has no limit of its own in actix-web.
#[utoipa::path(request_body(content = String))]
#[post("/payload")]
async fn payload(mut body: web::Payload) -> Result<String, actix_web::Error> {
    let mut count = 0_usize;
    while let Some(chunk) = body.next().await {
        count = count.saturating_add(chunk?.len());
    }
    Ok(count.to_string())
}

fn routes(config: &mut ServiceConfig<'_>) {
    config.service(json).service(bytes).service(payload);
}

fn head(target: &str, more: &str) -> String {
    format!(
        "POST {target} HTTP/1.1\r\nhost: test\r\nconnection: close\r\ncontent-type: application/json\r\n{more}\r\n"
    )
}

#[rstest]
#[case("/json")]
#[case("/bytes")]
#[case("/payload")]
#[tokio::test]
async fn a_body_over_the_limit_is_413(#[case] target: &str) {
    let server = serve(routes);
    let body = format!("\"{}\"", "x".repeat(4_000));
    let length = head(target, &format!("content-length: {}\r\n", body.len()));
    let announced = raw(server.address, format!("{length}{body}").as_bytes()).await;
    assert_eq!(announced.status, 413, "{announced:?}");

    let chunked = head(target, "transfer-encoding: chunked\r\n");
    let unannounced =
        raw(server.address, format!("{chunked}{:x}\r\n{body}\r\n0\r\n\r\n", body.len()).as_bytes()).await;
    assert_eq!(unannounced.status, 413, "{unannounced:?}");
    assert_eq!(unannounced.json()["code"], "body_too_large");
}

#[tokio::test]
async fn a_body_at_the_limit_is_taken() {
    let server = serve(routes);
    let body = "x".repeat(2_048);
    let request = format!("{}{body}", head("/payload", "content-length: 2048\r\n"));
    assert_eq!(raw(server.address, request.as_bytes()).await.body, "2048");
}

#[rstest]
#[case("/json")]
#[case("/bytes")]
#[case("/payload")]
#[tokio::test]
async fn a_body_that_trickles_is_408(#[case] target: &str) {
    let server = serve(routes);
    let mut stream = TcpStream::connect(server.address).await.unwrap();
    stream.write_all(head(target, "content-length: 100\r\n").as_bytes()).await.unwrap();
    stream.write_all(b"\"").await.unwrap();
    let answer = read_to_end(&mut stream).await;
    assert_eq!(answer.status, 408, "{answer:?}");
    assert_eq!(answer.json()["code"], "request_timeout");
}

#[tokio::test]
async fn a_head_that_trickles_is_cut_off() {
    let server = serve(routes);
    let mut stream = TcpStream::connect(server.address).await.unwrap();
    stream.write_all(b"POST /json HTTP/1.1\r\nhost: te").await.unwrap();
    assert_eq!(read_to_end(&mut stream).await.status, 408);
}

#[tokio::test]
async fn a_long_request_line_is_414_and_a_longer_head_431() {
    let server = serve(routes);
    let long = get(server.address, &format!("/json?{}", "q".repeat(600))).await;
    assert_eq!(long.status, 414, "{long:?}");
    assert_eq!(long.json()["code"], "uri_too_long");

    let header = format!("x-padding: {}\r\n", "h".repeat(140_000));
    assert_eq!(raw(server.address, head("/json", &header).as_bytes()).await.status, 431);
}

#[tokio::test]
async fn what_is_not_http_is_400_and_the_next_caller_is_served() {
    let server = serve(routes);
    for junk in
        ["\0\0\0\0\r\n\r\n", "GET / HTTP/9.9\r\n\r\n", "POST /json HTTP/1.1\r\ncontent-length: -1\r\n\r\n"]
    {
        assert_eq!(raw(server.address, junk.as_bytes()).await.status, 400, "{junk:?}");
    }
    assert_eq!(get(server.address, "/").await.status, 404);
}

#[tokio::test]
async fn a_request_of_two_lengths_is_refused() {
    let server = serve(routes);
    let both = head("/bytes", "content-length: 3\r\ntransfer-encoding: chunked\r\n") + "0\r\n\r\n";
    assert_eq!(raw(server.address, both.as_bytes()).await.status, 400);
}

#[tokio::test]
async fn an_address_in_use_is_an_error_that_names_it() {
    let supervisor = Supervisor::new();
    let taken = std::net::TcpListener::bind(SocketAddr::from(([127, 0, 0, 1], 0))).unwrap();
    let address = taken.local_addr().unwrap();
    let settings = HttpSettings { listen: address, ..small() };
    let error = Server::new("api", &settings).listen(&supervisor, routes).unwrap_err();
    assert_eq!(error.to_string(), format!("cannot listen on {address} for api"));
}
