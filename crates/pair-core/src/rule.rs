//! The rules by their ids, as `docs/FAILOVER.md` numbers and explains them.

use core::fmt;

use serde::{Deserialize, Serialize};

macro_rules! rules {
    ($($(#[doc = $doc:literal])* $variant:ident = $id:literal),* $(,)?) => {
        /// A rule of `docs/FAILOVER.md`.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        pub enum Rule {
            $($(#[doc = $doc])* $variant,)*
        }

        impl Rule {
            /// Every rule that this version obeys.
            pub const ALL: &'static [Self] = &[$(Self::$variant),*];

            /// The rule's id, such as `F-6a`.
            #[must_use]
            pub const fn id(self) -> &'static str {
                match self {
                    $(Self::$variant => $id,)*
                }
            }
        }
    };
}

rules! {
    /// The holder is who EC2 or IMDS says.
    F1 = "F-1",
    /// A peer is up only on two-way proof.
    F2 = "F-2",
    /// Suspect after two missed heartbeats.
    F3 = "F-3",
    /// Presumed dead after the holdtime, counted in running time.
    F4 = "F-4",
    /// What every claim needs.
    F5 = "F-5",
    /// Claim from a holder that is presumed dead.
    F6a = "F-6a",
    /// Claim from a holder that yields.
    F6b = "F-6b",
    /// Claim from a holder that is unfit.
    F6c = "F-6c",
    /// Claim an address that nobody holds.
    F6d = "F-6d",
    /// Claim because an operator says so.
    F6e = "F-6e",
    /// Claim because this node is preferred.
    F6f = "F-6f",
    /// Silent but serving: do not claim.
    F7 = "F-7",
    /// Only a proven channel testifies by its silence.
    F8 = "F-8",
    /// Never touch a stranger's hold.
    F9 = "F-9",
    /// Nobody holds it: without reassociation, preferred first.
    F10 = "F-10",
    /// A claim is one call, read back.
    F11 = "F-11",
    /// An API failure is no evidence.
    F12 = "F-12",
    /// Give notice of a restart, and hand over before leaving.
    F13 = "F-13",
    /// An operator's hold.
    F14 = "F-14",
    /// The budget of moves.
    F15 = "F-15",
    /// Unknown about oneself after one's own pause.
    F16 = "F-16",
    /// Numbers from the peer are bounded.
    F17 = "F-17",
    /// Not authentic, replayed or foreign: dropped.
    F18 = "F-18",
    /// No failback unless asked for.
    F19 = "F-19",
    /// Witnesses carry questions to the peer; all silent together, this node may be cut off.
    F20 = "F-20",
    /// The address must be able to land.
    F21 = "F-21",
}

impl fmt::Display for Rule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.id())
    }
}
