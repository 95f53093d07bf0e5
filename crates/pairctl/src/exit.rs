//! What the exit code says. `docs/OPERATING.md` lists the codes, and a test compares.

/// How a command ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Exit {
    /// The command did what it was asked; for `status`: the pair is healthy; for `doctor`: nothing was found.
    Done,
    /// `status`: the pair is degraded; `doctor`: the worst that was found degrades it.
    Degraded,
    /// `status`: the pair is critical; `doctor`: something that was found is.
    Critical,
    /// The daemon could not be asked, so nothing is known.
    Unreachable,
    /// The daemon understood and will not, or not for this user.
    Refused,
    /// The command failed otherwise.
    Failed,
    /// `wait`: its time was over before the condition held.
    TimeOver,
    /// The command line is wrong.
    Usage,
}

impl Exit {
    /// Every way in which a command ends.
    pub const ALL: [Self; 8] = [
        Self::Done,
        Self::Degraded,
        Self::Critical,
        Self::Unreachable,
        Self::Refused,
        Self::Failed,
        Self::TimeOver,
        Self::Usage,
    ];

    /// The exit code. Wrong usage is `EX_USAGE` of `sysexits.h`.
    #[must_use]
    pub const fn code(self) -> u8 {
        match self {
            Self::Done => 0,
            Self::Degraded => 1,
            Self::Critical => 2,
            Self::Unreachable => 3,
            Self::Refused => 4,
            Self::Failed => 5,
            Self::TimeOver => 6,
            Self::Usage => 64,
        }
    }

    /// What the code means, as the documentation says it.
    #[must_use]
    pub const fn meaning(self) -> &'static str {
        match self {
            Self::Done => "done; `status`: the pair is healthy; `doctor`: nothing was found",
            Self::Degraded => "`status`, `doctor`: the pair is degraded: it serves, but somebody should look",
            Self::Critical => "`status`, `doctor`: the pair is critical: it does not serve, or nobody can tell",
            Self::Unreachable => {
                "the daemon is not reachable, does not answer in time, is stuck, or cannot be understood"
            }
            Self::Refused => "the daemon refused; nothing was changed",
            Self::Failed => "the command failed",
            Self::TimeOver => "`wait`: the time was over before the condition held",
            Self::Usage => "the command line is wrong",
        }
    }
}
