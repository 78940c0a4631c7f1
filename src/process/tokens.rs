//! The jobserver of GNU make: one count of jobs for our children, for theirs and for those who started us. It does not
//! know what the jobs are.

use std::env;
use std::ffi::{OsStr, OsString};
use std::fs::File;
use std::io::{self, Read as _};
use std::process::Command;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, OnceLock, PoisonError};

use jobserver::{Acquired, Client, FromEnvErrorKind, HelperThread};

use super::Jobserver;
use super::platform::JobserverFiles;

/// The variables that name a jobserver. Cargo reads the first one that is there; make knows only the second.
pub const VARIABLES: [&str; 3] = ["CARGO_MAKEFLAGS", MAKEFLAGS, "MFLAGS"];

const MAKEFLAGS: &str = "MAKEFLAGS";

/// What we were started with: a jobserver, or why the one that we were told of cannot be used.
static INHERITED: OnceLock<Result<Inherited, Option<String>>> = OnceLock::new();

#[derive(Debug)]
struct Inherited {
    client: Client,
    variable: &'static str,
}

/// Takes the jobserver of those who started us. To be called before anything else: afterwards the numbers by which it is
/// known may be those of files of ours.
pub fn inherit_jobserver() {
    #[expect(
        unsafe_code,
        reason = "the numbers are those of files that were open when we were started, as it is to be"
    )]
    // SAFETY: the caller has opened nothing yet, so what is open under these numbers was left open for us.
    let found = unsafe { Client::from_env_ext(true) };
    let variable = found.var.map_or(MAKEFLAGS, |(variable, _)| variable);
    let inherited = found.client.map(|client| Inherited { client, variable }).map_err(|error| match error.kind() {
        FromEnvErrorKind::NoEnvVar | FromEnvErrorKind::NoJobserver => None,
        _ => Some(format!("the jobserver that {variable} names cannot be used: {error}")),
    });
    let _ = INHERITED.set(inherited);
}

/// The tokens that there are for children.
///
/// Whoever starts us has given us one, which is for the first child; each other takes one from the jobserver while it
/// runs. A child passes on what it has been given in the same way.
#[derive(Debug)]
pub struct Tokens {
    client: Client,
    source: Source,
    shared: Arc<Shared>,
    /// Asks for tokens, once somebody has to wait.
    asking: OnceLock<Option<HelperThread>>,
}

/// Whose jobserver it is.
#[derive(Debug)]
enum Source {
    /// That of those who started us, which we found in this variable.
    Inherited(&'static str),
    /// Our own.
    Own {
        /// What children are told of it.
        told: OsString,
        files: JobserverFiles,
        /// Where a token is read if there is one.
        at_hand: Option<File>,
    },
}

#[derive(Debug)]
struct Shared {
    state: Mutex<State>,
    changed: Condvar,
}

#[derive(Debug)]
struct State {
    /// Whether nobody has the one that is ours without asking.
    own_is_free: bool,
    /// Tokens that were asked for and have come.
    came: Vec<Acquired>,
    waiting: usize,
    closed: bool,
    /// Whether the jobserver is out of order, so that nobody waits for it.
    is_broken: bool,
}

/// Leave to run a child, given back in the end.
#[derive(Debug)]
pub struct Token<'a> {
    tokens: &'a Tokens,
    kind: Kind,
}

#[derive(Debug)]
enum Kind {
    /// The one that is ours without asking.
    Own,
    /// One that goes back by itself.
    Acquired { _token: Acquired },
    /// One of our own jobserver's that was at hand.
    AtHand,
    /// There is none, because the jobserver is out of order.
    None,
}

impl Tokens {
    /// Those of the jobserver that was inherited, else of one for so many jobs; and what is to be said of one that cannot be
    /// used.
    pub fn new(jobs: usize) -> (Option<Self>, Option<String>) {
        let inherited = INHERITED.get().map(Result::as_ref);
        if let Some(Ok(Inherited { client, variable })) = inherited {
            return (Some(Self::of(client.clone(), Source::Inherited(variable))), None);
        }
        let note = inherited.and_then(Result::err).cloned().flatten();
        match Client::new(jobs.saturating_sub(1)) {
            Ok(client) => {
                let own = Source::own(&client);
                (Some(Self::of(client, own)), note)
            }
            Err(error) => (None, Some(format!("there is no jobserver: {error}"))),
        }
    }

    fn of(client: Client, source: Source) -> Self {
        let state = State { own_is_free: true, came: Vec::new(), waiting: 0, closed: false, is_broken: false };
        let shared = Arc::new(Shared { state: Mutex::new(state), changed: Condvar::new() });
        Self { client, source, shared, asking: OnceLock::new() }
    }

    /// Waits for a token; `None` once nobody may have one any more.
    pub fn take(&self) -> Option<Token<'_>> {
        let token = |kind| Some(Token { tokens: self, kind });
        let mut state = self.shared.lock();
        loop {
            if state.closed {
                return None;
            }
            if std::mem::take(&mut state.own_is_free) {
                return token(Kind::Own);
            }
            if let Some(come) = state.came.pop() {
                return token(Kind::Acquired { _token: come });
            }
            if state.is_broken {
                return token(Kind::None);
            }
            // Who waits for one comes first.
            let at_hand = if state.waiting == 0 { self.at_hand() } else { None };
            if let Some(kind) = at_hand {
                return token(kind);
            }
            state.waiting += 1;
            // Each time anew: what was asked for before may have gone to somebody who did not ask.
            match self.asking.get_or_init(|| self.ask()) {
                Some(asking) => asking.request_token(),
                None => state.is_broken = true,
            }
            if !state.is_broken {
                state = self.shared.changed.wait(state).unwrap_or_else(PoisonError::into_inner);
            }
            state.waiting -= 1;
        }
    }

    /// From now on nobody gets one, nor waits for one.
    pub fn close(&self) {
        self.shared.lock().closed = true;
        self.shared.changed.notify_all();
    }

    /// A token that need not be waited for: to have one brought by the thread that asks takes as long as a short child.
    fn at_hand(&self) -> Option<Kind> {
        match (self.client.try_acquire(), &self.source) {
            (Ok(token), _) => Some(Kind::Acquired { _token: token? }),
            (Err(_), Source::Own { at_hand: Some(at_hand), .. }) => {
                let is_there = (&*at_hand).read(&mut [0]).is_ok_and(|length| length == 1);
                is_there.then_some(Kind::AtHand)
            }
            (Err(_), _) => None,
        }
    }

    fn ask(&self) -> Option<HelperThread> {
        let shared = Arc::clone(&self.shared);
        self.client.clone().into_helper_thread(move |token| shared.came(token)).ok()
    }

    /// Tells the child of it, in the variables that it may have, unless they were set for it.
    pub fn tell(&self, command: &mut Command, whom: Jobserver, is_set: impl Fn(&str) -> bool) {
        if whom == Jobserver::Untold {
            return;
        }
        if let Source::Own { told, .. } = &self.source
            && !is_set(VARIABLES[0])
        {
            command.env(VARIABLES[0], told);
        }
        if whom == Jobserver::Make && !matches!(self.source, Source::Inherited(MAKEFLAGS)) && !is_set(MAKEFLAGS) {
            let ours = command.get_envs().find(|(name, _)| *name == VARIABLES[0]).and_then(|(_, value)| value);
            let ours = ours.map(OsStr::to_owned).or_else(|| match &self.source {
                Source::Inherited(variable) => env::var_os(variable),
                Source::Own { .. } => None,
            });
            command.env(MAKEFLAGS, for_make(env::var_os(MAKEFLAGS), ours.unwrap_or_default()));
        }
    }

    /// Starts a child that has what it was told of. Nothing else may start meanwhile.
    pub fn with_files<T>(&self, whom: Jobserver, start: impl FnOnce() -> T) -> T {
        match &self.source {
            Source::Own { files, .. } if whom != Jobserver::Untold => {
                files.are_left_to_children(true);
                let started = start();
                files.are_left_to_children(false);
                started
            }
            _ => start(),
        }
    }
}

impl Source {
    fn own(client: &Client) -> Self {
        // What it does to a command besides is for one that is started in another way.
        let mut command = Command::new("");
        client.configure(&mut command);
        let told = command.get_envs().find(|(name, _)| *name == VARIABLES[0]).and_then(|(_, value)| value);
        let told = told.unwrap_or_default().to_owned();
        let files = JobserverFiles::of(&told.to_string_lossy());
        let at_hand = files.at_hand();
        Self::Own { told, files, at_hand }
    }
}

/// What make is told: what it would have been told, and of the jobserver. Letters without a dash come first there, and
/// behind the variables no options are read.
fn for_make(before: Option<OsString>, jobserver: OsString) -> OsString {
    let before = before.and_then(|before| before.into_string().ok()).unwrap_or_default();
    let is_kept = |word: &&str| !word.is_empty() && !word.starts_with("--jobserver-") && !word.starts_with("-j");
    let mut words: Vec<OsString> = before.split(' ').filter(is_kept).map(OsString::from).collect();
    let is_letters = |word: &OsString| !word.to_string_lossy().contains(['-', '=']);
    let place = usize::from(words.first().is_some_and(is_letters));
    words.insert(place, jobserver);
    words.join(OsStr::new(" "))
}

impl Shared {
    /// A token has come, which goes back at once when nobody waits for it any more.
    fn came(&self, token: io::Result<Acquired>) {
        let mut state = self.lock();
        match token {
            Ok(token) if state.waiting > state.came.len() && !state.closed => state.came.push(token),
            Ok(_) => {}
            Err(_) => state.is_broken = true,
        }
        self.changed.notify_all();
    }

    /// Nothing is half done when a thread panics under the lock, so a poisoned one is as good.
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Token<'_> {
    fn drop(&mut self) {
        match self.kind {
            Kind::Own => {
                self.tokens.shared.lock().own_is_free = true;
                self.tokens.shared.changed.notify_one();
            }
            // It fails only if our own pipe is broken.
            Kind::AtHand => _ = self.tokens.client.release_raw(),
            Kind::Acquired { .. } | Kind::None => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};
    use std::time::Duration;

    use super::*;

    fn of(tokens: usize) -> Tokens {
        let client = Client::new(tokens).unwrap();
        let own = Source::own(&client);
        Tokens::of(client, own)
    }

    #[test]
    fn no_more_run_at_once_than_there_are_tokens_and_all_run() {
        let tokens = of(2);
        let (now, most) = (AtomicUsize::new(0), AtomicUsize::new(0));
        std::thread::scope(|scope| {
            for _ in 0..12 {
                scope.spawn(|| {
                    for _ in 0..20 {
                        let token = tokens.take().unwrap();
                        most.fetch_max(now.fetch_add(1, Ordering::SeqCst) + 1, Ordering::SeqCst);
                        std::thread::sleep(Duration::from_micros(300));
                        now.fetch_sub(1, Ordering::SeqCst);
                        drop(token);
                    }
                });
            }
        });
        assert_eq!(most.load(Ordering::SeqCst), 3);
        let client = tokens.client.clone();
        drop(tokens);
        assert_eq!(client.available().unwrap(), 2, "all came back");
    }

    #[test]
    #[cfg(target_os = "linux")]
    fn what_is_at_hand_is_brought_by_nobody_and_comes_back() {
        let tokens = of(2);
        for _ in 0..3 {
            let taken: Vec<_> = (0..3).map(|_| tokens.take().unwrap()).collect();
            assert_eq!(taken.iter().filter(|token| matches!(token.kind, Kind::AtHand)).count(), 2);
            assert_eq!(tokens.client.available().unwrap(), 0);
        }
        assert!(tokens.asking.get().is_none());
        assert_eq!(tokens.client.available().unwrap(), 2);
    }

    #[test]
    fn who_waits_gets_what_somebody_else_gives_back() {
        let tokens = of(1);
        let other = tokens.client.acquire().unwrap();
        let own = tokens.take().unwrap();
        std::thread::scope(|scope| {
            let waiting = scope.spawn(|| tokens.take().is_some());
            std::thread::sleep(Duration::from_millis(30));
            assert!(!waiting.is_finished());
            drop(other);
            assert!(waiting.join().unwrap());
        });
        drop(own);
    }

    #[test]
    fn who_waits_is_sent_away_in_the_end() {
        let tokens = of(0);
        let own = tokens.take().unwrap();
        std::thread::scope(|scope| {
            let waiting: Vec<_> = (0..3).map(|_| scope.spawn(|| tokens.take().is_none())).collect();
            std::thread::sleep(Duration::from_millis(30));
            tokens.close();
            assert!(waiting.into_iter().all(|waiting| waiting.join().unwrap()));
        });
        drop(own);
        assert!(tokens.take().is_none());
    }

    #[test]
    fn make_is_told_the_rest_of_what_it_was_told() {
        let ours = || OsString::from("-j --jobserver-auth=5,6");
        let before = |text: &str| Some(OsString::from(text));
        assert_eq!(for_make(None, ours()), "-j --jobserver-auth=5,6");
        assert_eq!(for_make(before("ks -j2 --jobserver-auth=3,4 -- A=b"), ours()), "ks -j --jobserver-auth=5,6 -- A=b");
        assert_eq!(for_make(before(" -- A=b"), ours()), "-j --jobserver-auth=5,6 -- A=b");
    }
}
