//! What test executables came to, in numbers.

use std::ops::AddAssign;
use std::time::Duration;

/// Numbers of tests, as libtest counts them.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Tests {
    /// Tests that passed.
    pub passed: u32,
    /// Tests that failed.
    pub failed: u32,
    /// Tests that say of themselves that they are not to be run.
    pub ignored: u32,
    /// Tests that a filter left out.
    pub filtered: u32,
}

/// Test executables, each member's documentation tests counted as one, and the tests in them.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct TestRun {
    /// How many executables.
    pub executables: u32,
    /// What their tests came to.
    pub tests: Tests,
}

/// The executables of a test step.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct TestSummary {
    /// Those that ran.
    pub ran: TestRun,
    /// Those that did not, because nothing that they depend on has changed since they passed.
    pub fresh: TestRun,
    /// Those that did not run because the run ended before.
    pub left: u32,
    /// Whether something did not compile, so that there may be executables that are not counted.
    pub uncompiled: bool,
    /// How long the fresh ones took when they ran.
    pub saved: Duration,
}

impl AddAssign for Tests {
    fn add_assign(&mut self, other: Self) {
        self.passed += other.passed;
        self.failed += other.failed;
        self.ignored += other.ignored;
        self.filtered += other.filtered;
    }
}

impl TestSummary {
    /// Those that ran and those that did not need to.
    #[must_use]
    pub fn all(self) -> TestRun {
        let mut all = self.ran;
        all.executables += self.fresh.executables;
        all.tests += self.fresh.tests;
        all
    }
}

impl TestRun {
    /// Adds one executable.
    pub fn add(&mut self, tests: Tests) {
        self.executables += 1;
        self.tests += tests;
    }
}
