//! What a text value may look like: one rule per noun, with the words that explain it.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};

/// The longest path a Unix socket address holds: `sun_path` is 108 bytes with its final zero (unix(7)).
const SOCKET_PATH_MAX: usize = 107;
/// The longest request path; long enough for any health check, short enough for one packet.
const URL_PATH_MAX: usize = 256;
/// The longest URL; a name has at most 253 characters (RFC 1035), and those of AWS are much shorter.
const URL_MAX: usize = 256;

/// The longest key and the longest value of a tag (EC2 User Guide, "Tag restrictions").
const TAG_KEY_MAX: usize = 128;
const TAG_VALUE_MAX: usize = 256;

/// The syntax of a text value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Syntax {
    /// The name of a pair.
    PairName,
    /// The name of a node.
    NodeName,
    /// The name of an Elastic IP.
    AddressName,
    /// An IPv4 or IPv6 address of one host.
    HostAddress,
    /// An IPv4 address of one host.
    PrivateIp,
    /// The id of an Elastic IP's allocation.
    AllocationId,
    /// The absolute path of a Unix socket.
    SocketPath,
    /// The absolute path of a file.
    FilePath,
    /// The path of an HTTP request.
    UrlPath,
    /// The address of an HTTP service.
    Url,
    /// One HTTP status or a range of them.
    Status,
    /// The name of an AWS region.
    Region,
    /// The name of an availability zone.
    Zone,
    /// The key of a tag, or key and value.
    Tag,
    /// An IP address and a TCP port to listen on.
    Listener,
    /// An IP address of one host and a UDP port there.
    Endpoint,
}

impl Syntax {
    /// The rule in words, to follow "must be" or "write".
    #[must_use]
    pub fn describe(self) -> &'static str {
        match self {
            Self::PairName => "1 to 64 of A-Z a-z 0-9 . _ -",
            Self::NodeName => "1 to 16 of a-z 0-9 -, but not nobody, stranger or misplaced",
            Self::AddressName => "1 to 16 of a-z 0-9 -",
            Self::HostAddress => "an IP address of one host such as \"10.0.1.10\"",
            Self::PrivateIp => "an IPv4 address of one host such as \"10.0.1.10\"",
            Self::AllocationId => "\"eipalloc-\" and 8 or 17 digits of 0-9 a-f",
            Self::SocketPath => "an absolute path of at most 107 bytes",
            Self::FilePath => "an absolute path",
            Self::UrlPath => "a path that begins with / and has at most 256 printable characters without spaces",
            Self::Url => {
                "a URL that begins with https:// or http:// and has at most 256 printable characters without spaces"
            }
            Self::Status => "a status such as \"200\" or a range such as \"200-399\", from 100 to 599",
            Self::Region => "a region name such as \"eu-central-1\"",
            Self::Zone => "an availability zone such as \"us-east-1a\"",
            Self::Tag => "a tag such as \"paird:pair\" or \"paird:pair=lb-1\"",
            Self::Endpoint => "an IP address of one host and a port such as \"10.0.3.10:7695\"",
            Self::Listener => "an IP address and a port such as \"127.0.0.1:9694\" or \"[::1]:9694\"",
        }
    }

    /// Whether `text` obeys the rule.
    #[must_use]
    pub fn accepts(self, text: &str) -> bool {
        match self {
            Self::PairName => is_name(text, 64, |c| c.is_ascii_alphanumeric() || b"._-".contains(&c)),
            Self::NodeName => is_short_name(text) && !HOLDER_WORDS.contains(&text),
            Self::AddressName => is_short_name(text),
            Self::HostAddress => text.parse().is_ok_and(is_host),
            Self::PrivateIp => text.parse::<Ipv4Addr>().is_ok_and(|address| is_host(address.into())),
            Self::AllocationId => text.strip_prefix("eipalloc-").is_some_and(|digits| {
                matches!(digits.len(), 8 | 17) && digits.bytes().all(|c| matches!(c, b'0'..=b'9' | b'a'..=b'f'))
            }),
            Self::SocketPath => text.len() <= SOCKET_PATH_MAX && is_absolute(text),
            Self::FilePath => is_absolute(text),
            Self::UrlPath => {
                text.len() <= URL_PATH_MAX && text.starts_with('/') && text.bytes().all(|c| c.is_ascii_graphic())
            }
            Self::Url => {
                let host = text.strip_prefix("https://").or_else(|| text.strip_prefix("http://"));
                text.len() <= URL_MAX
                    && text.bytes().all(|c| c.is_ascii_graphic())
                    && host.is_some_and(|host| host.starts_with(|c: char| c.is_ascii_alphanumeric() || c == '['))
            }
            Self::Status => StatusRange::parse(text).is_some(),
            Self::Region => is_name(text, 32, |c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == b'-'),
            Self::Zone => is_name(text, 32, |c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == b'-'),
            Self::Tag => {
                let (key, value) = text
                    .split_once('=')
                    .map_or((text, None), |(key, value)| (key, Some(value)));
                let is_plain =
                    |part: &str, longest| (1..=longest).contains(&part.chars().count()) && part.chars().all(is_of_tags);
                is_plain(key, TAG_KEY_MAX) && value.is_none_or(|value| is_plain(value, TAG_VALUE_MAX))
            }
            Self::Endpoint => text
                .parse::<SocketAddr>()
                .is_ok_and(|endpoint| endpoint.port() != 0 && is_host(endpoint.ip())),
            Self::Listener => text
                .parse::<SocketAddr>()
                .is_ok_and(|listener| listener.port() != 0 && !listener.ip().is_multicast()),
        }
    }
}

/// What a status document says of a holder that is no node.
const HOLDER_WORDS: [&str; 4] = ["nobody", "stranger", "former", "misplaced"];

/// The HTTP statuses that count as a good answer, both ends included.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct StatusRange {
    first: u16,
    last: u16,
}

impl StatusRange {
    /// Success and redirection: what says "I serve" unless the operator knows better.
    pub const SERVING: Self = Self { first: 200, last: 399 };

    /// Reads `"200"` or `"200-399"`; `None` when it is neither or lies outside 100 to 599.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let (first, last) = text.split_once('-').unwrap_or((text, text));
        let status = |digits: &str| {
            (digits.len() == 3 && digits.bytes().all(|c| c.is_ascii_digit()))
                .then(|| digits.parse::<u16>().ok())
                .flatten()
                .filter(|status| (100..=599).contains(status))
        };
        let range = Self {
            first: status(first)?,
            last: status(last)?,
        };
        (range.first <= range.last).then_some(range)
    }

    /// Whether `status` is a good answer.
    #[must_use]
    pub fn contains(self, status: u16) -> bool {
        (self.first..=self.last).contains(&status)
    }
}

impl std::fmt::Display for StatusRange {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(out, "{}-{}", self.first, self.last)
    }
}

fn is_short_name(text: &str) -> bool {
    is_name(text, 16, |c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == b'-')
}

fn is_name(text: &str, longest: usize, allowed: impl Fn(u8) -> bool) -> bool {
    !text.is_empty() && text.len() <= longest && text.bytes().all(allowed)
}

/// Whether EC2 takes the character in tags of any service. The value ends a tag here, so it alone may have a `=`.
fn is_of_tags(c: char) -> bool {
    c.is_alphanumeric() || c == ' ' || "+-=._:/@".contains(c)
}

fn is_absolute(text: &str) -> bool {
    text.starts_with('/') && !text.contains('\0')
}

fn is_host(address: IpAddr) -> bool {
    let broadcast = address == IpAddr::V4(Ipv4Addr::BROADCAST);
    !(address.is_unspecified() || address.is_multicast() || broadcast)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_syntax_takes_its_own_and_refuses_the_near_misses() {
        let long_path = format!("/{}", "x".repeat(107));
        for (syntax, good, bad) in [
            (Syntax::PairName, &["lb-1", "A.b_c"][..], &["", "a b", "ä"][..]),
            (
                Syntax::NodeName,
                &["a", "node-1"],
                &["", "A", "seventeen-letters", "nobody"],
            ),
            (
                Syntax::AddressName,
                &["blue", "2"],
                &["", "Blue", "203.0.113.10", "eipalloc-0123abcd"],
            ),
            (
                Syntax::HostAddress,
                &["10.0.1.10", "fd00::1"],
                &["10.0.1", "0.0.0.0", "224.0.0.1", "host"],
            ),
            (
                Syntax::PrivateIp,
                &["10.0.1.10"],
                &["fd00::1", "255.255.255.255", "10.0.1.010"],
            ),
            (
                Syntax::AllocationId,
                &["eipalloc-0123456789abcdef0", "eipalloc-0123abcd"],
                &["eipalloc-0123456789abcdef", "eipassoc-0123abcd", "eipalloc-0123ABCD"],
            ),
            (Syntax::SocketPath, &["/run/x.sock"], &["run/x.sock", "", &long_path]),
            (Syntax::FilePath, &["/etc/paird/key"], &["key", "/a\0b"]),
            (
                Syntax::UrlPath,
                &["/", "/health?deep=1"],
                &["health", "/a b", "/a\r\nX: y", "/ü"],
            ),
            (
                Syntax::Status,
                &["200", "200-399"],
                &["", "20", "0200", "399-200", "200-600", "+20"],
            ),
            (Syntax::Region, &["eu-central-1"], &["", "EU", "eu central"]),
            (Syntax::Zone, &["us-east-1a", "us-west-2-lax-1a"], &["", "US-EAST-1A"]),
            (
                Syntax::Tag,
                &["paird:pair", "paird:pair=lb-1", "Name=a b=c"],
                &["", "=lb-1", "paird:pair=", "a*", "a\nb"],
            ),
            (
                Syntax::Listener,
                &["127.0.0.1:9694", "[::1]:9694", "0.0.0.0:80"],
                &["", "9694", "127.0.0.1", "127.0.0.1:0", "localhost:9694", "224.0.0.1:80"],
            ),
        ] {
            for text in good {
                assert!(syntax.accepts(text), "{syntax:?} takes {text:?}");
            }
            for text in bad {
                assert!(!syntax.accepts(text), "{syntax:?} refuses {text:?}");
            }
        }
    }
}
