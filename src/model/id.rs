//! Small integers that name members, phases and steps; whoever made the list they index owns their meaning.

macro_rules! id {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $name(u32);

        impl $name {
            /// The id of the thing at `index` of its list.
            #[must_use]
            pub const fn new(index: usize) -> Self {
                Self(index as u32)
            }

            /// The place in the list that the id names.
            #[must_use]
            pub const fn index(self) -> usize {
                self.0 as usize
            }
        }
    };
}

id! {
    /// A member: its place in [`Workspace::members`](super::Workspace::members).
    MemberId
}
id! {
    /// A phase: its place in [`Project::phases`](super::Project::phases).
    PhaseId
}
id! {
    /// A step: its place in [`Plan::steps`](super::Plan::steps).
    StepId
}
