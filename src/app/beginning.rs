//! What a run begins with: what earlier ones have left, the tools, and the files as they are. Most of it does not depend on the
//! plan, and is looked at while that is made.

use std::sync::Arc;

use super::housekeeping::home;
use super::planned::Planned;
use super::{Error, Lifecycle, keep};
use crate::environment::Environment;
use crate::hash_cache::FileHashCache;
use crate::home::Home;
use crate::keys::{Awaited, Looked, has_key};
use crate::model::EventKind;
use crate::plan::Expansion;
use crate::state::State;
use crate::store::Records;

/// Everything that a run begins with.
pub struct Beginning<'p> {
    pub past: Past,
    pub around: Environment,
    pub looked: Looked<'p>,
}

/// What earlier runs have left.
pub struct Past {
    pub home: Home,
    pub state: State,
    pub records: Records,
    pub cache: Arc<FileHashCache>,
    pub warnings: Vec<String>,
    /// Whether there is no use in trying to keep anything, which the warnings tell.
    pub is_blocked: bool,
}

impl<'p> Beginning<'p> {
    /// Looks at it, on the threads of the pool, and meanwhile makes the plan, on this thread; tells as soon as there is one.
    pub fn with_plan<'l>(
        lifecycle: &'l Lifecycle,
        expansion: &'p Expansion<'p>,
        planned: impl FnOnce(&Planned<'l>),
    ) -> Result<(Planned<'l>, Self), Error> {
        let phases = &lifecycle.options.phases;
        let mut named = phases.iter().filter_map(|name| lifecycle.project.named(name));
        let is_kept = |id| lifecycle.project.phase(id).definition.as_deref().is_some_and(has_key);
        // Else it is left to the plan, which may have no use for any file.
        let are_needed = named.any(is_kept);
        let (awaited, mut beginning) = (Awaited::default(), None);
        let span = tracing::Span::current();
        let plan = lifecycle.pool.in_place_scope(|scope| {
            scope.spawn(|_| {
                let look = || Self::look(lifecycle, expansion, (&awaited, are_needed));
                beginning = Some(span.in_scope(look));
            });
            let maker = awaited.maker();
            let plan = Planned::new(lifecycle, phases)?;
            maker.done(&plan.plan);
            planned(&plan);
            Ok::<_, Error>(plan)
        })?;
        Ok((plan, beginning.unwrap_or_else(|| unreachable!("the scope is over"))))
    }

    /// All side by side.
    fn look(lifecycle: &Lifecycle, expansion: &'p Expansion<'p>, plan: (&Awaited, bool)) -> Self {
        let home = home(lifecycle);
        // What cannot be read is looked at anew.
        let seen = || crate::atomic::read(&keep::seen(&home)).unwrap_or_default();
        let cache = lifecycle.digests.take(&home);
        let looked = || Looked::new(plan, expansion, &cache, seen);
        let around = || crate::environment::look(&lifecycle.workspace, &lifecycle.invocation);
        // The files come first: whoever is done with the others helps with them.
        let (looked, (past, around)) =
            rayon::join(looked, || rayon::join(|| Past::load(home.clone(), Arc::clone(&cache)), around));
        Self { past, around, looked }
    }
}

impl Past {
    fn load(home: Home, cache: Arc<FileHashCache>) -> Self {
        let (state, state_warning) = State::load(&home);
        let (records, records_warning) = Records::load(&home);
        let obstacle = home.obstacle();
        let warnings = match &obstacle {
            // Each of the others would only say the same.
            Some(error) => vec![keep::unkept(&home, error)],
            None => [state_warning, records_warning].into_iter().flatten().collect(),
        };
        Self { home, state, records, cache, warnings, is_blocked: obstacle.is_some() }
    }

    /// Digests of files are read when somebody asks for one.
    pub fn warn_of_digests(&self, events: &mut dyn FnMut(EventKind)) {
        // That there is an obstacle says more.
        let warning = self.cache.warning().filter(|_| !self.is_blocked);
        warning.into_iter().for_each(|text| events(EventKind::Warned(text)));
    }
}
