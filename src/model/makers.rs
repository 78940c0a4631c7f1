//! Which checkouts have had cargo make what is in a target directory.

use std::collections::BTreeMap;

/// What is known of that; what plain cargo has made stands nowhere.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Makers {
    /// By unit, as a path in the target directory (or elsewhere, where cargo is told so): the root of each checkout that
    /// made it, and when it did so last, in nanoseconds since the Unix epoch.
    pub units: BTreeMap<String, BTreeMap<String, i64>>,
}

impl Makers {
    /// Notes that the checkout at `root` made these.
    pub fn add(&mut self, root: &str, units: &BTreeMap<String, i64>) {
        for (unit, made_ns) in units {
            self.units.entry(unit.clone()).or_default().insert(root.to_owned(), *made_ns);
        }
    }
}
