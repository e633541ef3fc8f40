//! How is TLS agreed on, and what does the server show meanwhile?

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use netperf_core::sample::http::{Shown, Tls};
use netperf_core::text::chain;
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;
use tokio_rustls::rustls::client::danger::{
    HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier,
};
use tokio_rustls::rustls::client::{ResolvesClientCert, WebPkiServerVerifier};
use tokio_rustls::rustls::crypto::ring;
use tokio_rustls::rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use tokio_rustls::rustls::sign::CertifiedKey;
use tokio_rustls::rustls::{
    ClientConfig, DigitallySignedStruct, Error, HandshakeKind, RootCertStore, SignatureScheme,
};

use super::request::{HttpRequest, Version};

/// TLS for all requests of a session: what one connection learned, the next one may resume.
pub(super) struct Agreement {
    config: Arc<ClientConfig>,
    witness: Arc<Witness>,
    wanted: Arc<Wanted>,
}

/// Has no certificate to show, and remembers that one was asked for.
#[derive(Debug, Default)]
struct Wanted(AtomicBool);

impl ResolvesClientCert for Wanted {
    fn resolve(&self, _: &[&[u8]], _: &[SignatureScheme]) -> Option<Arc<CertifiedKey>> {
        self.0.store(true, Ordering::Relaxed);
        None
    }

    fn has_certs(&self) -> bool {
        false
    }
}

/// Checks certificates as always, and remembers what was shown.
#[derive(Debug)]
struct Witness {
    inner: Arc<WebPkiServerVerifier>,
    tolerant: bool,
    shown: Mutex<Option<Shown>>,
}

impl Agreement {
    /// Trusts the authorities of Mozilla's list and those of this machine.
    ///
    /// # Errors
    /// When nothing can be trusted.
    pub(super) fn new(request: &HttpRequest) -> Result<Self, String> {
        let mut roots = webpki_roots::TLS_SERVER_ROOTS
            .iter()
            .cloned()
            .collect::<RootCertStore>();
        let native = rustls_native_certs::load_native_certs();
        for error in &native.errors {
            log::info!("authorities of this machine: {error}");
        }
        roots.add_parsable_certificates(native.certs);
        let provider = Arc::new(ring::default_provider());
        let inner =
            WebPkiServerVerifier::builder_with_provider(Arc::new(roots), Arc::clone(&provider))
                .build()
                .map_err(|error| error.to_string())?;
        let witness = Arc::new(Witness {
            inner,
            tolerant: request.insecure,
            shown: Mutex::new(None),
        });
        let verifier: Arc<dyn ServerCertVerifier> = Arc::clone(&witness) as _;
        let wanted = Arc::new(Wanted::default());
        let mut config = ClientConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .map_err(|error| error.to_string())?
            .dangerous()
            .with_custom_certificate_verifier(verifier)
            .with_client_cert_resolver(Arc::clone(&wanted) as _);
        let protocols: &[&[u8]] = match request.version {
            Version::Agreed => &[b"h2", b"http/1.1"],
            Version::One => &[b"http/1.1"],
            Version::Two => &[b"h2"],
        };
        config.alpn_protocols = protocols.iter().map(|it| it.to_vec()).collect();
        Ok(Self {
            config: Arc::new(config),
            witness,
            wanted,
        })
    }

    /// Whether a server has asked for a certificate of the client.
    pub(super) fn is_certificate_wanted(&self) -> bool {
        self.wanted.0.load(Ordering::Relaxed)
    }

    /// Makes a connection secure.
    ///
    /// # Errors
    /// Why it can't be.
    pub(super) async fn secure(
        &self,
        host: String,
        stream: TcpStream,
    ) -> Result<(TlsStream<TcpStream>, Tls), String> {
        self.witness.forget();
        let name = ServerName::try_from(host).map_err(|error| error.to_string())?;
        let connector = TlsConnector::from(Arc::clone(&self.config));
        let stream = connector.connect(name, stream).await;
        let stream = stream.map_err(|error| chain(&error))?;
        let (_, session) = stream.get_ref();
        let cipher = session.negotiated_cipher_suite();
        let tls = Tls {
            version: session
                .protocol_version()
                .and_then(|version| version.as_str())
                .unwrap_or("TLS")
                .replace('_', "."),
            cipher: cipher.map_or(String::new(), |suite| format!("{:?}", suite.suite())),
            alpn: session
                .alpn_protocol()
                .map(|name| String::from_utf8_lossy(name).into_owned()),
            resumed: session.handshake_kind() == Some(HandshakeKind::Resumed),
            shown: self.witness.take(),
        };
        Ok((stream, tls))
    }
}

impl Witness {
    fn forget(&self) {
        *self.shown.lock().unwrap_or_else(PoisonError::into_inner) = None;
    }

    fn take(&self) -> Option<Shown> {
        let mut shown = self.shown.lock().unwrap_or_else(PoisonError::into_inner);
        shown.take()
    }
}

impl ServerCertVerifier for Witness {
    fn verify_server_cert(
        &self,
        own: &CertificateDer<'_>,
        others: &[CertificateDer<'_>],
        name: &ServerName<'_>,
        ocsp: &[u8],
        now: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        let verdict = self.inner.verify_server_cert(own, others, name, ocsp, now);
        let chain = std::iter::once(own).chain(others);
        let shown = Shown {
            chain_bytes: chain.map(|it| it.len()).collect(),
            stapled: !ocsp.is_empty(),
            fault: verdict.as_ref().err().map(ToString::to_string),
        };
        *self.shown.lock().unwrap_or_else(PoisonError::into_inner) = Some(shown);
        match verdict {
            Err(_) if self.tolerant => Ok(ServerCertVerified::assertion()),
            verdict => verdict,
        }
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        own: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        self.inner.verify_tls12_signature(message, own, signature)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        own: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        self.inner.verify_tls13_signature(message, own, signature)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.inner.supported_verify_schemes()
    }
}
