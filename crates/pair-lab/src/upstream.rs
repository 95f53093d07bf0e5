//! Another EC2 behind the front: requests pass through, and what they change is learned from the answers.

use std::net::SocketAddr;

use bytes::Bytes;
use http_body_util::Full;
use hyper::header::{CONNECTION, CONTENT_LENGTH, TRANSFER_ENCODING};
use hyper::{Request, Response, http::request::Parts};
use tokio::sync::Mutex;

use crate::http::{self, HttpError};
use crate::query::Query;
use crate::query_client::{QueryClient, QueryError, required};
use crate::register::{Address, Association};
use crate::shared::Shared;
use crate::world::Machine;
use crate::xml::Element;

/// The EC2 that answers.
#[derive(Debug)]
pub(crate) struct Upstream {
    addr: SocketAddr,
    admin: QueryClient,
    /// One change at a time, so what was learned last is what was done last.
    changing: Mutex<()>,
}

/// An answer that passed through.
#[derive(Debug)]
pub(crate) struct Passed {
    pub(crate) reply: Response<Bytes>,
    /// EC2's error code, if it is an error.
    pub(crate) error: Option<String>,
    /// The association that the call made.
    pub(crate) association_id: Option<String>,
}

impl Upstream {
    /// Names the EC2; nothing is sent.
    pub(crate) fn new(addr: SocketAddr) -> Self {
        Self {
            addr,
            admin: QueryClient::new(addr, ADMIN_KEY),
            changing: Mutex::default(),
        }
    }

    /// Passes a request on as it came, signature and all, on a connection of its own, and notes what it changed.
    pub(crate) async fn pass(
        &self,
        shared: &Shared,
        query: &Query,
        parts: &Parts,
        body: &Bytes,
    ) -> Result<Passed, HttpError> {
        let is_mutating = query.known_action().is_some_and(crate::action::Action::is_mutating);
        let _turn = if is_mutating {
            Some(self.changing.lock().await)
        } else {
            None
        };
        let reply = http::send(self.addr, copy_of(parts, body)).await?;
        let document = Element::parse(&String::from_utf8_lossy(reply.body())).ok();
        let text = |name| {
            document
                .as_ref()
                .and_then(|document| document.text_of(name))
                .map(str::to_owned)
        };
        if !reply.status().is_success() {
            let error = text("Code").or_else(|| Some("unreadable".to_owned()));
            return Ok(Passed {
                reply,
                error,
                association_id: None,
            });
        }
        let association_id = text("associationId").filter(|_| query.action == "AssociateAddress");
        if is_mutating && let Some(seen) = effect(shared, query, association_id.as_deref()) {
            shared.register().mirror(shared.clock.ms(), seen);
        }
        Ok(Passed {
            reply,
            error: None,
            association_id,
        })
    }

    /// Reads where all addresses of the account are.
    pub(crate) async fn addresses(&self) -> Result<Vec<Address>, QueryError> {
        let answer = self.admin.call("DescribeAddresses", &[]).await?;
        answer.items_of("addressesSet").map(read_address).collect()
    }

    /// Moves an address as an operator would.
    pub(crate) async fn associate(
        &self,
        shared: &Shared,
        address: Address,
        to: &Machine,
    ) -> Result<String, QueryError> {
        let _turn = self.changing.lock().await;
        let private_ip = to.private_ip();
        let params = [
            ("AllocationId", address.allocation_id.as_str()),
            ("NetworkInterfaceId", &to.network_interface_id),
            ("PrivateIpAddress", &private_ip.to_string()),
            ("AllowReassociation", "true"),
        ];
        let id = self
            .admin
            .call_for("AssociateAddress", &params, "associationId")
            .await?;
        let network_interface_id = to.network_interface_id.clone();
        let association = Some(Association {
            id: id.clone(),
            network_interface_id,
            private_ip,
        });
        shared
            .register()
            .mirror(shared.clock.ms(), Address { association, ..address });
        Ok(id)
    }

    /// Ends an association as an operator would.
    pub(crate) async fn disassociate(&self, shared: &Shared, address: Address) -> Result<(), QueryError> {
        let _turn = self.changing.lock().await;
        if let Some(held) = &address.association {
            self.admin
                .call("DisassociateAddress", &[("AssociationId", &held.id)])
                .await?;
        }
        shared.register().mirror(
            shared.clock.ms(),
            Address {
                association: None,
                ..address
            },
        );
        Ok(())
    }

    /// Makes any call as the administrator.
    pub(crate) fn admin(&self) -> &QueryClient {
        &self.admin
    }
}

/// Says what a successful change did, as far as its parameters tell.
fn effect(shared: &Shared, query: &Query, association_id: Option<&str>) -> Option<Address> {
    let register = shared.register();
    let Some(id) = association_id else {
        let released = register.by_association(query.param("AssociationId")?)?;
        return Some(Address {
            association: None,
            ..released.clone()
        });
    };
    let address = register.address(query.param("AllocationId")?)?.clone();
    let machine = match query.param("NetworkInterfaceId") {
        Some(interface) => shared.world.by_interface(interface)?,
        None => shared.world.by_instance(query.param("InstanceId")?)?,
    };
    let private_ip = query
        .param("PrivateIpAddress")
        .and_then(|ip| ip.parse().ok())
        .unwrap_or(machine.private_ip());
    let network_interface_id = machine.network_interface_id.clone();
    let association = Some(Association {
        id: id.to_owned(),
        network_interface_id,
        private_ip,
    });
    Some(Address { association, ..address })
}

fn read_address(item: &Element) -> Result<Address, QueryError> {
    let action = "DescribeAddresses";
    let public_ip = required(item, action, "publicIp")?;
    let public_ip = public_ip.parse().map_err(|_| QueryError::Unreadable {
        action: action.to_owned(),
        missing: "a valid publicIp".to_owned(),
    })?;
    let association = item
        .text_of("associationId")
        .zip(item.text_of("networkInterfaceId"))
        .and_then(|(id, interface)| {
            let private_ip = item.text_of("privateIpAddress")?.parse().ok()?;
            Some(Association {
                id: id.to_owned(),
                network_interface_id: interface.to_owned(),
                private_ip,
            })
        });
    Ok(Address {
        allocation_id: required(item, action, "allocationId")?,
        public_ip,
        association,
    })
}

/// Copies a request; how it was framed on the caller's connection stays behind.
fn copy_of(parts: &Parts, body: &Bytes) -> Request<Full<Bytes>> {
    let mut request = Request::new(Full::new(body.clone()));
    *request.method_mut() = parts.method.clone();
    *request.uri_mut() = parts.uri.clone();
    *request.headers_mut() = parts.headers.clone();
    for framing in [CONNECTION, CONTENT_LENGTH, TRANSFER_ENCODING] {
        request.headers_mut().remove(framing);
    }
    request
}

/// The access key id of the lab's administrator.
pub(crate) const ADMIN_KEY: &str = "AKIALABADMIN00000000";
