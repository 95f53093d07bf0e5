//! A digest of HAProxy's configuration, so that two nodes can tell whether they would serve the same.

use std::fs;
use std::io;
use std::net::IpAddr;
use std::path::{Path, PathBuf};

use pair_wire::datagram::DIGEST_LEN;
use sha2::{Digest, Sha256};

/// What stands for the addresses of the node that reads.
const HERE: &str = "<this node>";

/// The longest configuration that is read.
const LONGEST: u64 = 4 * 1024 * 1024;

/// Digests the file, or the files `*.cfg` of the folder in the order of their names, as HAProxy reads them. Comments, indentation
/// and empty lines do not count, and the node's own addresses are all one.
///
/// # Errors
/// If there is nothing to read.
pub(super) fn digest(path: &Path, own: &[IpAddr]) -> io::Result<[u8; DIGEST_LEN]> {
    let mut hasher = Sha256::new();
    for file in files(path)? {
        if fs::metadata(&file)?.len() > LONGEST {
            return Err(io::Error::other(format!("{} is too long", file.display())));
        }
        for line in meaning(&fs::read_to_string(&file)?, own) {
            hasher.update(line);
            hasher.update("\n");
        }
    }
    let hash = hasher.finalize();
    Ok(hash.first_chunk().copied().expect("a SHA-256 has 32 bytes"))
}

fn files(path: &Path) -> io::Result<Vec<PathBuf>> {
    if !path.is_dir() {
        return Ok(vec![path.to_owned()]);
    }
    let entries: io::Result<Vec<PathBuf>> = fs::read_dir(path)?.map(|entry| Ok(entry?.path())).collect();
    let mut files = entries?;
    files.retain(|file| file.extension().is_some_and(|kind| kind == "cfg"));
    files.sort();
    Ok(files)
}

/// The lines that count. A `#` begins a comment at the beginning of a line or after white space; within quotes it is taken for
/// one, too, which only makes the digest look at less.
fn meaning<'t>(text: &'t str, own: &'t [IpAddr]) -> impl Iterator<Item = String> + 't {
    let own: Vec<String> = own.iter().map(ToString::to_string).collect();
    text.lines().filter_map(move |line| {
        let words = line.split_whitespace().take_while(|word| !word.starts_with('#'));
        let line = words.collect::<Vec<_>>().join(" ");
        (!line.is_empty()).then(|| own.iter().fold(line, |line, address| replace(&line, address)))
    })
}

/// Replaces an address, and no part of a longer one.
fn replace(line: &str, address: &str) -> String {
    let is_part = |c: char| c.is_ascii_hexdigit() || c == '.';
    let mut replaced = String::new();
    let mut rest = line;
    while let Some(at) = rest.find(address) {
        let (before, after) = (&rest[..at], &rest[at + address.len()..]);
        let is_whole = !before.ends_with(is_part) && !after.starts_with(is_part);
        replaced.push_str(before);
        replaced.push_str(if is_whole { HERE } else { address });
        rest = after;
    }
    replaced + rest
}

#[cfg(test)]
mod tests {
    use super::*;

    fn digest_of(text: &str, own: &str) -> [u8; DIGEST_LEN] {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("haproxy.cfg");
        fs::write(&file, text).unwrap();
        digest(&file, &[own.parse().unwrap()]).unwrap()
    }

    #[test]
    fn two_nodes_that_would_serve_the_same_have_the_same_digest() {
        let a = digest_of("# of node a\nfrontend f\n  bind 10.0.1.10:80 # here\n\n", "10.0.1.10");
        let b = digest_of("frontend f\n\tbind   10.0.2.10:80\n", "10.0.2.10");
        assert_eq!(a, b);
        assert_ne!(a, digest_of("frontend f\nbind 10.0.1.10:81\n", "10.0.1.10"));
        assert_ne!(a, digest_of("frontend f\nbind 10.0.1.100:80\n", "10.0.1.10"));
        assert_ne!(a, digest_of("frontend f\nbind 110.0.1.10:80\n", "10.0.1.10"));
    }

    #[test]
    fn a_folder_is_read_as_haproxy_reads_it() {
        let folder = tempfile::tempdir().unwrap();
        fs::write(folder.path().join("2.cfg"), "bind :80\n").unwrap();
        fs::write(folder.path().join("1.cfg"), "frontend f\n").unwrap();
        fs::write(folder.path().join("notes.txt"), "nothing of it\n").unwrap();
        let whole = digest(folder.path(), &[]).unwrap();
        assert_eq!(whole, digest_of("frontend f\nbind :80\n", "10.0.1.10"));
        assert!(digest(&folder.path().join("none"), &[]).is_err());
    }
}
