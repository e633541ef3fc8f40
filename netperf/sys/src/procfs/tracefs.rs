//! What do the records of the kernel's tracepoints look like? Their formats are in tracefs.

use std::io;
use std::path::Path;
use std::thread;

use rustix::mount::{MountFlags, MountPropagationFlags, mount, mount_change};
use rustix::thread::{UnshareFlags, unshare_unsafe};

use super::{Procfs, lossy, read_bounded};

const TRACEFS: &str = "/sys/kernel/tracing";
const FORMAT_MAX_BYTES: u64 = 64 * 1024;

/// A field of a tracepoint's record.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RecordField {
    /// Name of the field.
    pub name: String,
    /// Where it begins, in bytes from the start of the record.
    pub offset: u32,
    /// Its size in bytes.
    pub size: u32,
}

impl Procfs {
    /// Fields of the record of a tracepoint, such as `sock/inet_sock_set_state`.
    ///
    /// # Errors
    /// When there is no tracefs and none can be mounted, or it has no such tracepoint.
    pub fn record_fields(&self, tracepoint: &str) -> io::Result<Vec<RecordField>> {
        let path = Path::new(TRACEFS)
            .join("events")
            .join(tracepoint)
            .join("format");
        let read = || read_bounded(&path, FORMAT_MAX_BYTES);
        let text = with_tracefs(read)?.ok_or_else(|| {
            let missing = format!("`{}` can't be read", path.display());
            io::Error::new(io::ErrorKind::NotFound, missing)
        })?;
        Ok(lossy(&text).lines().filter_map(record_field).collect())
    }
}

/// Runs `act` where tracefs is mounted at its place: here, or else in a thread with mounts of its own,
/// which go with the thread. That needs `CAP_SYS_ADMIN`.
///
/// # Errors
/// When the kernel refuses the mount.
pub fn with_tracefs<T: Send>(act: impl FnOnce() -> T + Send) -> io::Result<T> {
    if Path::new(TRACEFS).join("events").exists() {
        return Ok(act());
    }
    thread::scope(|scope| {
        let mounted = scope.spawn(|| -> io::Result<T> {
            mount_tracefs()?;
            Ok(act())
        });
        let panicked = |_| io::Error::other("the thread with a tracefs ended early");
        mounted.join().map_err(panicked)?
    })
}

fn mount_tracefs() -> io::Result<()> {
    #![expect(unsafe_code, reason = "moves the calling thread")]
    // SAFETY: the thread has a working directory and mounts of its own from here on, and nothing else
    // runs in it; descriptors and memory stay shared.
    unsafe { unshare_unsafe(UnshareFlags::NEWNS) }?;
    mount_change(
        "/",
        MountPropagationFlags::PRIVATE | MountPropagationFlags::REC,
    )?;
    Ok(mount(
        "tracefs",
        TRACEFS,
        "tracefs",
        MountFlags::empty(),
        None,
    )?)
}

/// A line such as `field:__u16 sport; offset:24; size:2; signed:0;`, with tabs between.
fn record_field(line: &str) -> Option<RecordField> {
    let mut parts = line.trim().split(';').map(str::trim);
    let declaration = parts.next()?.strip_prefix("field:")?;
    let name = declaration.rsplit([' ', '*']).next()?;
    let name = name.split_once('[').map_or(name, |(name, _length)| name);
    Some(RecordField {
        name: name.to_owned(),
        offset: parts.next()?.strip_prefix("offset:")?.parse().ok()?,
        size: parts.next()?.strip_prefix("size:")?.parse().ok()?,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// As Linux 6.1 has it.
    const FORMAT: &str = "\
name: inet_sock_set_state
ID: 1371
format:
\tfield:int common_pid;\toffset:4;\tsize:4;\tsigned:1;

\tfield:const void * skaddr;\toffset:8;\tsize:8;\tsigned:0;
\tfield:__u16 protocol;\toffset:30;\tsize:2;\tsigned:0;
\tfield:__u8 saddr[4];\toffset:32;\tsize:4;\tsigned:0;

print fmt: \"family=%s\", REC->family
";

    #[test]
    fn fields_have_their_names_places_and_sizes() {
        let fields: Vec<_> = FORMAT.lines().filter_map(record_field).collect();
        let told: Vec<_> = fields
            .iter()
            .map(|field| (field.name.as_str(), field.offset, field.size))
            .collect();
        let expected = [
            ("common_pid", 4, 4),
            ("skaddr", 8, 8),
            ("protocol", 30, 2),
            ("saddr", 32, 4),
        ];
        assert_eq!(told, expected);
    }

    #[test]
    fn this_kernel_tells_the_fields_of_a_tracepoint() {
        let fields = Procfs::new("/").record_fields("sock/inet_sock_set_state");
        let fields = fields.unwrap();
        assert!(fields.iter().any(|field| field.name == "skaddr"));
    }
}
