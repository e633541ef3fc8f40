//! An `io_uring` with one buffer and one request at a time.

#![expect(
    unsafe_code,
    reason = "requests hold raw pointers; each completes before they dangle"
)]

use std::net::SocketAddr;
use std::os::fd::{AsRawFd, RawFd};

use anyhow::{Context, Result};
use io_uring::squeue::{Entry, Flags};
use io_uring::{IoUring, Probe, cqueue, opcode, types};
use nix::errno::Errno;
use nix::sys::socket::{SockaddrLike, SockaddrStorage};

/// Which thread runs the requests, and how they name the socket.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Flavour {
    /// The submitting thread, or task work on its behalf.
    Plain,
    /// A worker thread of the kernel (`IOSQE_ASYNC`).
    Worker,
    /// The kernel's polling thread (`IORING_SETUP_SQPOLL`).
    Poller,
    /// The submitting thread, with the socket registered in the ring.
    Registered,
}

/// Memory of one request: the ring's buffer, whole and in two parts.
#[derive(Debug)]
pub struct Call {
    /// The buffer of the request.
    pub data: *mut u8,
    /// Bytes of it that the request may use.
    pub len: u32,
    /// The same bytes in two parts.
    pub parts: [libc::iovec; 2],
    /// A message made of `parts`.
    pub message: libc::msghdr,
}

/// A ring that moves bytes over one socket.
pub struct Ring {
    queues: IoUring,
    buffer: Vec<u8>,
    socket: RawFd,
    flags: Flags,
}

/// Buffer group of [`Ring::receive_many`].
const GROUP: u16 = 7;

/// Whether this kernel lets processes use the requests `codes`.
pub fn can(codes: &[u8]) -> bool {
    let mut probe = Probe::new();
    let probed = IoUring::new(2).and_then(|ring| ring.submitter().register_probe(&mut probe));
    probed.is_ok() && codes.iter().all(|code| probe.is_supported(*code))
}

impl Ring {
    /// A ring over `socket` with a buffer of `room` bytes.
    ///
    /// # Errors
    /// When the kernel gives no such ring.
    pub fn new(socket: &impl AsRawFd, flavour: Flavour, room: usize) -> Result<Self> {
        let mut builder = IoUring::builder();
        if flavour == Flavour::Poller {
            builder.setup_sqpoll(1000);
        }
        let queues = builder.build(8).context("no ring")?;
        let mut ring = Self {
            queues,
            buffer: vec![0x5a; room],
            socket: socket.as_raw_fd(),
            flags: Flags::empty(),
        };
        match flavour {
            Flavour::Plain | Flavour::Poller => {}
            Flavour::Worker => ring.flags = Flags::ASYNC,
            Flavour::Registered => {
                ring.queues.submitter().register_files(&[ring.socket])?;
                ring.socket = 0;
                ring.flags = Flags::FIXED_FILE;
            }
        }
        Ok(ring)
    }

    /// Lets requests name the buffer by index 0.
    ///
    /// # Errors
    /// When the kernel refuses to pin it.
    pub fn register_buffer(&mut self) -> Result<()> {
        let whole = iovec(&mut self.buffer);
        // SAFETY: the buffer lives as long as the ring, which is dropped before it.
        unsafe { self.queues.submitter().register_buffers(&[whole]) }?;
        Ok(())
    }

    /// Runs the request that `build` makes for the socket and `len` bytes of the buffer; returns its
    /// result.
    ///
    /// # Errors
    /// What the request failed with.
    pub fn call(
        &mut self,
        len: usize,
        build: impl FnOnce(types::Fd, &Call) -> Entry,
    ) -> nix::Result<usize> {
        let mut call = Call::new(self.buffer.get_mut(..len).ok_or(Errno::EINVAL)?);
        call.message.msg_iov = call.parts.as_mut_ptr();
        let entry = build(types::Fd(self.socket), &call).flags(self.flags);
        self.run(&entry)
    }

    /// Connects the socket.
    ///
    /// # Errors
    /// What the request failed with.
    pub fn connect(&mut self, to: SocketAddr) -> nix::Result<()> {
        let (to, socket) = (SockaddrStorage::from(to), types::Fd(self.socket));
        let entry = opcode::Connect::new(socket, to.as_ptr(), to.len()).build();
        self.run(&entry.flags(self.flags)).map(drop)
    }

    /// Splices up to `len` bytes: out of `pipe` into the socket, or the other way.
    ///
    /// # Errors
    /// What the request failed with.
    pub fn splice(&mut self, pipe: &impl AsRawFd, into: Into, len: usize) -> nix::Result<usize> {
        let (pipe, socket) = (types::Fd(pipe.as_raw_fd()), types::Fd(self.socket));
        let len = u32::try_from(len).or(Err(Errno::EINVAL))?;
        let entry = match into {
            Into::Socket => opcode::Splice::new(pipe, -1, socket, -1, len),
            Into::Pipe => opcode::Splice::new(socket, -1, pipe, -1, len),
        };
        self.run(&entry.build().flags(self.flags))
    }

    /// Receives until the end of the stream with multishot requests, which complete once for each
    /// of the 8 parts of the buffer that they fill; returns the bytes received.
    ///
    /// # Errors
    /// What a request failed with.
    pub fn receive_many(&mut self) -> Result<u64> {
        let mut received = 0;
        loop {
            self.provide()?;
            let request = opcode::RecvMulti::new(types::Fd(self.socket), GROUP).build();
            self.submit(&request)?;
            loop {
                let done = self.next()?;
                match outcome(&done) {
                    Ok(0) => return Ok(received),
                    Ok(n) => received += u64::try_from(n)?,
                    Err(Errno::ENOBUFS) => {}
                    Err(error) => return Err(error.into()),
                }
                if !cqueue::more(done.flags()) {
                    break;
                }
            }
        }
    }

    /// Gives the whole buffer to the kernel, in 8 parts.
    fn provide(&mut self) -> Result<()> {
        let part = i32::try_from(self.buffer.len() / 8)?;
        let data = self.buffer.as_mut_ptr();
        self.run(&opcode::RemoveBuffers::new(8, GROUP).build())
            .or_else(ignore_none)?;
        self.run(&opcode::ProvideBuffers::new(data, part, 8, GROUP, 0).build())?;
        Ok(())
    }

    /// Runs one request and returns its result.
    fn run(&mut self, entry: &Entry) -> nix::Result<usize> {
        self.submit(entry)?;
        let mut result = Err(Errno::EIO);
        loop {
            let done = self.next()?;
            // A zero-copy send completes twice: with its result, and when its pages are free.
            if !cqueue::notif(done.flags()) {
                result = outcome(&done);
            }
            if !cqueue::more(done.flags()) {
                return result;
            }
        }
    }

    fn submit(&mut self, entry: &Entry) -> nix::Result<()> {
        // SAFETY: what the entry points to lives until its completion is taken, which the callers
        // wait for.
        unsafe { self.queues.submission().push(entry) }.or(Err(Errno::EBUSY))
    }

    fn next(&mut self) -> nix::Result<cqueue::Entry> {
        loop {
            if let Some(done) = self.queues.completion().next() {
                return Ok(done);
            }
            let submitted = self.queues.submit_and_wait(1);
            submitted
                .map_err(|error| Errno::from_raw(error.raw_os_error().unwrap_or(libc::EIO)))?;
        }
    }
}

/// Direction of a splice.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Into {
    /// From the pipe into the socket.
    Socket,
    /// From the socket into the pipe.
    Pipe,
}

impl Call {
    fn new(buffer: &mut [u8]) -> Self {
        let len = u32::try_from(buffer.len()).unwrap_or(u32::MAX);
        let data = buffer.as_mut_ptr();
        let (head, tail) = buffer.split_at_mut(buffer.len() / 3);
        let parts = [iovec(head), iovec(tail)];
        // SAFETY: a struct of integers and pointers, for which zero is a value.
        let mut message: libc::msghdr = unsafe { std::mem::zeroed() };
        message.msg_iovlen = parts.len();
        Self {
            data,
            len,
            parts,
            message,
        }
    }
}

fn iovec(bytes: &mut [u8]) -> libc::iovec {
    libc::iovec {
        iov_base: bytes.as_mut_ptr().cast(),
        iov_len: bytes.len(),
    }
}

fn outcome(done: &cqueue::Entry) -> nix::Result<usize> {
    usize::try_from(done.result()).or(Err(Errno::from_raw(-done.result())))
}

/// Removing from a group that has no buffers is fine.
fn ignore_none(error: Errno) -> nix::Result<usize> {
    if error == Errno::ENOENT {
        Ok(0)
    } else {
        Err(error)
    }
}
