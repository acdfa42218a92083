//! The caller's trace goes on inside the handler. Alone in its process, because it sets up telemetry.

#[cfg(test)]
mod tests {
    use actix_web::get;
    use http_kit::{HttpSettings, Server};
    use process::Supervisor;
    use telemetry::{TelemetrySettings, TraceContext};
    use tokio::{
        io::{AsyncReadExt as _, AsyncWriteExt as _},
        net::TcpStream,
    };

    #[utoipa::path]
    #[get("/trace")]
    async fn trace() -> String {
        TraceContext::current().traceparent
    }

    #[tokio::test]
    async fn a_callers_trace_is_continued() {
        let settings = TelemetrySettings { log_filter: "off".to_owned(), otlp_endpoint: None };
        let telemetry = telemetry::init("test", &settings).unwrap();
        let supervisor = Supervisor::new();
        let http = HttpSettings { listen: ([127, 0, 0, 1], 0).into(), ..HttpSettings::default() };
        let address = Server::new("test", &http)
            .listen(&supervisor, |config| {
                config.service(trace);
            })
            .unwrap();

        let mut stream = TcpStream::connect(address).await.unwrap();
        stream
            .write_all(
                b"GET /trace HTTP/1.1\r\nhost: test\r\nconnection: close\r\n\
                  traceparent: 00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01\r\n\r\n",
            )
            .await
            .unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).await.unwrap();
        assert!(answer.contains("00-0af7651916cd43dd8448eb211c80319c-"), "{answer}");
        assert!(!answer.contains("b7ad6b7169203331"), "the span is a new one: {answer}");
        telemetry.shutdown().await;
    }
}
