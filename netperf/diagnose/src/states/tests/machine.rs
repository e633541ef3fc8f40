use netperf_core::fixtures::states::look;
use netperf_core::sample::network::NetworkReading;

use super::*;

#[test]
fn limits_of_the_machine_are_watched() {
    let with = |change: fn(&mut NetworkReading)| {
        let mut look = look(1, Vec::new());
        change(&mut look.networks[0]);
        findings(&[look])[0].clone()
    };
    let orphans = with(|it| {
        it.usage.orphans = Some(90);
        it.settings.max_orphans = Some(100);
    });
    assert_eq!(
        (orphans.level, orphans.what.contains("orphans")),
        (Level::Warn, true)
    );
    let memory = with(|it| {
        it.usage.pages = Some(300);
        it.settings.tcp_mem = Some([100, 200, 300]);
    });
    assert_eq!(
        (memory.level, memory.what.contains("memory")),
        (Level::Critical, true)
    );
    assert_eq!(with(|it| it.usage.pages = Some(300)).level, Level::Ok);
}

#[test]
fn a_setting_that_breaks_clients_is_found_where_it_stands() {
    let mut look = look(1, Vec::new());
    look.recycle_set_in = vec!["/etc/sysctl.d/90-old.conf".to_owned()];
    let finding = found(&[look], "tcp_tw_recycle");
    assert_eq!(finding.level, Level::Warn);
    assert!(finding.evidence.contains("/etc/sysctl.d/90-old.conf"));
}
