//! `pairctl key rotate`: from one key to the next in three steps, run on both nodes in turn, without a heartbeat that is dropped.
//!
//! ```text
//!  this node signs with, accepts      needs the other node to       the step
//!  1                                                                add: a new key, or that of the other node (--add)
//!  1, 2                               accept 2                      swap: sign with 2
//!  2, 1                               sign with 2                   drop: forget 1
//! ```
//!
//! Which step is next follows from the keys in use, so the command has no state of its own: it can be repeated, and any step can be
//! taken by hand. Of two keys the newer is the one whose id comes next, counted around 256 (as serial numbers are in RFC 1982).
//! What the other node has, its heartbeats show: the key that they are signed with, and a mark of the other one.

use std::{
    fs, io,
    io::{Read as _, Write},
    path::Path,
    thread,
    time::{Duration, Instant},
};

use pair_wire::control::{Answer, Command, KeysStatus, PeerKeysStatus};
use pair_wire::key::{Key, KeyFileError, KeyRing};

use crate::{
    Exit,
    cli::{self, Cli},
    client::Client,
    failure::Failure,
    key,
    key_file::KeyFile,
    print, status,
};

/// One step of one node.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Step {
    /// Accept a newer key.
    Add,
    /// Sign with it.
    Swap { old: u8, new: u8 },
    /// Forget the older one.
    Drop { old: u8, new: u8 },
}

/// Runs the command.
pub(crate) fn run(cli: &Cli, add: Option<&Path>, out: &mut dyn Write) -> Result<Exit, Failure> {
    let client = Client::new(cli, cli::ORDER_TIMEOUT);
    // What is in the file may not be in use yet, and only what is in use can be judged.
    reload(&client)?;
    let keys = keys(&client)?;
    let peer = heard(&keys)?;
    let step = next(&keys, peer, add.is_some())?;
    let file = KeyFile::read(Path::new(&keys.file))?;
    let text = match step {
        Step::Add => file.add(&newer_key(keys.signs, add)?),
        Step::Swap { .. } => file.swapped(),
        Step::Drop { .. } => file.without_the_second(),
    };
    file.replace(&text)?;
    let (after, accepted) = match reload(&client).and_then(|()| settled(&client, peer.accepts_another)) {
        Ok(after) => after,
        Err(failure) => {
            file.restore()?;
            reload(&client)?;
            return Err(failure);
        }
    };
    if step == Step::Add && peer.accepts_another && !accepted {
        file.restore()?;
        reload(&client)?;
        return Err(refused(
            "this is not the key that the other node accepts; the file is as it was",
            "the last line of its key file is the one: `tail -n 1 FILE` there",
        ));
    }
    print(out, &done(step, &after))
}

/// Says which step is next, or why there is none yet.
fn next(keys: &KeysStatus, peer: &PeerKeysStatus, adds: bool) -> Result<Step, Failure> {
    let (signs, other) = match keys.accepts[..] {
        [_] if adds || !peer.accepts_another => return Ok(Step::Add),
        [_] => {
            return Err(refused(
                "the other node accepts a key that this node does not have",
                "if it is new there: `pairctl key rotate --add FILE` here, with its line; if it is the old one: `pairctl key \
                 rotate` there",
            ));
        }
        [signs, other] => (signs, other),
        [] | [_, _, _, ..] => return Err(Failure::OtherAnswer),
    };
    if adds {
        return Err(refused(
            &format!("a change from one key to another is under way: this node has {signs} and {other}"),
            "`pairctl key rotate` without --add goes on with it",
        ));
    }
    if is_newer(other, signs) {
        let (old, new) = (signs, other);
        if peer.accepts.contains(&new) {
            return Ok(Step::Swap { old, new });
        }
        return Err(refused(
            &format!("the other node does not accept key {new} yet"),
            &give_it(&keys.file),
        ));
    }
    let (old, new) = (other, signs);
    if peer.signs == new {
        return Ok(Step::Drop { old, new });
    }
    Err(refused(
        &format!("the other node still signs with key {}", peer.signs),
        "`pairctl key rotate` there first",
    ))
}

/// What was done, and what comes next.
fn done(step: Step, after: &KeysStatus) -> String {
    let peer = after.peer.as_ref();
    match step {
        Step::Add => {
            let (old, new) = (after.signs, after.accepts.last().copied().unwrap_or(after.signs));
            let next = if peer.is_some_and(|peer| peer.accepts.contains(&new)) {
                "both nodes accept it. Next: `pairctl key rotate` on either".to_owned()
            } else {
                format!("next: {}", give_it(&after.file))
            };
            format!("step 1 of 3 is done here: key {new} is accepted beside {old}, which signs\n{next}")
        }
        Step::Swap { old, new } => {
            let next = if peer.is_some_and(|peer| peer.signs == new) {
                format!("both nodes sign with it. Next: `pairctl key rotate` on either, which drops key {old}")
            } else {
                "next: `pairctl key rotate` on the other node".to_owned()
            };
            format!("step 2 of 3 is done here: key {new} signs, {old} is still accepted\n{next}")
        }
        Step::Drop { old, new } => {
            let next = if peer.is_some_and(|peer| peer.accepts_another) {
                format!("next: `pairctl key rotate` on the other node, which still accepts key {old}")
            } else {
                "the other node has dropped it, too: the rotation is over".to_owned()
            };
            format!("step 3 of 3 is done here: key {old} is gone, {new} is the only one\n{next}")
        }
    }
}

/// How the other node gets the new key without anybody seeing it.
fn give_it(file: &str) -> String {
    format!("give the other node the key: `sudo tail -n 1 {file} | ssh OTHER sudo pairctl key rotate --add -`")
}

/// A key that is newer than this one: made here, or given.
fn newer_key(old: u8, add: Option<&Path>) -> Result<Key, Failure> {
    let Some(path) = add else {
        return key::generate(old.wrapping_add(1));
    };
    let text = if path == Path::new("-") {
        let mut text = String::new();
        io::stdin().take(LONGEST_LINE).read_to_string(&mut text).map(|_| text)
    } else {
        fs::read_to_string(path)
    };
    let text = text.map_err(|error| Failure::Read {
        path: path.to_owned(),
        error,
    })?;
    let no_key = |error: KeyFileError| Failure::NoKey {
        path: path.to_owned(),
        error,
    };
    let ring = KeyRing::parse(&text).map_err(no_key)?;
    if ring.keys().count() > 1 {
        return Err(no_key(KeyFileError::TooMany { line: 2 }));
    }
    let new = ring.signer().clone();
    if is_newer(new.id(), old) {
        return Ok(new);
    }
    Err(refused(
        &format!("key {} does not come after key {old}", new.id()),
        "the id of a new key is the next number; `pairctl key rotate` without --add makes one",
    ))
}

/// Whether an id comes after another one, counted around 256.
const fn is_newer(id: u8, than: u8) -> bool {
    let ahead = id.wrapping_sub(than);
    ahead > 0 && ahead < 128
}

fn reload(client: &Client) -> Result<(), Failure> {
    let Answer::Done { .. } = client.ask(Command::Reload)? else {
        return Err(Failure::OtherAnswer);
    };
    Ok(())
}

fn keys(client: &Client) -> Result<KeysStatus, Failure> {
    status::ask(client)?.keys.ok_or_else(|| {
        refused(
            "the pair has no key: security.insecure_no_key",
            "write security.key_file, and a file made by `pairctl key generate`, on both nodes",
        )
    })
}

fn heard(keys: &KeysStatus) -> Result<&PeerKeysStatus, Failure> {
    keys.peer.as_ref().ok_or_else(|| {
        refused(
            "the other node is not heard, so nobody knows which keys it has",
            "`pairctl status` says why; keys are changed while both nodes hear each other",
        )
    })
}

/// The keys once they are in use and the other node is heard with them. If it showed a key that this node did not have, waits for the
/// heartbeat that shows whether this node has it now, which it then says.
fn settled(client: &Client, waits: bool) -> Result<(KeysStatus, bool), Failure> {
    let deadline = Instant::now() + PATIENCE;
    loop {
        let keys = keys(client)?;
        let is_heard = keys.peer.is_some();
        let has_it = keys.peer.as_ref().is_some_and(|peer| !peer.accepts_another);
        if (is_heard && (has_it || !waits)) || Instant::now() >= deadline {
            heard(&keys)?;
            return Ok((keys, has_it));
        }
        thread::sleep(PAUSE);
    }
}

fn refused(reason: &str, hint: &str) -> Failure {
    Failure::Refused {
        reason: reason.to_owned(),
        hint: Some(hint.to_owned()),
    }
}

/// How long the other node's next heartbeat is waited for: ten of the default profile.
const PATIENCE: Duration = Duration::from_secs(2);
const PAUSE: Duration = Duration::from_millis(50);

/// A line of a key file has at most 68 bytes, and somebody may have written a comment above it.
const LONGEST_LINE: u64 = 4096;

#[cfg(test)]
mod tests {
    use super::*;

    fn keys(accepts: &[u8]) -> KeysStatus {
        KeysStatus {
            file: "/etc/paird/key".to_owned(),
            signs: accepts[0],
            accepts: accepts.to_vec(),
            peer: None,
        }
    }

    fn peer(signs: u8, accepts: &[u8], accepts_another: bool) -> PeerKeysStatus {
        PeerKeysStatus {
            signs,
            accepts: accepts.to_vec(),
            accepts_another,
        }
    }

    fn why(result: Result<Step, Failure>) -> String {
        result.unwrap_err().to_string()
    }

    #[test]
    fn each_step_waits_for_the_other_node() {
        let (old, new) = (1, 2);
        assert_eq!(next(&keys(&[1]), &peer(1, &[1], false), false).unwrap(), Step::Add);
        let lone = next(&keys(&[1, 2]), &peer(1, &[1], false), false);
        assert_eq!(why(lone), "refused: the other node does not accept key 2 yet");
        let both = next(&keys(&[1, 2]), &peer(1, &[1, 2], false), false);
        assert_eq!(both.unwrap(), Step::Swap { old, new });
        let early = next(&keys(&[2, 1]), &peer(1, &[2, 1], false), false);
        assert_eq!(why(early), "refused: the other node still signs with key 1");
        let late = next(&keys(&[2, 1]), &peer(2, &[2, 1], false), false);
        assert_eq!(late.unwrap(), Step::Drop { old, new });
        let behind = next(&keys(&[2, 1]), &peer(2, &[2], false), false);
        assert_eq!(behind.unwrap(), Step::Drop { old, new });
    }

    #[test]
    fn a_key_of_the_other_node_is_taken_over_and_no_second_one_made() {
        let ahead = peer(1, &[1], true);
        let alone = next(&keys(&[1]), &ahead, false);
        assert!(why(alone).contains("a key that this node does not have"));
        assert_eq!(next(&keys(&[1]), &ahead, true).unwrap(), Step::Add);
        let under_way = next(&keys(&[1, 2]), &peer(1, &[1, 2], false), true);
        assert!(why(under_way).contains("under way"));
    }

    #[test]
    fn ids_go_around() {
        assert!(is_newer(2, 1) && is_newer(0, 255) && is_newer(100, 0));
        assert!(!is_newer(1, 2) && !is_newer(255, 0) && !is_newer(7, 7));
        let around = next(&keys(&[255, 0]), &peer(255, &[255, 0], false), false);
        assert_eq!(around.unwrap(), Step::Swap { old: 255, new: 0 });
    }
}
