//! A tap: when packets of one protocol reach a machine, by the clock of the kernel that took them in.
//!
//! A raw socket gets a copy of every packet of its protocol, whether or not somebody listens there. The kernel's own time of arrival
//! leaves out how long this process took to wake up.

use std::io::IoSliceMut;
use std::mem;
use std::net::Ipv4Addr;
use std::os::fd::AsRawFd as _;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use anyhow::{Context as _, Result};
use nix::cmsg_space;
use nix::errno::Errno;
use nix::sys::socket::sockopt::ReceiveTimestampns;
use nix::sys::socket::{ControlMessageOwned, MsgFlags, recvmsg, setsockopt};
use nix::sys::time::TimeSpec;
use socket2::{Domain, Protocol, Socket, Type};

use super::super::place::Place;

/// An open tap; dropped, it closes.
#[derive(Debug)]
pub(super) struct Tap {
    arrivals: Arc<Mutex<Vec<Duration>>>,
    is_over: Arc<AtomicBool>,
    thread: Option<JoinHandle<()>>,
}

impl Tap {
    /// Taps what comes to a place from this address by this protocol of IP.
    pub(super) fn open(place: &Place, from: Ipv4Addr, protocol: u8) -> Result<Self> {
        // A socket belongs to the network in which it was made, whoever reads it.
        let socket = place
            .run(move || Socket::new(Domain::IPV4, Type::RAW, Some(Protocol::from(i32::from(protocol)))))
            .context("cannot open a raw socket")?;
        setsockopt(&socket, ReceiveTimestampns, &true).context("the kernel does not tell when packets come")?;
        socket
            .set_read_timeout(Some(POLL))
            .context("cannot bound the time of a read")?;
        let arrivals = Arc::<Mutex<Vec<Duration>>>::default();
        let is_over = Arc::<AtomicBool>::default();
        let (theirs, end) = (Arc::clone(&arrivals), Arc::clone(&is_over));
        let listening = move || {
            while !end.load(Ordering::Relaxed) {
                if let Some(arrival) = receive(&socket, from) {
                    theirs.lock().unwrap_or_else(PoisonError::into_inner).push(arrival);
                }
            }
        };
        let thread = thread::Builder::new().name("tap".to_owned()).spawn(listening)?;
        Ok(Self {
            arrivals,
            is_over,
            thread: Some(thread),
        })
    }

    /// When the first packet came, since the Unix epoch; nothing until then.
    pub(super) fn first(&self) -> Option<Duration> {
        self.lock().first().copied()
    }

    /// Takes what has come so far: the times of arrival since the Unix epoch.
    pub(super) fn take(&self) -> Vec<Duration> {
        mem::take(&mut *self.lock())
    }

    fn lock(&self) -> MutexGuard<'_, Vec<Duration>> {
        self.arrivals.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Tap {
    fn drop(&mut self) {
        self.is_over.store(true, Ordering::Relaxed);
        if let Some(thread) = self.thread.take() {
            // A panic of the thread has been printed; there is nobody to pass it on to.
            thread.join().ok();
        }
    }
}

/// Waits a moment for a packet from this address, and says when it came.
fn receive(socket: &Socket, from: Ipv4Addr) -> Option<Duration> {
    let mut header = [0; IPV4_HEADER];
    let mut room = cmsg_space!(TimeSpec);
    let mut parts = [IoSliceMut::new(&mut header)];
    let received = recvmsg::<()>(socket.as_raw_fd(), &mut parts, Some(&mut room), MsgFlags::empty());
    let message = match received {
        Ok(message) => message,
        Err(Errno::EAGAIN | Errno::EINTR) => return None,
        Err(error) => {
            eprintln!("a tap hears nothing: {error}");
            thread::sleep(POLL);
            return None;
        }
    };
    let arrival = message.cmsgs().ok()?.find_map(|message| match message {
        ControlMessageOwned::ScmTimestampns(time) => Some(Duration::from(time)),
        // The kernel may tell more than was asked for.
        _ => None,
    })?;
    (header[SOURCE..SOURCE + 4] == from.octets()).then_some(arrival)
}

/// A header without options, as far as it is read, and where it has the address of the sender (RFC 791, section 3.1).
const IPV4_HEADER: usize = 20;
const SOURCE: usize = 12;

/// How long the end of a tap may have to wait.
const POLL: Duration = Duration::from_millis(50);

/// What the contenders send by, in the registry of protocol numbers: heartbeats and BFD by UDP, VRRP by itself.
pub(super) const UDP: u8 = 17;
pub(super) const VRRP: u8 = 112;
