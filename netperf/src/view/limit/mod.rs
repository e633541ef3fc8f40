//! Rows, tables and texts of `limit`: one limit, the list of limits, a dry run; and the rates that it
//! accepts.

mod direction;
mod list;
mod mark;
mod moved;
mod plan;
mod tick;
mod words;

pub use self::direction::DirectionRow;
pub use self::list::{LimitRow, LimitsTick};
pub use self::mark::limit_cell;
pub use self::moved::moved;
pub use self::plan::{LimitPlan, PlannedInterface, PlannedProcess, PlannedSocket};
pub use self::tick::{LimitTick, Outlook};
pub use self::words::{changed, rate, rates};

/// Names of the first processes, and how many more there are: `rsync (9821), ssh (9822) and 3 more`.
/// Untrusted text.
pub fn names<'p>(processes: impl Iterator<Item = (u32, &'p str)>) -> String {
    const NAMED: usize = 3;
    let all: Vec<_> = processes.collect();
    let named = all.iter().take(NAMED);
    let named: Vec<_> = named.map(|(pid, name)| format!("{name} ({pid})")).collect();
    match all.len().saturating_sub(NAMED) {
        0 if all.is_empty() => "no process".to_owned(),
        0 => named.join(", "),
        more => format!("{} and {more} more", named.join(", ")),
    }
}

#[cfg(test)]
mod tests {
    #[test]
    fn a_long_list_of_processes_is_cut_and_counted() {
        let names = |count: u32| super::names((1..=count).map(|pid| (pid, "nginx")));
        assert_eq!(names(0), "no process");
        assert_eq!(names(2), "nginx (1), nginx (2)");
        assert_eq!(names(5), "nginx (1), nginx (2), nginx (3) and 2 more");
    }
}
