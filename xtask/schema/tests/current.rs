//! The files in docs/schema are those of today's types.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

#[test]
fn the_files_are_those_of_the_types() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/schema");
    let made: BTreeMap<_, _> = netperf_schema::files().unwrap().into_iter().collect();
    let kept: BTreeMap<_, _> = fs::read_dir(&folder)
        .unwrap()
        .map(|entry| {
            let entry = entry.unwrap();
            let name = entry.file_name().into_string().unwrap();
            (name, fs::read_to_string(entry.path()).unwrap())
        })
        .collect();
    let names = |files: &BTreeMap<String, String>| files.keys().cloned().collect::<Vec<_>>();
    assert_eq!(names(&made), names(&kept), "run `cargo xtask schema`");
    for (name, text) in &made {
        assert!(
            *text == kept[name],
            "{name} is old: run `cargo xtask schema`"
        );
    }
}
