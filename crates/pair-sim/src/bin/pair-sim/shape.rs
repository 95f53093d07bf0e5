//! What the pair of a random history is like.

use pair_sim::Shape;

#[derive(Debug, clap::Args)]
pub(crate) struct ShapeArgs {
    /// How many addresses the pair has.
    #[arg(long, value_name = "NUMBER", default_value_t = Shape::default().addresses,
          value_parser = clap::value_parser!(u8).range(addresses()))]
    addresses: u8,
    /// Find the members by their tag: instances come, wait, and replace each other.
    #[arg(long)]
    found: bool,
}

impl ShapeArgs {
    pub(crate) const fn shape(&self) -> Shape {
        Shape {
            addresses: self.addresses,
            is_found: self.found,
        }
    }
}

fn addresses() -> std::ops::RangeInclusive<i64> {
    let (fewest, most) = Shape::ADDRESSES.into_inner();
    fewest.into()..=most.into()
}
