//! The other side of an [`Intercept`](super::Intercept): this program, started by cargo in the place of a test runner or of
//! rustdoc. It writes down how it was called.

use std::ffi::{OsStr, OsString};
use std::fs;
use std::io::{self, Write as _};
use std::path::Path;
use std::process::Command;
use std::sync::atomic::{AtomicBool, Ordering};

use super::call::{Call, CallKind};

/// The name under which this program is a test runner.
pub const RUNNER: &str = "lifecycle-test-runner";
/// The name under which it is rustdoc.
pub const RUSTDOC: &str = "lifecycle-rustdoc";
/// Beside it, how it was called, each time behind what was there.
pub const CALLS: &str = "calls.bin";
/// Beside it, the path of the real rustdoc.
pub const REAL_RUSTDOC: &str = "rustdoc.txt";

/// Whether [`shim`] was called, so that it is safe to have cargo start this program.
static IS_ANSWERED: AtomicBool = AtomicBool::new(false);

/// Whether cargo may start this program in the place of others.
pub fn is_answered() -> bool {
    IS_ANSWERED.load(Ordering::Relaxed)
}

/// To be called first in `main` by every program that runs phases through this library.
///
/// To learn how tests are to be run, cargo is given the running program as test runner and as rustdoc. When it was started
/// so, this notes how and ends the process; else it does nothing. In a program that does not call it, test phases run
/// `cargo test` as it is, every time.
///
/// ```no_run
/// cargo_lifecycle::shim();
/// // …
/// ```
pub fn shim() {
    IS_ANSWERED.store(true, Ordering::Relaxed);
    let mut args = std::env::args_os();
    let Some(own) = args.next() else { return };
    let own = Path::new(&own);
    let (Some(dir), Some(name)) = (own.parent(), own.file_name().and_then(OsStr::to_str)) else { return };
    let args: Vec<OsString> = args.collect();
    let code = match name.strip_suffix(std::env::consts::EXE_SUFFIX).unwrap_or(name) {
        RUNNER => note(dir, CallKind::Executable, args),
        RUSTDOC if args.iter().any(|argument| argument == "--test") => note(dir, CallKind::Doc, args),
        RUSTDOC => pass_on(dir, &args),
        _ => return,
    };
    std::process::exit(code.unwrap_or_else(|error| {
        eprintln!("cargo lifecycle cannot note how cargo runs tests: {}: {error}", dir.display());
        101
    }));
}

/// Writes down how this process was started. The target that is built for is an argument of the runner's.
fn note(dir: &Path, kind: CallKind, mut args: Vec<OsString>) -> io::Result<i32> {
    let triple = match kind {
        CallKind::Executable if !args.is_empty() => args.remove(0),
        CallKind::Executable => OsString::new(),
        CallKind::Doc => take_runner(dir, &mut args),
    };
    let triple = triple.to_string_lossy().into_owned();
    let call = Call { kind, triple, args, dir: std::env::current_dir()?, env: std::env::vars_os().collect() };
    // Cargo starts one after another.
    let mut file = fs::File::options().create(true).append(true).open(dir.join(CALLS))?;
    file.write_all(&call.write())?;
    Ok(0)
}

/// Takes the runner for documentation tests, which is this program, from rustdoc's arguments, with its own argument.
fn take_runner(dir: &Path, args: &mut Vec<OsString>) -> OsString {
    let is_ours = |pair: &[OsString]| pair[0] == "--test-runtool" && Path::new(&pair[1]).parent() == Some(dir);
    let Some(place) = args.windows(2).position(is_ours) else { return OsString::new() };
    args.drain(place..place + 2);
    let argument = args.windows(2).position(|pair| pair[0] == "--test-runtool-arg");
    argument.and_then(|place| args.drain(place..place + 2).next_back()).unwrap_or_default()
}

/// rustdoc is asked for something else than to run tests.
fn pass_on(dir: &Path, args: &[OsString]) -> io::Result<i32> {
    let real = fs::read_to_string(dir.join(REAL_RUSTDOC))?;
    Ok(Command::new(real).args(args).status()?.code().unwrap_or(101))
}
