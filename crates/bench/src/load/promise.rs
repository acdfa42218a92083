//! What an answer promises: an id under which the call will be found again.

use uuid::Uuid;

use super::Response;

/// Reads the id out of an answer; `None` when it promises nothing.
pub type Promised = fn(&Response<'_>) -> Option<Uuid>;

/// The receipt of a 200: `{"receipt":"…"}`.
pub fn receipt(response: &Response<'_>) -> Option<Uuid> {
    const BEFORE: usize = r#"{"receipt":""#.len();
    if response.status != 200 {
        return None;
    }
    Uuid::try_parse_ascii(response.body.get(BEFORE..BEFORE + 36)?).ok()
}

/// The click id of a 302: `Location: …clickid=…`.
pub fn click_id(response: &Response<'_>) -> Option<Uuid> {
    const BEFORE: &str = "clickid=";
    if response.status != 302 {
        return None;
    }
    let location = response.header("location")?;
    let at = location.find(BEFORE)? + BEFORE.len();
    location.get(at..at + 36)?.parse().ok()
}

#[cfg(test)]
mod tests {
    use tokio::{io::AsyncWriteExt as _, net::TcpListener};

    use super::{super::Connection, *};

    const ID: &str = "019a2b6e-5d0e-7cc1-a3a8-6f2f5b8f2c11";

    /// What both readers make of an answer.
    async fn read(answer: String) -> (Option<Uuid>, Option<Uuid>) {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let server = tokio::spawn(async move {
            let (mut stream, _peer) = listener.accept().await.unwrap();
            stream.write_all(answer.as_bytes()).await.unwrap();
            stream
        });
        let mut connection = Connection::open(address).await.unwrap();
        let response = connection.exchange(b"x").await.unwrap();
        let ids = (receipt(&response), click_id(&response));
        drop(server.await.unwrap());
        ids
    }

    #[tokio::test]
    async fn a_receipt_is_promised_by_a_200_and_a_click_by_a_302_only() {
        let id = Some(ID.parse().unwrap());
        let taken = format!("HTTP/1.1 200 OK\r\ncontent-length: 50\r\n\r\n{{\"receipt\":\"{ID}\"}}");
        assert_eq!(read(taken.clone()).await, (id, None));
        assert_eq!(read(taken.replace("200 OK", "503 Service Unavailable")).await, (None, None));
        let redirect = format!(
            "HTTP/1.1 302 Found\r\nLocation: https://a.example/x?pid=p&clickid={ID}&c=n\r\ncontent-length: 0\r\n\r\n"
        );
        assert_eq!(read(redirect.clone()).await, (None, id));
        assert_eq!(read(redirect.replace("302 Found", "404 Not Found")).await, (None, None));
        assert_eq!(read(redirect.replace("&clickid=", "&x=")).await, (None, None));
    }
}
