//! How are figures written in a sentence?

/// A process, by name and number.
pub fn process(name: Option<&str>, pid: Option<u32>) -> String {
    match (name, pid) {
        (Some(name), Some(pid)) => format!("{name} (PID {pid})"),
        _ => "a process that can't be seen".to_owned(),
    }
}
