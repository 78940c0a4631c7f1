//! A plan that is still being made, for those who can begin without it. It makes none.

use std::sync::{Arc, OnceLock};

use crate::model::{Definition, Engine, Plan, Step};

/// A plan, as soon as there is one.
#[derive(Default)]
pub struct Awaited(OnceLock<Option<Arc<Plan>>>);

/// Whoever makes it. Nobody waits any more when this is gone.
pub struct Maker<'a>(&'a Awaited);

impl Awaited {
    /// For the one who makes it, on a thread that nobody who waits keeps from it.
    pub fn maker(&self) -> Maker<'_> {
        Maker(self)
    }

    /// The steps that have keys; none if no plan has come of it. Waits for it.
    pub fn steps(&self) -> impl Iterator<Item = &Step> {
        self.0.wait().iter().flat_map(|plan| &plan.steps).filter(|step| has_key(&step.definition))
    }
}

impl Maker<'_> {
    /// Here it is.
    pub fn done(self, plan: &Arc<Plan>) {
        _ = self.0.0.set(Some(Arc::clone(plan)));
    }
}

impl Drop for Maker<'_> {
    fn drop(&mut self) {
        _ = self.0.0.set(None);
    }
}

/// Whether its steps have keys. Of a test step that is not kept, executables of some members may be.
pub fn has_key(definition: &Definition) -> bool {
    definition.cache || definition.engine == Engine::CargoTest
}
