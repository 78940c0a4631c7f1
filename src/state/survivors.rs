//! What goes on although the run that started it was killed. It is known by the variable in which all that a run starts finds
//! the run's id.

/// Whether there is a process that this run has started, where the system tells.
#[cfg(target_os = "linux")]
pub fn are_there(run: &str) -> bool {
    use std::fs;

    let variable = format!("{}={run}", crate::model::RUN_ID);
    let is_its = |process: fs::DirEntry| {
        let variables = fs::read(process.path().join("environ")).unwrap_or_default();
        variables.split(|byte| *byte == 0).any(|one| one == variable.as_bytes())
    };
    let is_process =
        |entry: &fs::DirEntry| entry.file_name().as_encoded_bytes().first().is_some_and(u8::is_ascii_digit);
    fs::read_dir("/proc").into_iter().flatten().flatten().filter(is_process).any(is_its)
}

#[cfg(not(target_os = "linux"))]
pub const fn are_there(_: &str) -> bool {
    false
}
