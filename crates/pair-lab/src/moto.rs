//! moto, an EC2 that nobody here wrote, as a lab's backend.

mod server;
mod world;

pub use server::{Server, ServerError, find};
pub use world::create_world;

pub(crate) use world::allocate;
