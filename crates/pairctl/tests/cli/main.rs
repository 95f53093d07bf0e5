//! `pairctl` as people and scripts use it, against daemons that are well, ill, stuck, dead, or something else altogether.

#[cfg(test)]
mod commands;
#[cfg(test)]
mod daemon;
#[cfg(test)]
mod documents;
#[cfg(test)]
mod status;
#[cfg(test)]
mod wait;
#[cfg(test)]
mod watch;
#[cfg(test)]
mod why;
