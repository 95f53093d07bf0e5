//! The bytes of paird: golden files in both directions, hostile input, the control protocol, and traces.

#[cfg(test)]
mod arbitrary;
#[cfg(test)]
mod checks;
#[cfg(test)]
mod control;
#[cfg(test)]
mod corpus;
#[cfg(test)]
mod golden;
#[cfg(test)]
mod hostile;
mod keys;
#[cfg(test)]
mod mirror;
#[cfg(test)]
mod paths;
#[cfg(test)]
mod successor;
#[cfg(test)]
mod support;
#[cfg(test)]
mod trace;
#[cfg(test)]
mod witness;
