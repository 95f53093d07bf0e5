//! What was found last, kept on disk: a restart while EC2 does not answer begins with it.

use std::fs::{self, File};
use std::io::{self, Read, Write};
use std::path::Path;

use pair_ec2::Tag;
use serde::{Deserialize, Serialize};

use super::roster::Roster;
use super::{Finding, tag};

/// The file in the state directory.
const FILE: &str = "discovery.json";

/// The version of the file.
const VERSION: u32 = 1;

/// No sound file is longer.
const LONGEST: u64 = 64 * 1024;

/// What is kept, and by which questions it was found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Kept {
    /// Who is who; `None` if the nodes are configured.
    pub(super) finding: Option<Finding>,
    /// The allocations that were found by their tags, in the order of the tags.
    pub(super) allocations: Vec<String>,
}

/// What was asked, and who asked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Question<'a> {
    pub(super) instance_id: &'a str,
    pub(super) members: Option<&'a Tag>,
    pub(super) addresses: Vec<&'a Tag>,
}

/// The file as it stands on disk.
#[derive(Debug, Serialize, Deserialize)]
struct OnDisk {
    version: u32,
    instance_id: String,
    members: Option<String>,
    addresses: Vec<String>,
    roster: Option<Roster>,
    at_unix_ms: u64,
    allocations: Vec<String>,
}

/// Replaces what was kept, as a whole.
pub(super) fn write(folder: &Path, question: &Question<'_>, kept: &Kept) -> io::Result<()> {
    let on_disk = OnDisk {
        version: VERSION,
        instance_id: question.instance_id.to_owned(),
        members: question.members.map(tag),
        addresses: question.addresses.iter().copied().map(tag).collect(),
        roster: kept.finding.as_ref().map(|finding| finding.roster.clone()),
        at_unix_ms: kept.finding.as_ref().map_or(0, |finding| finding.at_unix_ms),
        allocations: kept.allocations.clone(),
    };
    let text = serde_json::to_vec(&on_disk)?;
    fs::create_dir_all(folder)?;
    let next = folder.join(FILE).with_extension("json.new");
    let mut file = File::create(&next)?;
    file.write_all(&text)?;
    file.sync_all()?;
    fs::rename(next, folder.join(FILE))
}

/// Reads what was kept, if it answers this question of this instance. An instance that was made from an image of another one has
/// that one's file, and another id.
pub(super) fn read(folder: &Path, question: &Question<'_>) -> Option<Kept> {
    let mut text = Vec::new();
    let file = File::open(folder.join(FILE)).ok()?;
    file.take(LONGEST).read_to_end(&mut text).ok()?;
    let on_disk: OnDisk = serde_json::from_slice(&text).ok()?;
    let is_answer = on_disk.version == VERSION
        && on_disk.instance_id == question.instance_id
        && on_disk.members == question.members.map(tag)
        && on_disk.addresses == question.addresses.iter().copied().map(tag).collect::<Vec<_>>()
        && on_disk.roster.is_some() == question.members.is_some()
        && on_disk.allocations.len() == question.addresses.len()
        && on_disk.roster.as_ref().is_none_or(|roster| is_sound(roster, question));
    let at_unix_ms = on_disk.at_unix_ms;
    is_answer.then(|| Kept {
        finding: on_disk.roster.map(|roster| Finding { roster, at_unix_ms }),
        allocations: on_disk.allocations,
    })
}

fn is_sound(roster: &Roster, question: &Question<'_>) -> bool {
    let has_place = |found: &super::Found| !found.private_ips.is_empty();
    roster.own.instance_id == question.instance_id
        && has_place(&roster.own)
        && roster.peer.as_ref().is_none_or(has_place)
}

#[cfg(test)]
mod tests {
    use std::net::Ipv4Addr;

    use super::super::Found;
    use super::*;

    fn kept() -> Kept {
        let found = |id: &str, last| Found {
            instance_id: id.to_owned(),
            private_ips: vec![Ipv4Addr::new(10, 0, 1, last)],
        };
        let roster = Roster {
            own: found("i-a", 10),
            peer: Some(found("i-b", 20)),
            spares: Vec::new(),
            former: vec!["i-z".to_owned()],
        };
        Kept {
            finding: Some(Finding {
                roster,
                at_unix_ms: 1_700_000_000_000,
            }),
            allocations: vec!["eipalloc-0123abcd".to_owned()],
        }
    }

    #[test]
    fn what_was_kept_is_read_by_whoever_asks_the_same() {
        let folder = tempfile::tempdir().unwrap();
        let tag = |value: &str| Tag {
            key: "paird:pair".to_owned(),
            value: value.to_owned(),
        };
        let (members, address, other) = (tag("lb-1"), tag("lb-1"), tag("lb-2"));
        let question = Question {
            instance_id: "i-a",
            members: Some(&members),
            addresses: vec![&address],
        };
        assert_eq!(read(folder.path(), &question), None);
        write(folder.path(), &question, &kept()).unwrap();
        assert_eq!(read(folder.path(), &question), Some(kept()));
        for another in [
            Question {
                instance_id: "i-c",
                ..question.clone()
            },
            Question {
                members: Some(&other),
                ..question.clone()
            },
            Question {
                addresses: Vec::new(),
                ..question.clone()
            },
        ] {
            assert_eq!(read(folder.path(), &another), None, "{another:?}");
        }
    }

    #[test]
    fn a_file_that_makes_no_sense_is_none() {
        let folder = tempfile::tempdir().unwrap();
        let question = Question {
            instance_id: "i-a",
            members: None,
            addresses: Vec::new(),
        };
        for text in ["", "{", "{\"version\":1}"] {
            fs::write(folder.path().join(FILE), text).unwrap();
            assert_eq!(read(folder.path(), &question), None, "{text}");
        }
    }
}
