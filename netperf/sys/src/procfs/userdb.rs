//! Which number has a user that `/etc/passwd` does not have? systemd's user database knows those of LDAP, SSSD and
//! `DynamicUser=`: it asks every source of the machine in a process of its own.
//!
//! The C library could ask them too, but loads code of the system's choice into this process for that.

use std::io::{self, Read, Write};
use std::os::unix::net::UnixStream;
use std::path::Path;
use std::time::Duration;

use serde_json::{Value, json};

/// Where the service listens that asks all others (systemd-userdbd.service(8)).
const SOCKET: &str = "run/systemd/userdb/io.systemd.Multiplexer";

/// The method, and the service that is to answer (systemd, `docs/USER_GROUP_API.md`).
const METHOD: &str = "io.systemd.UserDatabase.GetUserRecord";
const SERVICE: &str = "io.systemd.Multiplexer";

/// What it answers where no source knows the user.
const NO_RECORD: &str = "io.systemd.UserDatabase.NoRecordFound";

/// How long a source of the machine may take.
const PATIENCE: Duration = Duration::from_secs(2);

/// Longest answer that is read.
const ANSWER_MAX: usize = 256 << 10;

/// The number of a user; `None` where no source knows the name. `root` is the root of the file system.
///
/// # Errors
/// When the user database can't be asked: there is none on this machine, or it does not answer in time.
pub(super) fn number_of(root: &Path, user: &str) -> io::Result<Option<u32>> {
    let mut stream = UnixStream::connect(root.join(SOCKET))?;
    stream.set_read_timeout(Some(PATIENCE))?;
    stream.set_write_timeout(Some(PATIENCE))?;
    let parameters = json!({"userName": user, "service": SERVICE});
    let request = json!({"method": METHOD, "parameters": parameters});
    stream.write_all(format!("{request}\0").as_bytes())?;
    let answer: Value = serde_json::from_slice(&message(&stream)?)?;
    if answer["error"] == NO_RECORD {
        return Ok(None);
    }
    let uid = answer["parameters"]["record"]["uid"].as_u64();
    let uid = uid.and_then(|uid| u32::try_from(uid).ok());
    let wrong = || io::Error::other(format!("it answered {}", answer["error"]));
    uid.map(Some).ok_or_else(wrong)
}

/// One message of varlink, which ends with a zero byte.
fn message(stream: &UnixStream) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    for byte in io::BufReader::new(stream).bytes() {
        match byte? {
            0 => return Ok(bytes),
            _ if bytes.len() == ANSWER_MAX => {
                return Err(io::Error::other("its answer is too long"));
            }
            byte => bytes.push(byte),
        }
    }
    Err(io::ErrorKind::UnexpectedEof.into())
}

#[cfg(test)]
mod tests {
    use std::io::BufRead;
    use std::os::unix::net::UnixListener;
    use std::thread;

    use super::*;

    /// Answers one request, and gives what was asked.
    fn served(answer: &str) -> (io::Result<Option<u32>>, Value) {
        let root = tempfile::tempdir().unwrap();
        let path = root.path().join(SOCKET);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        let listener = UnixListener::bind(path).unwrap();
        let answer = answer.to_owned();
        let server = thread::spawn(move || {
            let (stream, _) = listener.accept().unwrap();
            let mut request = Vec::new();
            io::BufReader::new(&stream)
                .read_until(0, &mut request)
                .unwrap();
            (&stream).write_all(answer.as_bytes()).unwrap();
            request.pop();
            serde_json::from_slice(&request).unwrap()
        });
        let number = number_of(root.path(), "alice");
        (number, server.join().unwrap())
    }

    #[test]
    fn a_user_of_another_source_has_the_number_that_systemd_tells() {
        let (number, request) =
            served("{\"parameters\":{\"record\":{\"userName\":\"alice\",\"uid\":10007}}}\0");
        assert_eq!(number.unwrap(), Some(10_007));
        assert_eq!(request["method"], METHOD);
        assert_eq!(request["parameters"]["userName"], "alice");
    }

    #[test]
    fn an_unknown_user_is_no_error_and_an_odd_answer_is_one() {
        let unknown = format!("{{\"error\":\"{NO_RECORD}\"}}\0");
        assert_eq!(served(&unknown).0.unwrap(), None);
        for odd in [
            "{\"error\":\"io.systemd.Busy\"}\0",
            "[]\0",
            "no json\0",
            "{}",
        ] {
            assert!(served(odd).0.is_err(), "{odd}");
        }
        let root = tempfile::tempdir().unwrap();
        assert!(number_of(root.path(), "alice").is_err());
    }
}
