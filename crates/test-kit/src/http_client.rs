//! The HTTP client of the tests.

use std::time::Duration;

/// A client that follows no redirects, asks no proxy, and gives up after 20 seconds. Installs the crypto provider that
/// every `reqwest` client needs.
///
/// # Panics
/// When it can not be built.
pub fn http_client() -> reqwest::Client {
    // Installed already: by the service under test, or by an earlier call.
    drop(rustls::crypto::ring::default_provider().install_default());
    reqwest::Client::builder()
        .redirect(reqwest::redirect::Policy::none())
        .no_proxy()
        .timeout(Duration::from_secs(20))
        .build()
        .expect("a client")
}
