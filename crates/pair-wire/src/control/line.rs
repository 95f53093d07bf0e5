//! One message, one line: bounded in both directions.

use std::io::{self, Read, Write};

use serde::{Deserialize, Serialize, de::DeserializeOwned};
use thiserror::Error;

use super::CONTROL_VERSION;

/// Something that is sent as one line: a request or a response.
pub trait Message: Serialize + DeserializeOwned {
    /// How long its line can be, the line feed included.
    const LIMIT: usize;
}

/// Why a message could not be sent or understood.
#[derive(Debug, Error)]
pub enum LineError {
    /// The line is longer than its kind of message can be; what was read of it was thrown away.
    #[error("the message is longer than {limit} bytes")]
    TooLong {
        /// How long it can be.
        limit: usize,
    },
    /// The other side hung up before the line's end.
    #[error("the other side hung up after {received} bytes, before the end of its message")]
    Cut {
        /// How many bytes had come.
        received: usize,
    },
    /// The other side speaks another version of the protocol. A retry cannot help; an upgrade of the older side can.
    #[error("the other side speaks version {theirs} of the control protocol, this one version {CONTROL_VERSION}")]
    Version {
        /// Its version.
        theirs: u32,
    },
    /// The line is not such a message.
    #[error("the message cannot be understood")]
    Malformed(#[source] serde_json::Error),
    /// The message cannot be put as JSON: a bug of this side.
    #[error("the message cannot be written")]
    Unwritable(#[source] serde_json::Error),
    /// The socket failed, or its time ran out.
    #[error("the socket failed")]
    Io(#[source] io::Error),
}

/// Turns a message into its line, the line feed included.
///
/// # Errors
/// [`LineError::TooLong`] and [`LineError::Unwritable`].
pub fn encode_line<M: Message>(message: &M) -> Result<Vec<u8>, LineError> {
    let mut line = serde_json::to_vec(message).map_err(LineError::Unwritable)?;
    line.push(b'\n');
    if line.len() > M::LIMIT {
        return Err(LineError::TooLong { limit: M::LIMIT });
    }
    Ok(line)
}

/// Turns a line into its message; the line feed at its end may be missing.
///
/// # Errors
/// [`LineError::TooLong`], [`LineError::Version`] (looked at before anything else in the message), and
/// [`LineError::Malformed`].
pub fn decode_line<M: Message>(line: &[u8]) -> Result<M, LineError> {
    if line.len() > M::LIMIT {
        return Err(LineError::TooLong { limit: M::LIMIT });
    }
    let Versioned { version } = serde_json::from_slice(line).map_err(LineError::Malformed)?;
    if version != CONTROL_VERSION {
        return Err(LineError::Version { theirs: version });
    }
    serde_json::from_slice(line).map_err(LineError::Malformed)
}

/// Reads one message and looks at nothing behind it.
///
/// # Errors
/// Those of [`decode_line`], [`LineError::Cut`] and [`LineError::Io`].
pub fn read_line<M: Message>(from: &mut impl Read) -> Result<M, LineError> {
    let mut line = Vec::new();
    let mut chunk = [0; 4096];
    loop {
        let count = match from.read(&mut chunk) {
            Ok(0) => return Err(LineError::Cut { received: line.len() }),
            Ok(count) => count,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
            Err(error) => return Err(LineError::Io(error)),
        };
        let received = &chunk[..count];
        if let Some(end) = received.iter().position(|byte| *byte == b'\n') {
            line.extend_from_slice(&received[..=end]);
            return decode_line(&line);
        }
        line.extend_from_slice(received);
        if line.len() >= M::LIMIT {
            return Err(LineError::TooLong { limit: M::LIMIT });
        }
    }
}

/// Writes one message.
///
/// # Errors
/// Those of [`encode_line`], after which nothing was written, and [`LineError::Io`].
pub fn write_line<M: Message>(to: &mut impl Write, message: &M) -> Result<(), LineError> {
    let line = encode_line(message)?;
    to.write_all(&line).and_then(|()| to.flush()).map_err(LineError::Io)
}

/// What every version of every message has.
#[derive(Deserialize)]
struct Versioned {
    version: u32,
}
