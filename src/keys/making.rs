//! What a step's key is made of: its members, their files and what they depend on, its commands, variables and the machine.
//! It looks at no file but sources that name modules outside of their folder.

use std::borrow::Cow;
use std::ffi::OsString;
use std::path::Path;
use std::sync::Arc;

use super::coverage::Class;
use super::reads;
use super::sets::Set;
use super::state::State;
use super::variables::{LIBRARY_PATH, is_of_tests, without_toolchains};
use super::{Key, Keys};
use crate::fingerprint::{Around, Covered, Description, StepFacts, Tag};
use crate::hash_cache::escaping;
use crate::model::{Digest, Engine, MemberId, Placeholder, Reason, Step, Subject};
use crate::relative::cleaned;

/// What a step's key takes from the state.
struct Facts<'f> {
    members: Vec<(Arc<str>, Digest)>,
    besides: Vec<(&'f str, Digest)>,
    targets: Option<Digest>,
    everything: Option<Digest>,
    generation: u64,
}

impl Keys<'_> {
    /// The step's key now; `made`: what the steps that it waits for made.
    ///
    /// # Errors
    /// Why it has none: a file cannot be read, or a source names a module that the key cannot cover.
    pub fn key(&self, step: &Step, made: &[(&str, Digest)]) -> Result<Key, Reason> {
        let (class, variables) = (self.coverage.class_of_step(step), self.variables(step));
        let facts = {
            let state = &*self.state();
            if let Some(path) = self.unreadable(state, step) {
                return Err(Reason::Unreadable(path));
            }
            let follows = reads::follows_modules(step) && self.leads_out(state, step)?;
            let members = self.member_parts(state, step).ok_or_else(|| Reason::Unreadable("a dependency".into()))?;
            let everywhere = reads::covers_everything(step) || follows || self.coverage.chooses_packages(step);
            let everything = everywhere.then(|| self.everything(state, self.coverage.class_of_everything(step.phase)));
            let targets = reads::compiles(step).then(|| self.targets(state));
            Facts {
                members,
                besides: self.besides(state, step, class),
                targets,
                everything,
                generation: state.generation,
            }
        };
        let described = StepFacts {
            phase: &self.expansion.project.phase(step.phase).name,
            definition: &step.definition,
            places: self.places(step),
            root: reads::runs_tests(step).then(|| &*self.expansion.workspace.root),
            selection: self.selection(step),
            args: if step.takes_args { self.expansion.args } else { &[] },
            flags: self.flags(step),
            variables: variables.iter().map(|(name, value)| (&**name, value.clone())).collect(),
            environment: self.environment,
            members: facts.members.iter().map(|(name, part)| (&**name, *part)).collect(),
            besides: facts.besides,
            targets: facts.targets,
            made,
            everything: facts.everything,
        };
        let described = described.describe().finish();
        let digest = self.parts.keep(described);
        Ok(Key { digest, generation: facts.generation })
    }

    /// The sets that the step's key covers besides what its members' parts tell, by the names that it gives them.
    fn besides(&self, state: &State, step: &Step, class: Class) -> Vec<(&str, Digest)> {
        let sets = self.coverage.besides(step, &state.holds);
        let besides = sets.iter().filter_map(|id| {
            let name = match id.0 {
                Class::Rooted(_) => "/",
                Class::Inputs(_) if id.0 == class => return None,
                // It is among the files that members' parts tell of.
                Class::Data => return None,
                // Nearly always there is nothing in it, in any of the areas.
                Class::IgnoredSources | Class::IgnoredLess(_) if !state.holds.contains(id) => return None,
                Class::Default | Class::Less(_) if !self.coverage.is_unnamed(*id) => return None,
                _ => self.coverage.name(id.1),
            };
            Some((name, state.sets.get(id)?.digest))
        });
        besides.collect()
    }

    /// What cannot be read of what the step's key covers, if there is anything.
    fn unreadable(&self, state: &State, step: &Step) -> Option<Arc<str>> {
        if state.unreadable.is_empty() {
            return None;
        }
        let covered = self.coverage.of(step);
        let everywhere = reads::covers_everything(step);
        let around = |set: &Set| {
            // Of what cargo compiles it tells all that it has read.
            let link = set.leads_around.as_ref().filter(|_| !reads::is_told(step))?;
            (link.is_outside || !everywhere).then(|| Arc::clone(&link.why))
        };
        covered.intersection(&state.unreadable).find_map(|id| {
            let set = state.sets.get(id)?;
            set.unreadable.clone().or_else(|| around(set))
        })
    }

    fn member_parts(&self, state: &State, step: &Step) -> Option<Vec<(Arc<str>, Digest)>> {
        let workspace = self.expansion.workspace;
        let class = self.coverage.class_of_step(step);
        let sets = &state.sets;
        let files = |area: usize| {
            let id = self.coverage.set(class, area);
            sets.get(&id).map(|set| set.digest)
        };
        let root_only = matches!(class, Class::Inputs(_)) && step.subject == Subject::Workspace;
        if root_only {
            return Some(vec![("".into(), files(self.coverage.root)?)]);
        }
        let members = self.coverage.members_of(step);
        let dependencies = reads::covers_dependencies(step);
        let covered = Covered { class: class.number(), own: true, dependencies };
        let around = Around { workspace, covered, files: &files };
        let part = |id: MemberId| Some((Arc::clone(&workspace.member(id).name), self.parts.member(around, id)?));
        members.into_iter().map(part).collect()
    }

    /// Whether a target or a source of the step's members names a file outside of its folder, which rustfmt follows.
    ///
    /// # Errors
    /// The source, if the module is none of the files that a key can cover.
    fn leads_out(&self, state: &State, step: &Step) -> Result<bool, Reason> {
        let mut leads = false;
        let covering = self.covering(state, step);
        for member in step.subject.members() {
            let Some(set) = state.sets.get(&self.coverage.set(Class::Default, member.index())) else { continue };
            let dir = self.coverage.areas.dir(member.index());
            let package = self.expansion.workspace.member(*member).package.as_ref();
            for source in package.iter().flat_map(|package| &package.outside_sources) {
                if !covering.file(source) {
                    return Err(Reason::EscapingModule(source.to_string_lossy().into()));
                }
                leads = true;
            }
            for file in &set.escaping {
                let path = dir.join(file);
                let source = self.disk().read(&path).unwrap_or_default();
                let from = path.parent().unwrap_or(dir);
                let module = |value: &[u8]| cleaned(&from.join(&*String::from_utf8_lossy(value)));
                if !escaping(&source).into_iter().all(|value| covering.file(&module(value))) {
                    return Err(Reason::EscapingModule(path.to_string_lossy().into()));
                }
                leads = true;
            }
        }
        Ok(leads)
    }

    /// Which members have a `src/lib.rs` and a `src/main.rs`: cargo reads the manifests of all of them, and one without
    /// targets is an error, whichever members are selected.
    fn targets(&self, state: &State) -> Digest {
        let told = &mut *self.told();
        if let Some(known) = told.targets {
            return known;
        }
        let mut description = Description::default();
        let members = self.expansion.workspace.members.iter().enumerate();
        for (area, member) in members.filter(|(_, member)| member.package.is_some()) {
            let Some(files) = state.tree.areas.get(area) else { continue };
            for root in ["src/lib.rs", "src/main.rs"].into_iter().filter(|root| files.has(Path::new(root))) {
                description.text(Tag::Targets, format!("{}: {root}", member.name), "there");
            }
        }
        let digest = self.parts.add(description);
        told.targets = Some(digest);
        digest
    }

    /// Every file of every area that is in the class, as one part.
    fn everything(&self, state: &State, class: Class) -> Digest {
        let told = &mut *self.told();
        if let Some(known) = told.everything.get(&class) {
            return *known;
        }
        let mut description = Description::default();
        for area in 0..self.coverage.count {
            if let Some(set) = state.sets.get(&self.coverage.set(class, area)) {
                description.part(Tag::Files, self.coverage.name(area), set.digest);
            }
        }
        let digest = self.parts.add(description);
        told.everything.insert(class, digest);
        digest
    }

    fn places(&self, step: &Step) -> Vec<(&'static str, &str)> {
        match &step.subject {
            Subject::Member(member) => {
                let member = self.expansion.workspace.member(*member);
                vec![("name", &*member.name), ("dir", &*member.relative_dir)]
            }
            Subject::Group(_) | Subject::Workspace => Vec::new(),
        }
    }

    /// The members of a group as a person would select them.
    fn selection(&self, step: &Step) -> Option<String> {
        let Subject::Group(members) = &step.subject else { return None };
        let workspace = self.expansion.workspace;
        let packages = workspace.members.iter().filter(|member| member.package.is_some()).count();
        if members.len() == packages {
            return Some("--workspace".to_owned());
        }
        let names = members.iter().map(|member| format!("-p {}", workspace.member(*member).name));
        Some(names.collect::<Vec<_>>().join(" "))
    }

    /// The flags of each command that takes them. Files of `--config` in the workspace are named from its root, so that it
    /// can be moved.
    fn flags(&self, step: &Step) -> Vec<String> {
        let takes = step.definition.commands.iter().filter(|command| command.has(Placeholder::Flags));
        let words = takes.flat_map(|command| self.expansion.flags.words(command.cargo()));
        words.map(|word| self.shown(Path::new(&word))).collect()
    }

    fn variables<'s>(&self, step: &'s Step) -> Vec<(Cow<'s, str>, Option<Vec<u8>>)> {
        let value = |name: &str| std::env::var_os(name).map(OsString::into_encoded_bytes);
        let mut all: Vec<_> = step.definition.env_inputs.iter().map(|name| (Cow::from(&**name), value(name))).collect();
        if step.definition.engine == Engine::CargoTest {
            let read = std::env::vars_os().filter(|(name, _)| is_of_tests(name));
            all.extend(
                read.map(|(name, value)| {
                    (name.to_string_lossy().into_owned().into(), Some(value.into_encoded_bytes()))
                }),
            );
            let libraries = std::env::var_os(LIBRARY_PATH).map(|value| without_toolchains(&value));
            let libraries = libraries.filter(|value| !value.is_empty()).map(OsString::into_encoded_bytes);
            all.push((LIBRARY_PATH.into(), libraries));
        }
        all
    }
}
