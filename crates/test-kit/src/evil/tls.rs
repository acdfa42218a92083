//! Certificates, good and bad, of an authority that nobody trusts unless told to.

use std::sync::Arc;

use super::Evil;
use rcgen::{
    BasicConstraints, CertificateParams, DnType, IsCa, Issuer, KeyPair, KeyUsagePurpose, date_time_ymd,
};
use rustls::{ServerConfig, crypto::ring, pki_types::PrivateKeyDer};

/// What a web server of today agrees on, the better one first.
const PROTOCOLS: [&[u8]; 2] = [b"h2", b"http/1.1"];

/// Signs certificates.
#[derive(Debug)]
pub(super) struct Authority {
    pem: String,
    issuer: Issuer<'static, KeyPair>,
}

impl Authority {
    pub(super) fn new() -> Self {
        let key = KeyPair::generate().expect("a key");
        let mut params = CertificateParams::new(Vec::new()).expect("no names");
        params.distinguished_name.push(DnType::CommonName, "The farm's authority");
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        params.key_usages = vec![KeyUsagePurpose::KeyCertSign];
        let certificate = params.self_signed(&key).expect("a certificate");
        Self { pem: certificate.pem(), issuer: Issuer::new(params, key) }
    }

    pub(super) fn pem(&self) -> &str {
        &self.pem
    }

    /// Speaks TLS as `evil` does; `None` when it does not speak TLS.
    pub(super) fn config(&self, evil: Evil) -> Option<Arc<ServerConfig>> {
        let names = if evil == Evil::OtherName { "elsewhere.example" } else { "localhost" };
        let mut names = vec![names.to_owned()];
        if evil != Evil::OtherName {
            names.push(String::from("127.0.0.1"));
        }
        let mut params = CertificateParams::new(names).expect("names");
        params.not_after = date_time_ymd(2_400, 1, 1);
        let key = KeyPair::generate().expect("a key");
        let certificate = match evil {
            Evil::SelfSigned => params.self_signed(&key),
            Evil::Expired => {
                params.not_before = date_time_ymd(2_020, 1, 1);
                params.not_after = date_time_ymd(2_021, 1, 1);
                params.signed_by(&key, &self.issuer)
            }
            Evil::OtherName | Evil::OnlyHttp2 | Evil::GoodTls => params.signed_by(&key, &self.issuer),
            _ => return None,
        };
        let certificate = certificate.expect("a certificate");
        let mut config = ServerConfig::builder_with_provider(Arc::new(ring::default_provider()))
            .with_safe_default_protocol_versions()
            .expect("versions")
            .with_no_client_auth()
            .with_single_cert(
                vec![certificate.der().clone()],
                PrivateKeyDer::try_from(key.serialize_der()).expect("a key"),
            )
            .expect("a certificate that fits its key");
        let spoken = if evil == Evil::OnlyHttp2 { 1 } else { PROTOCOLS.len() };
        config.alpn_protocols = PROTOCOLS[..spoken].iter().map(|name| name.to_vec()).collect();
        Some(Arc::new(config))
    }
}
