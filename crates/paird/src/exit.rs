//! What the exit code of `paird` says.

use std::process::ExitCode;

/// How the program ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Exit {
    /// It did what it was asked.
    Done,
    /// `run` or `init` could not do its work; for `doctor`: the worst that was found degrades the pair, as for `pairctl status`.
    Failed,
    /// `doctor`: something that was found is critical.
    Critical,
    /// The command line is wrong: `EX_USAGE` of sysexits(3).
    Usage,
    /// The configuration is wrong: `EX_CONFIG` of sysexits(3). The unit does not restart after it.
    ConfigurationWrong,
}

impl Exit {
    /// Every way in which the program ends.
    pub const ALL: [Self; 5] = [
        Self::Done,
        Self::Failed,
        Self::Critical,
        Self::Usage,
        Self::ConfigurationWrong,
    ];

    /// The exit code.
    #[must_use]
    pub const fn code(self) -> u8 {
        match self {
            Self::Done => 0,
            Self::Failed => 1,
            Self::Critical => 2,
            Self::Usage => 64,
            Self::ConfigurationWrong => 78,
        }
    }

    /// What the code means, as the manual page says it.
    #[must_use]
    pub const fn meaning(self) -> &'static str {
        match self {
            Self::Done => "done; `run`: it was told to end; `check`: nothing is wrong; `doctor`: nothing was found",
            Self::Failed => {
                "`run`: it could not start; `init`: IMDS or EC2 did not tell enough; `doctor`: the worst that was found degrades the pair"
            }
            Self::Critical => "`doctor`: something that was found is critical",
            Self::Usage => "the command line is wrong",
            Self::ConfigurationWrong => "`run`, `check`, `init`: the configuration or the key file is wrong",
        }
    }
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> Self {
        Self::from(exit.code())
    }
}
