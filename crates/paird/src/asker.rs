//! Who asks: the credentials that the kernel keeps of whoever connected to the control socket.
//!
//! What the node knows is for every local user. Orders, and recordings of what the node was told, are for root, for the
//! daemon's own user, and for the members of the daemon's own group.
//!
//! The credentials are those at the moment of the connection (unix(7): `SO_PEERCRED`, `SO_PEERGROUPS`). No name service is
//! asked, which may hang, and nothing is read below `/proc`, where another process may have the number by then.

use std::io;
use std::os::fd::AsRawFd;

use nix::libc;
use pair_wire::control::{Command, Response};
use rustix::process::{getegid, geteuid};
use tokio::net::UnixStream;

/// Whoever connected to the control socket.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Asker {
    /// The user.
    pub uid: u32,
    /// The process that connected; `None` if it is in no namespace of processes that this daemon can see.
    pub pid: Option<i32>,
    /// Whether orders are taken from there.
    pub is_trusted: bool,
}

impl Asker {
    /// Asks the kernel who is at the other end.
    ///
    /// # Errors
    /// If the kernel does not tell: nobody is trusted unseen.
    pub fn of(client: &UnixStream) -> io::Result<Self> {
        let peer = client.peer_cred()?;
        let mut groups = supplementary_groups(client)?;
        groups.push(peer.gid());
        // The kernel says zero for a process that is in no namespace of this daemon's.
        let (uid, pid) = (peer.uid(), peer.pid().filter(|pid| *pid != 0));
        let is_trusted = is_trusted(uid, &groups, geteuid().as_raw(), getegid().as_raw());
        Ok(Self { uid, pid, is_trusted })
    }

    /// Says whether this command is for whoever asks, and refuses it otherwise.
    ///
    /// # Errors
    /// With the response that refuses.
    pub fn may(&self, command: &Command) -> Result<(), Response> {
        if self.is_trusted || command.is_for_everybody() {
            return Ok(());
        }
        let reason = format!(
            "this is for root and the daemon's group ({}), and user {} is neither",
            getegid().as_raw(),
            self.uid
        );
        let hint = "`sudo pairctl …`; or `usermod --append --groups paird USER`, and log in anew";
        Err(Response::refused(reason, Some(hint.to_owned())))
    }
}

fn is_trusted(uid: u32, groups: &[u32], own_uid: u32, own_gid: u32) -> bool {
    uid == ROOT || uid == own_uid || groups.contains(&own_gid)
}

/// The groups of the other end besides its first one, which `SO_PEERCRED` tells.
fn supplementary_groups(client: &UnixStream) -> io::Result<Vec<u32>> {
    let mut groups = vec![0; USUAL_GROUPS];
    loop {
        let (told, count) = peer_groups(client, &mut groups);
        match told {
            Ok(()) => {
                groups.truncate(count);
                return Ok(groups);
            }
            // The kernel says how many there are. They do not change, so the second time is the last.
            Err(error) if error.raw_os_error() == Some(libc::ERANGE) && count > groups.len() => groups.resize(count, 0),
            Err(error) => return Err(error),
        }
    }
}

/// Fills in the groups, and says how many there are.
fn peer_groups(client: &UnixStream, groups: &mut [libc::gid_t]) -> (io::Result<()>, usize) {
    let mut bytes = libc::socklen_t::try_from(size_of_val(groups)).expect("the kernel bounds the number of groups");
    // SAFETY: the kernel writes at most `bytes` bytes, which is the size of `groups`, and then how many there are to
    // `bytes`; whatever it writes is a valid number of a group.
    let result = unsafe {
        libc::getsockopt(
            client.as_raw_fd(),
            libc::SOL_SOCKET,
            libc::SO_PEERGROUPS,
            groups.as_mut_ptr().cast(),
            &raw mut bytes,
        )
    };
    let told = if result == 0 {
        Ok(())
    } else {
        Err(io::Error::last_os_error())
    };
    (told, bytes as usize / size_of::<libc::gid_t>())
}

const ROOT: u32 = 0;

/// More than most users are in; whoever is in more costs a second call.
const USUAL_GROUPS: usize = 32;

#[cfg(test)]
mod tests {
    use pair_wire::control::Outcome;

    use super::*;

    #[test]
    fn root_the_own_user_and_the_own_group_are_trusted() {
        let cases: [(u32, &[u32], bool); 6] = [
            (0, &[0], true),
            (990, &[7], true),
            (1000, &[990], true),
            (1000, &[1000, 27, 990], true),
            (1000, &[1000, 27], false),
            // The number of the daemon's user is no group of its.
            (1000, &[], false),
        ];
        for (uid, groups, expected) in cases {
            assert_eq!(is_trusted(uid, groups, 990, 990), expected, "{uid} {groups:?}");
        }
        assert!(!is_trusted(990, &[991], 991, 990));
    }

    #[test]
    fn a_stranger_reads_and_neither_orders_nor_takes_a_recording() {
        let stranger = Asker {
            uid: 1000,
            pid: Some(1),
            is_trusted: false,
        };
        let friend = Asker {
            is_trusted: true,
            ..stranger
        };
        for command in [Command::Status, Command::Why] {
            assert_eq!(stranger.may(&command), Ok(()));
        }
        for command in [
            Command::Doctor,
            Command::Export { id: None, from: 0 },
            Command::Failover {
                to: None,
                force: false,
                drill: false,
            },
            Command::Hold {
                for_ms: 1,
                reason: None,
            },
            Command::Resume,
            Command::Leave,
            Command::LeaveUntilBoot,
            Command::Join,
            Command::JoinIfUntilBoot,
            Command::Reload,
        ] {
            assert_eq!(friend.may(&command), Ok(()));
            let Err(Response {
                outcome: Outcome::Refused { reason, hint },
                ..
            }) = stranger.may(&command)
            else {
                panic!("{command:?} is allowed");
            };
            assert!(reason.contains("user 1000 is neither"), "{reason}");
            assert!(hint.is_some_and(|hint| hint.contains("sudo pairctl")));
        }
    }

    #[tokio::test]
    async fn the_kernel_tells_who_this_is() {
        let (one, _other) = UnixStream::pair().unwrap();
        let asker = Asker::of(&one).unwrap();
        assert_eq!(asker.uid, geteuid().as_raw());
        assert_eq!(asker.pid.map(i32::cast_unsigned), Some(std::process::id()));
        assert!(asker.is_trusted);
    }

    #[tokio::test]
    async fn all_groups_are_told_however_little_room_there_is_at_first() {
        let (one, _other) = UnixStream::pair().unwrap();
        let mut own: Vec<u32> = rustix::process::getgroups()
            .unwrap()
            .into_iter()
            .map(rustix::process::Gid::as_raw)
            .collect();
        own.sort_unstable();
        let mut told = supplementary_groups(&one).unwrap();
        told.sort_unstable();
        assert_eq!(told, own);
        let (result, count) = peer_groups(&one, &mut []);
        assert_eq!(count, own.len());
        assert_eq!(result.is_ok(), own.is_empty());
    }
}
