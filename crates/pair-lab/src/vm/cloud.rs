//! Everything around the machines: the router with the internet gateway, EC2 and IMDS, the origin server, and a client.
//!
//! It is that of the lab (`docs/LAB.md`), but that the legs to `a` and `b` are taps, at which qemu puts a machine.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context as _, Result};
use pair_lab::blocking::{Engine, Lab};
use pair_lab::{Holder, NODE_HEADER, NodeSpec, get};

use super::ground::OnTheRouter;
use super::seed::landing;
use crate::testbed::gateway::Gateway;
use crate::testbed::network::{self, CLIENT, ELASTIC_IP, NODE_A, NODE_B, ORIGIN};
use crate::testbed::place::Place;
use crate::testbed::{bed, origin};

/// The cloud, running.
#[derive(Debug)]
pub(crate) struct Cloud {
    // Fields end in this order: who asks before who answers.
    client: (Place, Arc<Engine>),
    _origin: Engine,
    lab: Arc<Lab>,
    router: Arc<Place>,
}

impl Cloud {
    /// Opens it; nobody holds the Elastic IP.
    ///
    /// # Errors
    /// If something of it cannot be made.
    pub(crate) fn open() -> Result<Self> {
        let router = Arc::new(Place::found("router", || Ok(()))?);
        network::prepare_router(&router)?;
        for host in [NODE_A, NODE_B] {
            network::open_socket(&router, host)?;
        }
        let mut config =
            bed::emulated(
                &[(NODE_A, "us-east-1a"), (NODE_B, "us-east-1b")].map(|(host, zone)| NodeSpec {
                    extra_private_ips: vec![landing(host)],
                    ..NodeSpec::new(host.name, host.address, zone)
                }),
            );
        config.ground = Arc::new(OnTheRouter);
        let lab = router.run(move || -> Result<_> {
            let engine = Engine::start().context("cannot start the cloud")?;
            Lab::start_on(engine, config).context("cannot open EC2 and IMDS")
        })?;
        let lab = Arc::new(lab);
        let gateway = Gateway::open(&router, lab.clock())?;
        bed::follow(&lab, &gateway)?;
        let at_origin = Place::found(ORIGIN.name, || Ok(()))?;
        network::connect(&router, &at_origin, ORIGIN, None)?;
        let at_client = Place::found(CLIENT.name, || Ok(()))?;
        network::connect(&router, &at_client, CLIENT, None)?;
        let client = at_client.run(Engine::start).context("cannot start the client")?;
        Ok(Self {
            client: (at_client, Arc::new(client)),
            _origin: origin::start(&at_origin)?,
            lab,
            router,
        })
    }

    /// Says which node answers a client that asks the Elastic IP; `None` if none does.
    pub(crate) fn answering_node(&self) -> Option<String> {
        let addr = SocketAddr::from((ELASTIC_IP, 80));
        let (place, engine) = &self.client;
        let engine = Arc::clone(engine);
        // A socket belongs to the network of the thread that opens it.
        let answer =
            place.run(move || engine.run(async { tokio::time::timeout(CLIENT_PATIENCE, get(addr, "/")).await }));
        let answer = answer.ok()?.ok()?;
        let node = answer.headers().get(NODE_HEADER)?.to_str().ok()?;
        Some(node.to_owned())
    }

    /// Says which node EC2 has the Elastic IP on.
    pub(crate) fn holder(&self) -> Option<String> {
        match self.lab.holder()? {
            Holder::Node(name) => Some(name),
            Holder::Outside(_) => None,
        }
    }

    /// How often the Elastic IP has been put somewhere.
    pub(crate) fn moves(&self) -> usize {
        self.lab.ownership().len()
    }

    /// The emulated account.
    pub(crate) fn lab(&self) -> &Lab {
        &self.lab
    }

    /// Where the machines are plugged in.
    pub(crate) fn router(&self) -> &Arc<Place> {
        &self.router
    }
}

/// How long a client waits for one answer; an emulated HAProxy is slow.
const CLIENT_PATIENCE: Duration = Duration::from_secs(5);
