//! Just enough HTTP to be a server that misbehaves on purpose.

use std::io;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

/// One request as it came off the wire.
#[derive(Debug, Clone)]
pub(crate) struct Request {
    /// Such as `PUT /latest/api/token`.
    pub(crate) line: String,
    head: String,
    /// The form, still encoded.
    pub(crate) body: String,
}

impl Request {
    /// Reads one request; `None` when the client has closed the connection.
    pub(crate) async fn read(stream: &mut TcpStream) -> io::Result<Option<Self>> {
        let mut bytes = Vec::new();
        let head_end = loop {
            if let Some(at) = find(&bytes, b"\r\n\r\n") {
                break at + 4;
            }
            if stream.read_buf(&mut bytes).await? == 0 {
                return Ok(None);
            }
        };
        let head = String::from_utf8_lossy(&bytes[..head_end]).into_owned();
        let length =
            header(&head, "content-length").map_or(0, |text| text.parse::<usize>().expect("a client writes a number"));
        while bytes.len() < head_end + length {
            if stream.read_buf(&mut bytes).await? == 0 {
                return Ok(None);
            }
        }
        let line = head.lines().next().unwrap_or_default();
        Ok(Some(Self {
            line: line.trim_end_matches(" HTTP/1.1").to_owned(),
            body: String::from_utf8_lossy(&bytes[head_end..head_end + length]).into_owned(),
            head,
        }))
    }

    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        header(&self.head, name)
    }

    /// A form parameter of an EC2 request, still encoded.
    pub(crate) fn parameter(&self, name: &str) -> Option<&str> {
        self.body.split('&').find_map(|pair| {
            let (key, value) = pair.split_once('=')?;
            (key == name).then_some(value)
        })
    }
}

/// Writes an answer that keeps the connection open.
pub(crate) async fn answer(stream: &mut TcpStream, status: u16, headers: &str, body: &str) -> io::Result<()> {
    let length = body.len();
    let text = format!("HTTP/1.1 {status} Any\r\ncontent-length: {length}\r\n{headers}\r\n{body}");
    stream.write_all(text.as_bytes()).await
}

fn header<'a>(head: &'a str, name: &str) -> Option<&'a str> {
    head.lines().find_map(|line| {
        let (key, value) = line.split_once(':')?;
        key.eq_ignore_ascii_case(name).then(|| value.trim())
    })
}

fn find(haystack: &[u8], needle: &[u8]) -> Option<usize> {
    haystack.windows(needle.len()).position(|part| part == needle)
}
