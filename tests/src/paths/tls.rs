//! TLS in the kernel: payload counts, not the records on the wire.

use std::net::TcpStream;

use anyhow::{Context, Result};
use libc::{
    TLS_1_2_VERSION, TLS_CIPHER_AES_GCM_128, tls_crypto_info, tls12_crypto_info_aes_gcm_128,
};
use nix::errno::Errno;
use nix::sys::socket::setsockopt;
use nix::sys::socket::sockopt::{TcpTlsRx, TcpTlsTx, TcpUlp, TlsCryptoInfo};

use super::sharing::{connection, read_bytes};
use super::stream::{TOTAL, write_all};
use super::{Absent, Path, Topic, splice};
use crate::load::workload::{Moved, Workload};

pub(super) const TOPIC: Topic = Topic {
    name: "tls",
    paths: &[
        Path::even("ktls_write", |workload| encrypted(workload, write_all)),
        Path::even("ktls_sendfile", |workload| {
            encrypted(workload, splice::by_sendfile)
        }),
    ],
};

/// One connection on which the kernel encrypts and decrypts.
fn encrypted(workload: &mut Workload, send: fn(&TcpStream) -> Result<u64>) -> Result<()> {
    let (near, far) = connection()?;
    for end in [&near, &far] {
        match setsockopt(end, TcpUlp::default(), &"tls") {
            Err(Errno::ENOENT | Errno::ENOPROTOOPT) => {
                return Err(Absent("the kernel has no TLS (CONFIG_TLS)".to_owned()).into());
            }
            outcome => outcome.context("TLS is refused")?,
        }
    }
    setsockopt(&near, TcpTlsTx, &key()).context("the key for sending is refused")?;
    setsockopt(&far, TcpTlsRx, &key()).context("the key for receiving is refused")?;
    workload.spawn("receiver", move || {
        Ok(Moved::received(read_bytes(&far, TOTAL)?))
    })?;
    workload.spawn("sender", move || Ok(Moved::sent(send(&near)?)))
}

/// Any key that both ends share.
fn key() -> TlsCryptoInfo {
    TlsCryptoInfo::Aes128Gcm(tls12_crypto_info_aes_gcm_128 {
        info: tls_crypto_info {
            version: TLS_1_2_VERSION,
            cipher_type: TLS_CIPHER_AES_GCM_128,
        },
        iv: [1; 8],
        key: [2; 16],
        salt: [3; 4],
        rec_seq: [0; 8],
    })
}
