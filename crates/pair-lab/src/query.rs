//! A request of the EC2 Query API: an action, its parameters, and who asks.

use std::collections::BTreeMap;

use hyper::HeaderMap;
use hyper::header::{AUTHORIZATION, USER_AGENT};

use crate::action::Action;
use crate::world::World;

/// A parsed request.
#[derive(Debug, Clone)]
pub(crate) struct Query {
    /// The wire name of the action; empty if the caller named none.
    pub(crate) action: String,
    /// The other parameters, without the API version.
    pub(crate) params: BTreeMap<String, String>,
    /// The machine whose credentials signed the request, or [`OTHER`].
    pub(crate) node: String,
    /// The caller's `User-Agent`.
    pub(crate) user_agent: String,
}

impl Query {
    /// Reads headers and form. Anything is a query: what it lacks, the action will miss.
    pub(crate) fn read(headers: &HeaderMap, form: &[u8], world: &World) -> Self {
        let mut params: BTreeMap<String, String> = form_urlencoded::parse(form).into_owned().collect();
        let action = params.remove("Action").unwrap_or_default();
        params.remove("Version");
        let header = |name| {
            headers
                .get(name)
                .and_then(|value| value.to_str().ok())
                .unwrap_or_default()
        };
        let node = access_key(header(AUTHORIZATION))
            .and_then(|key| world.name_by_key(key))
            .unwrap_or(OTHER);
        Self {
            action,
            params,
            node: node.to_owned(),
            user_agent: header(USER_AGENT).to_owned(),
        }
    }

    /// Gives the action, if it is one the emulator knows.
    pub(crate) fn known_action(&self) -> Option<Action> {
        Action::from_wire(&self.action)
    }

    /// Gives a parameter.
    pub(crate) fn param(&self, name: &str) -> Option<&str> {
        self.params.get(name).map(String::as_str)
    }

    /// Whether a boolean parameter is there and true.
    pub(crate) fn is_set(&self, name: &str) -> bool {
        self.param(name).is_some_and(|value| value.eq_ignore_ascii_case("true"))
    }

    /// Lists the values of `name.1`, `name.2` and so on.
    pub(crate) fn list(&self, name: &str) -> Vec<&str> {
        let mut numbered: Vec<(u32, &str)> = self
            .params
            .iter()
            .filter_map(|(key, value)| Some((numbered(key, name)?.parse().ok()?, value.as_str())))
            .collect();
        numbered.sort_unstable();
        numbered.into_iter().map(|(_, value)| value).collect()
    }

    /// Lists the filters: a name and the values any of which will do.
    pub(crate) fn filters(&self) -> Vec<(&str, Vec<&str>)> {
        self.params
            .iter()
            .filter_map(|(key, name)| {
                let number = numbered(key, "Filter")?.strip_suffix(".Name")?;
                Some((name.as_str(), self.list(&format!("Filter.{number}.Value"))))
            })
            .collect()
    }
}

/// Gives what follows `name.` in a numbered parameter's key.
fn numbered<'key>(key: &'key str, name: &str) -> Option<&'key str> {
    key.strip_prefix(name)?.strip_prefix('.')
}

/// Finds the access key id in a signature header (`… Credential=KEY/date/region/service/aws4_request, …`).
fn access_key(authorization: &str) -> Option<&str> {
    authorization.split_once("Credential=")?.1.split('/').next()
}

/// The name of a caller that is no machine of the lab.
pub(crate) const OTHER: &str = "other";

#[cfg(test)]
mod tests {
    use std::net::Ipv4Addr;

    use hyper::header::HeaderValue;

    use super::*;
    use crate::world::NodeSpec;

    fn query(form: &str) -> Query {
        let world = World::invent(&[NodeSpec::new("a", Ipv4Addr::LOCALHOST, "us-east-1a")]);
        let mut headers = HeaderMap::new();
        let signature = format!(
            "AWS4-HMAC-SHA256 Credential={}/20260101/us-east-1/ec2/aws4_request, SignedHeaders=host, Signature=00",
            world.nodes[0].access_key_id
        );
        headers.insert(AUTHORIZATION, HeaderValue::from_str(&signature).unwrap());
        Query::read(&headers, form.as_bytes(), &world)
    }

    #[test]
    fn the_caller_is_known_by_its_access_key() {
        assert_eq!(query("Action=X").node, "a");
        let world = World::invent(&[]);
        assert_eq!(Query::read(&HeaderMap::new(), b"Action=X", &world).node, OTHER);
    }

    #[test]
    fn lists_and_filters_are_read_in_order() {
        let query = query(
            "Action=DescribeAddresses&Version=2016-11-15&AllocationId.2=two&AllocationId.1=one&AllocationId.10=ten\
             &Filter.1.Name=allocation-id&Filter.1.Value.1=x&Filter.1.Value.2=y&DryRun=True",
        );
        assert_eq!(query.known_action(), Some(Action::DescribeAddresses));
        assert_eq!(query.list("AllocationId"), ["one", "two", "ten"]);
        assert_eq!(query.filters(), [("allocation-id", vec!["x", "y"])]);
        assert!(query.is_set("DryRun"));
        assert_eq!(query.param("Version"), None);
    }
}
