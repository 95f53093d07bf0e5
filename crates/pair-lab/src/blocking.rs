//! The lab for callers without a runtime: tests and demo drive it synchronously.

use std::future::Future;
use std::io;
use std::net::Ipv4Addr;
use std::ops::Deref;
use std::thread::{self, JoinHandle};

use tokio::runtime::{Builder, Handle};
use tokio::sync::oneshot;

use crate::lab::{LabConfig, LabError};
use crate::world::Target;

/// A tokio runtime on a thread of its own; dropped, its tasks end and the thread is joined.
#[derive(Debug)]
pub struct Engine {
    handle: Handle,
    stop: Option<oneshot::Sender<()>>,
    thread: Option<JoinHandle<()>>,
}

/// A [`Lab`](crate::Lab) that runs on an engine of its own. What needs no waiting is reached through [`Deref`].
#[derive(Debug)]
pub struct Lab {
    // First, so that its endpoints close while their runtime still runs.
    lab: crate::lab::Lab,
    engine: Engine,
}

impl Engine {
    /// Starts the thread.
    ///
    /// # Errors
    /// The error of the runtime or of the thread.
    pub fn start() -> io::Result<Self> {
        let runtime = Builder::new_current_thread().enable_all().build()?;
        let handle = runtime.handle().clone();
        let (stop, stopped) = oneshot::channel::<()>();
        let thread = thread::Builder::new().name("pair-lab".to_owned()).spawn(move || {
            // Ends with the message or with the sender: both mean stop.
            runtime.block_on(stopped).ok();
        })?;
        Ok(Self {
            handle,
            stop: Some(stop),
            thread: Some(thread),
        })
    }

    /// Waits for a future, whose tasks and sockets live on the engine's thread: `engine.run(Forwarder::start(…))`.
    /// Must not be called from within an asynchronous task.
    pub fn run<F: Future>(&self, future: F) -> F::Output {
        self.handle.block_on(future)
    }
}

impl Drop for Engine {
    fn drop(&mut self) {
        drop(self.stop.take());
        if let Some(thread) = self.thread.take() {
            // A panic of the thread has been printed; there is nobody to pass it on to.
            thread.join().ok();
        }
    }
}

impl Lab {
    /// Starts an engine and a lab on it.
    ///
    /// # Errors
    /// As for [`crate::Lab::start`].
    pub fn start(config: LabConfig) -> Result<Self, LabError> {
        Self::start_on(Engine::start().map_err(LabError::Endpoint)?, config)
    }

    /// Starts a lab on an engine that exists, for example because a moto server was started on it.
    ///
    /// # Errors
    /// As for [`crate::Lab::start`].
    pub fn start_on(engine: Engine, config: LabConfig) -> Result<Self, LabError> {
        let lab = engine.run(crate::lab::Lab::start(config))?;
        Ok(Self { lab, engine })
    }

    /// Waits for a future on the lab's engine.
    pub fn run<F: Future>(&self, future: F) -> F::Output {
        self.engine.run(future)
    }

    /// As [`crate::Lab::move_address`].
    ///
    /// # Errors
    /// As there.
    pub fn move_address(&self, to: &Target) -> Result<String, LabError> {
        self.run(self.lab.move_address(to))
    }

    /// As [`crate::Lab::place_address`].
    ///
    /// # Errors
    /// As there.
    pub fn place_address(&self, allocation_id: &str, to: &Target) -> Result<String, LabError> {
        self.run(self.lab.place_address(allocation_id, to))
    }

    /// As [`crate::Lab::release_association`].
    ///
    /// # Errors
    /// As there.
    pub fn release_association(&self) -> Result<(), LabError> {
        self.run(self.lab.release_association())
    }

    /// As [`crate::Lab::allocate_address`].
    ///
    /// # Errors
    /// As there.
    pub fn allocate_address(&self, public_ip: Ipv4Addr) -> Result<String, LabError> {
        self.run(self.lab.allocate_address(public_ip))
    }

    /// As [`crate::Lab::stop_instance`].
    ///
    /// # Errors
    /// As there.
    pub fn stop_instance(&self, node: &str) -> Result<(), LabError> {
        self.run(self.lab.stop_instance(node))
    }

    /// As [`crate::Lab::tag`].
    ///
    /// # Errors
    /// As there.
    pub fn tag(&self, resource_id: &str, tag: (&str, &str)) -> Result<(), LabError> {
        self.run(self.lab.tag(resource_id, tag))
    }

    /// As [`crate::Lab::start_instance`].
    ///
    /// # Errors
    /// As there.
    pub fn start_instance(&self, node: &str) -> Result<(), LabError> {
        self.run(self.lab.start_instance(node))
    }
}

impl Deref for Lab {
    type Target = crate::lab::Lab;

    fn deref(&self) -> &crate::lab::Lab {
        &self.lab
    }
}
