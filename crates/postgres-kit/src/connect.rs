//! Opens one connection: TLS when the URL asks for it, keep-alives, and the session's limits.
//!
//! diesel-async's own `establish` ignores `sslmode=require`; ours honours it or fails.

use std::{path::PathBuf, str::FromStr, sync::Arc, time::Duration};

use diesel::{QueryableByName, sql_types::Text};
use diesel_async::{AsyncPgConnection, RunQueryDsl, SimpleAsyncConnection};
use rustls::{
    ClientConfig, RootCertStore,
    pki_types::{CertificateDer, pem::PemObject},
};
use secrecy::{ExposeSecret, SecretString};
use tokio_postgres::{Client, Config, NoTls, config::SslMode};
use tokio_postgres_rustls::MakeRustlsConnect;

use crate::settings::DatabaseSettings;

/// A peer that vanished without closing is noticed after idle + retries × interval = 30 s.
const KEEPALIVE_IDLE: Duration = Duration::from_secs(15);
const KEEPALIVE_INTERVAL: Duration = Duration::from_secs(5);
const KEEPALIVE_RETRIES: u32 = 3;
/// The same for data that is sent and never acknowledged.
const TCP_USER_TIMEOUT: Duration = Duration::from_secs(30);

/// Why there is no connection, or can not be one with these settings.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ConnectError {
    /// The URL can not be read. Its text is not repeated: it holds a password.
    #[error(
        "the database URL is not postgres://role:password@host/database with sslmode disable, prefer or require"
    )]
    Url,
    /// The file with the authority of the server's certificate can not be read.
    #[error("can not read the certificates in {}", path.display())]
    Authority {
        /// The file.
        path: PathBuf,
        /// Why not.
        source: rustls::pki_types::pem::Error,
    },
    /// A certificate of an authority can not be used.
    #[error("can not trust a certificate in {}", path.display())]
    Untrustworthy {
        /// The file.
        path: PathBuf,
        /// Why not.
        source: rustls::Error,
    },
    /// `sslmode=require` and there is no authority to verify against.
    #[error("sslmode=require, but the system has no certificate authorities: set database.tls_ca_path")]
    NoAuthorities,
    /// No crypto provider fits; one must be installed when the process starts.
    #[error("can not set up TLS")]
    Tls(#[source] rustls::Error),
    /// The server can not be reached or refuses us.
    #[error("can not connect to the database")]
    Open(#[source] tokio_postgres::Error),
    /// The session's limits can not be set.
    #[error("can not set up the session")]
    Session(#[source] diesel::result::Error),
    /// diesel refuses the connection.
    #[error("can not use the connection")]
    Use(#[source] diesel::ConnectionError),
    /// The pool can not be built.
    #[error("can not build the pool")]
    Pool(#[source] diesel_async::pooled_connection::deadpool::BuildError),
    /// The server speaks to us in a language in which we can not tell a deadlock from a mistake.
    #[error(
        "the server's lc_messages is {0}; errors are told apart by their English text: ALTER DATABASE .. SET lc_messages = 'C'"
    )]
    Language(String),
}

/// Everything needed to open a connection, checked once.
#[derive(Clone)]
pub(crate) struct Connector {
    config: Config,
    tls: Option<MakeRustlsConnect>,
    session: String,
}

impl Connector {
    /// For the role that serves.
    pub(crate) fn serving(settings: &DatabaseSettings) -> Result<Self, ConnectError> {
        Self::new(&settings.url, settings)
    }

    /// For any role.
    pub(crate) fn new(url: &SecretString, settings: &DatabaseSettings) -> Result<Self, ConnectError> {
        let mut config =
            Config::from_str(url.expose_secret()).map_err(|_may_hold_a_password| ConnectError::Url)?;
        config
            .application_name(&settings.application_name)
            .connect_timeout(settings.connect_timeout())
            .keepalives_idle(KEEPALIVE_IDLE)
            .keepalives_interval(KEEPALIVE_INTERVAL)
            .keepalives_retries(KEEPALIVE_RETRIES)
            .tcp_user_timeout(TCP_USER_TIMEOUT);
        let encrypt = config.get_ssl_mode() == SslMode::Require;
        let tls = if encrypt { Some(tls(settings.tls_ca_path.as_ref())?) } else { None };
        // After the start-up and not in it, because poolers refuse start-up options.
        let session = format!(
            "SET statement_timeout = {}; SET idle_in_transaction_session_timeout = {}; \
             SET client_min_messages = warning",
            settings.statement_timeout_ms, settings.idle_in_transaction_timeout_ms,
        );
        Ok(Self { config, tls, session })
    }

    /// The role that connects.
    pub(crate) fn role(&self) -> Result<&str, ConnectError> {
        self.config.get_user().ok_or(ConnectError::Url)
    }

    /// Opens a connection.
    pub(crate) async fn connect(&self) -> Result<AsyncPgConnection, ConnectError> {
        match &self.tls {
            None => {
                let (client, connection) = self.config.connect(NoTls).await.map_err(ConnectError::Open)?;
                self.adopt(client, connection).await
            }
            Some(tls) => {
                let (client, connection) =
                    self.config.connect(tls.clone()).await.map_err(ConnectError::Open)?;
                self.adopt(client, connection).await
            }
        }
    }

    async fn adopt<S>(
        &self,
        client: Client,
        connection: tokio_postgres::Connection<tokio_postgres::Socket, S>,
    ) -> Result<AsyncPgConnection, ConnectError>
    where
        S: tokio_postgres::tls::TlsStream + Unpin + Send + 'static,
    {
        let mut connection = AsyncPgConnection::try_from_client_and_connection(client, connection)
            .await
            .map_err(ConnectError::Use)?;
        connection.batch_execute(&self.session).await.map_err(ConnectError::Session)?;
        let language: Language = diesel::sql_query("SELECT current_setting('lc_messages') AS lc_messages")
            .get_result(&mut connection)
            .await
            .map_err(ConnectError::Session)?;
        if language.is_english() { Ok(connection) } else { Err(ConnectError::Language(language.lc_messages)) }
    }
}

#[derive(QueryableByName)]
struct Language {
    #[diesel(sql_type = Text)]
    lc_messages: String,
}

impl Language {
    fn is_english(&self) -> bool {
        let name = self.lc_messages.as_str();
        name.is_empty() || name == "POSIX" || name == "C" || name.starts_with("C.") || name.starts_with("en")
    }
}

fn tls(ca_path: Option<&PathBuf>) -> Result<MakeRustlsConnect, ConnectError> {
    let roots = ca_path.map_or_else(roots_of_the_system, roots_of_file)?;
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let config = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .map_err(ConnectError::Tls)?
        .with_root_certificates(roots)
        .with_no_client_auth();
    Ok(MakeRustlsConnect::new(config))
}

fn roots_of_file(path: &PathBuf) -> Result<RootCertStore, ConnectError> {
    let unreadable = |source| ConnectError::Authority { path: path.clone(), source };
    let mut roots = RootCertStore::empty();
    for certificate in CertificateDer::pem_file_iter(path).map_err(unreadable)? {
        roots
            .add(certificate.map_err(unreadable)?)
            .map_err(|source| ConnectError::Untrustworthy { path: path.clone(), source })?;
    }
    if roots.is_empty() { Err(unreadable(rustls::pki_types::pem::Error::NoItemsFound)) } else { Ok(roots) }
}

/// What the system trusts and we can not read is skipped, as every program does.
fn roots_of_the_system() -> Result<RootCertStore, ConnectError> {
    let mut roots = RootCertStore::empty();
    let (usable, _unusable) = roots.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
    if usable == 0 { Err(ConnectError::NoAuthorities) } else { Ok(roots) }
}
