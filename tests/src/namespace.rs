//! A network of its own for one test: a namespace with nothing in it but a loopback device, on which the test may send what
//! no other program should get to see.

use std::panic;
use std::path::Path;
use std::process::Command;
use std::thread;

use nix::sched::{CloneFlags, unshare};

/// Says why no namespace can be made here, if none can.
pub(crate) fn obstacle() -> Option<&'static str> {
    let is_allowed = thread::scope(|scope| {
        let trial = scope.spawn(|| unshare(CloneFlags::CLONE_NEWNET).is_ok());
        trial.join().expect("nothing in it panics")
    });
    if !is_allowed {
        return Some("only root can make a network namespace");
    }
    let has_ip = Command::new("ip").arg("-V").output().is_ok();
    (!has_ip).then_some("ip is not installed")
}

/// Says why the lab cannot be set up here, if so.
#[must_use]
pub fn lab_obstacle() -> Option<&'static str> {
    let is_there = |name: &str| {
        ["/usr/sbin", "/usr/bin", "/sbin"]
            .iter()
            .any(|folder| Path::new(folder).join(name).is_file())
    };
    let obstacle = obstacle();
    let lacking = || {
        if !is_there("haproxy") {
            Some("haproxy is not installed")
        } else if !is_there("nft") {
            Some("nft is not installed")
        } else {
            None
        }
    };
    obstacle.or_else(lacking)
}

/// Runs something in a namespace that ends with it. The namespace belongs to one thread, and to all threads and processes
/// that come from it.
///
/// # Panics
/// If it does, or if there was an [`obstacle`].
pub(crate) fn within(run: impl FnOnce() + Send) {
    let outcome = thread::scope(|scope| {
        let inside = scope.spawn(|| {
            unshare(CloneFlags::CLONE_NEWNET).expect("it was tried before");
            let up = Command::new("ip").args(["link", "set", "lo", "up"]).status();
            assert!(up.is_ok_and(|status| status.success()), "the loopback device comes up");
            run();
        });
        inside.join()
    });
    if let Err(reason) = outcome {
        panic::resume_unwind(reason);
    }
}
