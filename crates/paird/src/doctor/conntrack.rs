//! How full the kernel's table of connections is: what comes when it is full is dropped, heartbeats among it.

use std::fs;
use std::path::Path;

use pair_wire::control::Examined;

use super::chart::found;
use crate::problems::degraded;

/// Where the kernel tells, if it tracks connections.
pub(super) const FOLDER: &str = "/proc/sys/net/netfilter";

/// From which share of its table on it is nearly full, in percent. A guess: a table of 65,536 has room for 13,000 more.
const NEARLY_FULL_PERCENT: u64 = 80;

/// Examines it. A kernel that tracks nothing has no limit.
pub(super) fn examine(folder: &Path) -> Examined {
    let number = |name: &str| -> Option<u64> { fs::read_to_string(folder.join(name)).ok()?.trim().parse().ok() };
    let (Some(count), Some(max)) = (number("nf_conntrack_count"), number("nf_conntrack_max")) else {
        return Examined::Sound {
            seen: "the kernel tracks no connections".to_owned(),
        };
    };
    let seen = format!("the kernel tracks {count} of at most {max} connections");
    if count.saturating_mul(100) >= max.saturating_mul(NEARLY_FULL_PERCENT) {
        let hint = "raise net.netfilter.nf_conntrack_max, or exempt the service's port and the heartbeats (notrack)";
        return found(degraded("conntrack-nearly-full", seen, hint));
    }
    Examined::Sound { seen }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_table_that_is_four_fifths_full_is_found_and_none_at_all_is_not() {
        let folder = tempfile::tempdir().unwrap();
        let is_sound = || matches!(examine(folder.path()), Examined::Sound { .. });
        assert!(is_sound());
        fs::write(folder.path().join("nf_conntrack_max"), "1000\n").unwrap();
        fs::write(folder.path().join("nf_conntrack_count"), "799\n").unwrap();
        assert!(is_sound());
        fs::write(folder.path().join("nf_conntrack_count"), "800\n").unwrap();
        assert!(!is_sound());
    }
}
