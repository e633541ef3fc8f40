//! nginx, a real web server, with TLS and a slow upstream, and small HTTP servers of the tests.

use std::fs;
use std::io::{Read, Write};
use std::net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::Duration;

use anyhow::{Context, Result, ensure};

use crate::sys::deadline::Deadline;

/// Delay of the upstream of `/slow`.
pub const SLOW: Duration = Duration::from_millis(300);

/// Name of the host in its certificate.
pub const HOST: &str = "web.test";

/// A running nginx: HTTP on port 80 and, with HTTP/2, HTTPS on port 443 of 127.0.0.1. It has `/`
/// (5 bytes), `/slow`, `/failed` (503), `/gone` (404) and `/moved`.
#[derive(Debug)]
pub struct Nginx {
    child: Child,
    folder: PathBuf,
}

impl Nginx {
    /// Starts it in the network namespace of this thread, with the upstream.
    ///
    /// # Errors
    /// When it does not listen soon.
    pub fn start() -> Result<Self> {
        let name = format!("netperf-tests-nginx-{}-{}", std::process::id(), number());
        let folder = std::env::temp_dir().join(name);
        fs::create_dir_all(folder.join("www"))?;
        fs::write(folder.join("www/index.html"), "fast\n")?;
        fs::write(folder.join("nginx.conf"), configuration(&folder))?;
        certificate(&folder)?;
        serve_late("127.0.0.1:8090".parse()?, SLOW)?;
        let child = Command::new("nginx")
            .arg("-c")
            .arg(folder.join("nginx.conf"))
            .arg("-p")
            .arg(&folder)
            .env("PATH", "/usr/sbin:/sbin:/usr/bin:/bin")
            .stdin(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .context("nginx can't run")?;
        let nginx = Self { child, folder };
        let deadline = Deadline::seconds(20);
        while TcpStream::connect((Ipv4Addr::LOCALHOST, 443)).is_err() {
            let log = || fs::read_to_string(nginx.folder.join("error.log"));
            ensure!(!deadline.passed(), "nginx does not listen: {:?}", log());
            thread::sleep(Duration::from_millis(10));
        }
        Ok(nginx)
    }

    /// Its certificate, which is valid only through `SSL_CERT_FILE`.
    pub fn certificate(&self) -> PathBuf {
        self.folder.join("cert.pem")
    }
}

impl Drop for Nginx {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
        let _ = fs::remove_dir_all(&self.folder);
    }
}

/// Answers every request on `address` after a delay.
///
/// # Errors
/// When the port is taken.
pub fn serve_late(address: SocketAddr, delay: Duration) -> Result<SocketAddr> {
    serve(
        address,
        delay,
        b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\nConnection: close\r\n\r\nslow\n",
    )
}

/// Answers every request on `address` with the same bytes, after a delay.
///
/// # Errors
/// When the port is taken.
pub fn serve(address: SocketAddr, delay: Duration, answer: &'static [u8]) -> Result<SocketAddr> {
    let listener = TcpListener::bind(address).context("no port for the upstream")?;
    let address = listener.local_addr()?;
    thread::spawn(move || {
        for mut stream in listener.incoming().map_while(Result::ok) {
            thread::spawn(move || {
                let mut head = Vec::new();
                let mut part = [0; 1_024];
                while !head.windows(4).any(|end| end == b"\r\n\r\n") {
                    match stream.read(&mut part) {
                        Ok(length @ 1..) => head.extend_from_slice(&part[..length]),
                        Ok(0) | Err(_) => return,
                    }
                }
                thread::sleep(delay);
                let _ = stream.write_all(answer);
            });
        }
    });
    Ok(address)
}

fn number() -> u32 {
    use std::sync::atomic::{AtomicU32, Ordering};
    static COUNT: AtomicU32 = AtomicU32::new(0);
    COUNT.fetch_add(1, Ordering::Relaxed)
}

fn configuration(folder: &Path) -> String {
    let folder = folder.display();
    format!(
        "daemon off; master_process off; pid {folder}/pid; error_log {folder}/error.log;
events {{}}
http {{
    access_log off;
    client_body_temp_path {folder}/body; proxy_temp_path {folder}/proxy;
    fastcgi_temp_path {folder}/fastcgi; uwsgi_temp_path {folder}/uwsgi; scgi_temp_path {folder}/scgi;
    server {{
        listen 127.0.0.1:80;
        listen 127.0.0.1:443 ssl http2;
        ssl_certificate {folder}/cert.pem;
        ssl_certificate_key {folder}/key.pem;
        ssl_protocols TLSv1.2 TLSv1.3;
        root {folder}/www;
        location /slow {{ proxy_pass http://127.0.0.1:8090; }}
        location /failed {{ return 503; }}
        location /gone {{ return 404; }}
        location /moved {{ return 302 http://{HOST}/; }}
    }}
}}
"
    )
}

fn certificate(folder: &Path) -> Result<()> {
    let configuration = format!(
        "[req]\ndistinguished_name=dn\nx509_extensions=ext\nprompt=no\n[dn]\nCN={HOST}\n\
         [ext]\nsubjectAltName=DNS:{HOST}\nbasicConstraints=CA:FALSE\n"
    );
    fs::write(folder.join("openssl.cnf"), configuration)?;
    let words = "req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 2 \
                 -config openssl.cnf -keyout key.pem -out cert.pem";
    let made = Command::new("openssl")
        .args(words.split(' '))
        .current_dir(folder)
        .output()
        .context("openssl can't run")?;
    ensure!(
        made.status.success(),
        "{}",
        String::from_utf8_lossy(&made.stderr)
    );
    Ok(())
}
