//! How AWS has sold this instance: whether it may take it back at any time.
//!
//! What an instance was bought as never changes while it lives, so one answer of its metadata is good for ever.

use crate::imds::{Imds, ImdsError};

/// The purchasing option of the instance, a word such as `on-demand`
/// ([AWS](https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/ec2-instance-metadata.html#instancedata-data-categories)).
const LIFE_CYCLE: &str = "/latest/meta-data/instance-life-cycle";

/// What AWS may do with an instance that it has sold.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Market {
    /// AWS never interrupts it, and so never says that it will, nor that it might.
    Firm,
    /// AWS may take it back: a spot instance, and each one of which nothing better is known.
    Interruptible,
}

impl Imds {
    /// Reads how this instance was bought.
    ///
    /// # Errors
    /// Any [`ImdsError`].
    pub async fn market(&self) -> Result<Market, ImdsError> {
        self.ask(LIFE_CYCLE).await.map(|word| market_of(word.as_deref()))
    }
}

/// Only a word that is known is a reason to ask less. An instance does not have the category if it was launched before there was one
/// (in 2019), and AWS adds words: instances of an `interruptible-capacity-reservation` came after this list was documented.
fn market_of(word: Option<&str>) -> Market {
    match word {
        Some("on-demand" | "scheduled" | "capacity-block") => Market::Firm,
        Some(_) | None => Market::Interruptible,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_not_known_to_be_firm_may_be_interrupted() {
        for word in ["on-demand", "scheduled", "capacity-block"] {
            assert_eq!(market_of(Some(word)), Market::Firm, "{word}");
        }
        for word in ["spot", "interruptible-capacity-reservation", "", "<html>"] {
            assert_eq!(market_of(Some(word)), Market::Interruptible, "{word}");
        }
        assert_eq!(market_of(None), Market::Interruptible);
    }
}
