//! JSON over HTTP with an API token: what an internal service or a script does.

use reqwest::{Method, StatusCode};
use serde_json::Value;
use test_kit::http_client;

/// A caller of one service's API.
#[derive(Debug, Clone)]
pub struct Api {
    base: String,
    token: String,
}

impl Api {
    /// A caller with a token, or with none when it is empty.
    pub fn new(base: &str, token: &str) -> Self {
        Self { base: base.to_owned(), token: token.to_owned() }
    }

    /// GET that must succeed.
    ///
    /// # Errors
    /// When it does not, with the problem that came back.
    pub async fn get(&self, path: &str) -> anyhow::Result<Value> {
        self.call(Method::GET, path, None).await
    }

    /// POST that must succeed.
    ///
    /// # Errors
    /// When it does not, with the problem that came back.
    pub async fn post(&self, path: &str, body: &Value) -> anyhow::Result<Value> {
        self.call(Method::POST, path, Some(body)).await
    }

    /// PUT that must succeed.
    ///
    /// # Errors
    /// When it does not, with the problem that came back.
    pub async fn put(&self, path: &str, body: &Value) -> anyhow::Result<Value> {
        self.call(Method::PUT, path, Some(body)).await
    }

    /// Any call, whatever comes back.
    ///
    /// # Errors
    /// When nothing comes back.
    pub async fn try_call(
        &self,
        method: Method,
        path: &str,
        body: Option<&Value>,
    ) -> anyhow::Result<(StatusCode, Value)> {
        let mut request = http_client().request(method, format!("{}{path}", self.base));
        if !self.token.is_empty() {
            request = request.header("authorization", format!("Bearer {}", self.token));
        }
        if let Some(body) = body {
            request = request.json(body);
        }
        let answer = request.send().await?;
        let status = answer.status();
        let text = answer.text().await?;
        Ok((status, serde_json::from_str(&text).unwrap_or(Value::String(text))))
    }

    async fn call(&self, method: Method, path: &str, body: Option<&Value>) -> anyhow::Result<Value> {
        let (status, answer) = self.try_call(method.clone(), path, body).await?;
        anyhow::ensure!(status.is_success(), "{method} {path} was answered {status}: {answer:#}");
        Ok(answer)
    }
}

/// A text member of an answer.
///
/// # Errors
/// When it is not there.
pub fn text<'a>(answer: &'a Value, pointer: &str) -> anyhow::Result<&'a str> {
    answer
        .pointer(pointer)
        .and_then(Value::as_str)
        .ok_or_else(|| anyhow::anyhow!("the answer has no text at {pointer}: {answer:#}"))
}
