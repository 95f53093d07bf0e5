//! `pairctl key generate`: a secret that nobody chose.

use pair_wire::key::{Key, SECRET_LEN};

use crate::failure::Failure;

/// Makes a key of the operating system's randomness.
pub(crate) fn generate(id: u8) -> Result<Key, Failure> {
    let mut secret = [0; SECRET_LEN];
    getrandom::fill(&mut secret).map_err(Failure::Randomness)?;
    Ok(Key::new(id, secret))
}
