//! Where EC2 and IMDS are, and why there.

/// Redirects EC2 calls, and nothing else.
const ENDPOINT_URL_EC2: &str = "AWS_ENDPOINT_URL_EC2";
/// Redirects every AWS service; the service's own variable wins.
const ENDPOINT_URL: &str = "AWS_ENDPOINT_URL";
/// Redirects the instance metadata service.
const METADATA_ENDPOINT: &str = "AWS_EC2_METADATA_SERVICE_ENDPOINT";
/// `IPv6` moves the metadata service to its IPv6 address.
const METADATA_ENDPOINT_MODE: &str = "AWS_EC2_METADATA_SERVICE_ENDPOINT_MODE";
/// `true` asks for the FIPS endpoint of the region.
const USE_FIPS: &str = "AWS_USE_FIPS_ENDPOINT";
/// `true` asks for the endpoint that has IPv6 too, for subnets without IPv4 egress.
const USE_DUAL_STACK: &str = "AWS_USE_DUALSTACK_ENDPOINT";

/// The link-local address of IMDS (Amazon EC2 User Guide, "Use the Instance Metadata Service").
const METADATA_IPV4: &str = "http://169.254.169.254";
/// Its IPv6 twin.
const METADATA_IPV6: &str = "http://[fd00:ec2::254]";

/// Names a service's address and, when it is not the ordinary one, the variable that moved it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Endpoint {
    /// The URL requests go to.
    pub url: String,
    /// The environment variable that redirects the service; `None` for the real AWS address. Worth a
    /// warning in the log: a forgotten variable sends the failover somewhere else.
    pub redirected_by: Option<&'static str>,
}

impl Endpoint {
    /// Refuses at start what would otherwise fail each call: the SDK takes any text for a URL.
    pub(crate) fn check(&self, service: &'static str) -> Result<(), ConnectError> {
        let bad = |cause| ConnectError::Url {
            service,
            url: self.url.clone(),
            cause,
        };
        let rest = ["http://", "https://"]
            .iter()
            .find_map(|scheme| self.url.strip_prefix(scheme))
            .ok_or_else(|| bad("it begins with neither http:// nor https://"))?;
        let host = rest.split('/').next().unwrap_or_default();
        if host.is_empty() || host.starts_with(':') {
            return Err(bad("it names no host"));
        }
        if self.url.contains(|c: char| c.is_whitespace() || c.is_control()) {
            return Err(bad("it contains white space"));
        }
        Ok(())
    }
}

/// Says where to find EC2 and IMDS.
///
/// Read from a fixed list of environment variables and from nothing else: no `~/.aws/config`, no profile,
/// no access key. A stray file or key on the host cannot change who calls what.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Settings {
    /// The region to call; `None` takes the instance's own, which [`crate::Identity`] carries.
    pub region: Option<String>,
    /// EC2's address; `None` is the region's public endpoint.
    pub ec2: Option<Endpoint>,
    /// IMDS's address; `None` is the link-local IPv4 address.
    pub imds: Option<Endpoint>,
    /// Whether to use the region's FIPS endpoint (`AWS_USE_FIPS_ENDPOINT`).
    pub use_fips: bool,
    /// Whether to use the region's dual-stack endpoint (`AWS_USE_DUALSTACK_ENDPOINT`).
    pub use_dual_stack: bool,
}

impl Settings {
    /// Reads the settings from the process's environment.
    ///
    /// `AWS_ENDPOINT_URL_EC2`, `AWS_ENDPOINT_URL`, `AWS_EC2_METADATA_SERVICE_ENDPOINT`,
    /// `AWS_EC2_METADATA_SERVICE_ENDPOINT_MODE`, `AWS_USE_FIPS_ENDPOINT` and `AWS_USE_DUALSTACK_ENDPOINT`
    /// mean what they mean to every AWS tool; an empty value counts as unset. The region is left to the
    /// caller: on an instance it is a fact, not a setting.
    #[must_use]
    pub fn from_env() -> Self {
        Self::from_lookup(|name| std::env::var(name).ok())
    }

    fn from_lookup(lookup: impl Fn(&str) -> Option<String>) -> Self {
        let value = |name: &str| lookup(name).filter(|value| !value.is_empty());
        let endpoint = |name: &'static str| {
            value(name).map(|url| Endpoint {
                url,
                redirected_by: Some(name),
            })
        };
        let is_on = |name: &str| value(name).is_some_and(|text| text.eq_ignore_ascii_case("true"));
        let imds_over_ipv6 = || {
            let mode = value(METADATA_ENDPOINT_MODE)?;
            mode.eq_ignore_ascii_case("ipv6").then(|| Endpoint {
                url: METADATA_IPV6.to_owned(),
                redirected_by: None,
            })
        };
        Self {
            region: None,
            ec2: endpoint(ENDPOINT_URL_EC2).or_else(|| endpoint(ENDPOINT_URL)),
            imds: endpoint(METADATA_ENDPOINT).or_else(imds_over_ipv6),
            use_fips: is_on(USE_FIPS),
            use_dual_stack: is_on(USE_DUAL_STACK),
        }
    }

    pub(crate) fn imds_endpoint(&self) -> Endpoint {
        self.imds.clone().unwrap_or_else(|| Endpoint {
            url: METADATA_IPV4.to_owned(),
            redirected_by: None,
        })
    }
}

/// Says why a client could not be built. Nothing was sent; only another configuration helps.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ConnectError {
    /// The address given for a service is no URL.
    #[error("{url:?} is no valid URL for {service}: {cause}")]
    Url {
        /// `EC2` or `IMDS`.
        service: &'static str,
        /// The value given.
        url: String,
        /// What is wrong with it.
        cause: &'static str,
    },
    /// No endpoint is known for the region and options asked for.
    #[error("no EC2 endpoint for region {region:?}: {cause}")]
    Region {
        /// The region asked for.
        region: String,
        /// What the SDK says.
        cause: String,
    },
}

#[cfg(test)]
mod tests {
    use super::*;

    fn settings(vars: &[(&str, &str)]) -> Settings {
        Settings::from_lookup(|name| {
            let (_, value) = vars.iter().find(|(key, _)| *key == name)?;
            Some((*value).to_owned())
        })
    }

    #[test]
    fn an_empty_environment_redirects_nothing() {
        let settings = settings(&[]);
        assert_eq!(settings, Settings::default());
        assert_eq!(settings.imds_endpoint().url, "http://169.254.169.254");
        assert_eq!(settings.imds_endpoint().redirected_by, None);
    }

    #[test]
    fn the_variable_of_the_service_wins_over_the_general_one() {
        let both = settings(&[
            ("AWS_ENDPOINT_URL", "http://127.0.0.1:1"),
            ("AWS_ENDPOINT_URL_EC2", "http://127.0.0.1:2"),
        ]);
        let general = settings(&[("AWS_ENDPOINT_URL", "http://127.0.0.1:1")]);
        assert_eq!(
            both.ec2,
            Some(Endpoint {
                url: "http://127.0.0.1:2".to_owned(),
                redirected_by: Some("AWS_ENDPOINT_URL_EC2"),
            })
        );
        assert_eq!(
            general.ec2,
            Some(Endpoint {
                url: "http://127.0.0.1:1".to_owned(),
                redirected_by: Some("AWS_ENDPOINT_URL"),
            })
        );
    }

    #[test]
    fn an_empty_variable_counts_as_unset() {
        assert_eq!(settings(&[("AWS_ENDPOINT_URL_EC2", "")]).ec2, None);
    }

    #[test]
    fn the_metadata_endpoint_wins_over_its_mode() {
        let mode = settings(&[("AWS_EC2_METADATA_SERVICE_ENDPOINT_MODE", "IPv6")]);
        let both = settings(&[
            ("AWS_EC2_METADATA_SERVICE_ENDPOINT_MODE", "IPv6"),
            ("AWS_EC2_METADATA_SERVICE_ENDPOINT", "http://127.0.0.1:3"),
        ]);
        assert_eq!(mode.imds_endpoint().url, "http://[fd00:ec2::254]");
        assert_eq!(mode.imds_endpoint().redirected_by, None);
        assert_eq!(both.imds_endpoint().url, "http://127.0.0.1:3");
        assert_eq!(
            both.imds_endpoint().redirected_by,
            Some("AWS_EC2_METADATA_SERVICE_ENDPOINT")
        );
    }

    #[test]
    fn what_is_no_url_is_refused_at_start() {
        let checked = |url: &str| {
            let endpoint = Endpoint {
                url: url.to_owned(),
                redirected_by: None,
            };
            endpoint.check("EC2").map_err(|error| error.to_string())
        };
        assert_eq!(checked("http://127.0.0.1:5000"), Ok(()));
        assert_eq!(checked("https://ec2.example/path"), Ok(()));
        assert_eq!(
            checked("127.0.0.1:5000"),
            Err("\"127.0.0.1:5000\" is no valid URL for EC2: it begins with neither http:// nor https://".to_owned())
        );
        assert!(checked("http://:5000").is_err());
        assert!(checked("http://127.0.0.1 :5000").is_err());
    }

    #[test]
    fn only_the_word_true_turns_an_option_on() {
        assert!(settings(&[("AWS_USE_FIPS_ENDPOINT", "TRUE")]).use_fips);
        assert!(!settings(&[("AWS_USE_FIPS_ENDPOINT", "1")]).use_fips);
        assert!(settings(&[("AWS_USE_DUALSTACK_ENDPOINT", "true")]).use_dual_stack);
    }
}
