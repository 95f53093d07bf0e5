//! Credentials in hand before they are needed.
//!
//! The SDK's own cache fetches when a request finds the credentials expired, which puts IMDS in the path
//! of a takeover. A `Keyring` hands out what it holds at once; it goes to IMDS when it is told to
//! ([`Keyring::refresh`], part of keeping warm) and only in need on the way of a call.
//!
//! IMDS serves new credentials at least five minutes before the old ones expire (EC2 User Guide, "Retrieve
//! security credentials from instance metadata"), so a refresh each minute always holds valid ones.

use std::sync::{Arc, Mutex, MutexGuard};
use std::time::{Duration, Instant, SystemTime};

use aws_config::imds::Client;
use aws_config::imds::credentials::ImdsCredentialsProvider;
use aws_credential_types::Credentials;
use aws_credential_types::provider::error::CredentialsError;
use aws_credential_types::provider::{ProvideCredentials, future};

use crate::http::chain;

/// Credentials that expire sooner are fetched anew before a call.
const MARGIN: Duration = Duration::from_secs(60);
/// How long a call goes out with expired credentials before IMDS is asked again. While IMDS is down every
/// question costs a call about a second, and EC2 has been known to accept credentials past their time.
const PAUSE: Duration = Duration::from_secs(30);

/// Holds the instance's credentials.
#[derive(Debug, Clone)]
pub(crate) struct Keyring {
    inner: Arc<Inner>,
}

#[derive(Debug)]
struct Inner {
    imds: Client,
    /// The instance's role, and the SDK's provider for it, which remembers the last credentials it had.
    role: Mutex<Option<(String, Arc<ImdsCredentialsProvider>)>>,
    held: Mutex<Held>,
}

#[derive(Debug, Default)]
struct Held {
    credentials: Option<Credentials>,
    asked: Option<Instant>,
}

impl Keyring {
    pub(crate) fn new(imds: Client) -> Self {
        Self {
            inner: Arc::new(Inner {
                imds,
                role: Mutex::default(),
                held: Mutex::default(),
            }),
        }
    }

    /// Makes sure there is something to sign with, asking IMDS only when there is nothing usable.
    pub(crate) async fn ready(&self) -> Result<(), String> {
        if self.held().is_usable(Instant::now(), SystemTime::now()) {
            Ok(())
        } else {
            self.refresh().await
        }
    }

    /// Fetches credentials from IMDS. The SDK's provider answers a failure with the last ones it had, however
    /// old; it is an error only while there have never been any.
    pub(crate) async fn refresh(&self) -> Result<(), String> {
        // Noted before asking: a deadline may end this future, and the next call must not wait again.
        self.held().asked = Some(Instant::now());
        let provider = self.provider().await?;
        match provider.provide_credentials().await {
            Ok(credentials) => {
                self.held().credentials = Some(credentials);
                Ok(())
            }
            Err(error) => Err(explain(&chain(&error))),
        }
    }

    /// The provider for the role that IMDS names; if it names none in time, that for the last one.
    ///
    /// The SDK's provider would ask for the role itself, and make a path of whatever it is answered: it panics if that cannot be
    /// one. So the role is read, and looked at, here.
    async fn provider(&self) -> Result<Arc<ImdsCredentialsProvider>, String> {
        let named = match self.inner.imds.get(ROLES).await {
            Ok(text) => role(text.as_ref()),
            Err(error) => Err(explain(&chain(&error))),
        };
        let mut known = self.inner.role.lock().expect("nothing panics while it holds this lock");
        match (named, &*known) {
            (Ok(role), Some((name, provider))) if *name == role => Ok(Arc::clone(provider)),
            (Err(_), Some((_, provider))) => Ok(Arc::clone(provider)),
            (Err(error), None) => Err(error),
            (Ok(role), _) => {
                let provider = ImdsCredentialsProvider::builder()
                    .imds_client(self.inner.imds.clone())
                    .profile(role.clone())
                    .build();
                let provider = Arc::new(provider);
                *known = Some((role, Arc::clone(&provider)));
                Ok(provider)
            }
        }
    }

    fn held(&self) -> MutexGuard<'_, Held> {
        self.inner.held.lock().expect("nothing panics while it holds this lock")
    }
}

impl Held {
    fn is_usable(&self, now: Instant, wall: SystemTime) -> bool {
        let Some(credentials) = &self.credentials else {
            return false;
        };
        let is_valid = credentials.expiry().is_none_or(|expiry| expiry > wall + MARGIN);
        let asked_lately = self
            .asked
            .is_some_and(|asked| now.saturating_duration_since(asked) < PAUSE);
        is_valid || asked_lately
    }
}

impl ProvideCredentials for Keyring {
    fn provide_credentials<'a>(&'a self) -> future::ProvideCredentials<'a>
    where
        Self: 'a,
    {
        future::ProvideCredentials::ready(
            self.held()
                .credentials
                .clone()
                .ok_or_else(|| CredentialsError::not_loaded("the keyring is empty")),
        )
    }
}

/// Takes the name of a role from an answer: the characters that IAM has in names ("IAM identifiers", IAM User Guide), all of
/// which can stand in a path.
fn role(answer: &str) -> Result<String, String> {
    let name = answer.trim();
    let is_of_names = |byte: u8| byte.is_ascii_alphanumeric() || b"+=,.@_-".contains(&byte);
    if !name.is_empty() && name.bytes().all(is_of_names) {
        return Ok(name.to_owned());
    }
    let shown: String = name.chars().take(SHOWN).collect();
    Err(format!("IMDS names {shown:?} in place of a role"))
}

fn explain(text: &str) -> String {
    // An instance without a role; the SDK's error types do not tell that case apart.
    if text.contains("404") {
        format!("{text}; attach an instance profile to this instance")
    } else {
        text.to_owned()
    }
}

/// Where IMDS names the role.
const ROLES: &str = "/latest/meta-data/iam/security-credentials/";
/// Enough to recognize what answered in IMDS's place.
const SHOWN: usize = 80;

#[cfg(test)]
mod tests {
    use super::*;

    fn held(valid_for: Duration, wall: SystemTime, asked: Option<Instant>) -> Held {
        let credentials = Credentials::new("id", "secret", None, Some(wall + valid_for), "test");
        Held {
            credentials: Some(credentials),
            asked,
        }
    }

    #[test]
    fn only_the_name_of_a_role_is_asked_for() {
        assert_eq!(role("paird-role_1\n"), Ok("paird-role_1".to_owned()));
        for answer in ["", "\n", "<html><body>", "two words", "two\nlines", "a/b", "ä"] {
            assert!(role(answer).is_err(), "{answer:?}");
        }
    }

    #[test]
    fn valid_credentials_need_no_imds() {
        let (now, wall) = (Instant::now(), SystemTime::now());
        assert!(held(Duration::from_secs(61), wall, None).is_usable(now, wall));
        assert!(!held(Duration::from_secs(60), wall, None).is_usable(now, wall));
        assert!(!Held::default().is_usable(now, wall));
    }

    #[test]
    fn expired_credentials_go_out_while_imds_is_not_to_be_asked_again() {
        let (now, wall) = (Instant::now(), SystemTime::now());
        let expired = held(Duration::ZERO, wall, Some(now));
        assert!(expired.is_usable(now, wall));
        assert!(expired.is_usable(now + Duration::from_secs(29), wall));
        assert!(!expired.is_usable(now + Duration::from_secs(30), wall));
    }
}
