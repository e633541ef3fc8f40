//! Which numbers are free, who may see them, and what a killed holder leaves.

use std::os::unix::fs::{PermissionsExt, symlink};

use super::*;
use netperf_core::fixtures::limit_record;

fn registry() -> (tempfile::TempDir, Registry) {
    let root = tempfile::tempdir().unwrap();
    let registry = Registry::at(root.path().join("limits"));
    (root, registry)
}

fn ids(registry: &Registry) -> Vec<u8> {
    let held = registry.held().unwrap();
    held.iter().map(|held| held.id).collect()
}

#[test]
fn without_a_folder_nothing_is_held_and_none_is_made() {
    let (root, registry) = registry();
    assert!(registry.held().unwrap().is_empty());
    assert!(!root.path().join("limits").exists());
}

#[test]
fn each_limit_has_a_number_of_its_own_that_is_free_again_after_it() {
    let (_root, registry) = registry();
    let first = registry.register().unwrap();
    let second = registry.register().unwrap();
    assert_eq!((first.id(), second.id()), (1, 2));
    assert_eq!(ids(&registry), [1, 2]);
    drop(first);
    assert_eq!(ids(&registry), [2]);
    assert_eq!(registry.register().unwrap().id(), 1);
    let _rest: Vec<_> = (0..15).map(|_| registry.register().unwrap()).collect();
    assert!(matches!(registry.register(), Err(LimitsError::Full)));
}

#[test]
fn only_the_owner_may_read_the_folder_and_its_files() {
    let (_root, registry) = registry();
    let mut registration = registry.register().unwrap();
    registration.write(&limit_record(1)).unwrap();
    let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
    assert_eq!(mode(&registry.path), 0o700);
    assert_eq!(mode(&registry.file(1)), 0o600);
    assert_eq!(registry.held().unwrap()[0].record, Some(limit_record(1)));
}

#[test]
fn what_a_killed_holder_left_is_removed_and_what_is_held_is_not() {
    let (_root, registry) = registry();
    let registration = registry.register().unwrap();
    fs::write(registry.file(2), "{}").unwrap();
    fs::write(registry.socket(2), "").unwrap();
    fs::write(registry.socket(3), "").unwrap();
    assert_eq!(ids(&registry), [1]);
    for gone in [registry.file(2), registry.socket(2), registry.socket(3)] {
        assert!(!gone.exists(), "{}", gone.display());
    }
    assert!(registry.file(registration.id()).exists());
}

#[test]
fn a_record_that_is_not_written_yet_or_broken_is_held_all_the_same() {
    let (_root, registry) = registry();
    let registration = registry.register().unwrap();
    assert_eq!(registry.held().unwrap()[0].record, None);
    fs::write(registry.file(registration.id()), "{\"id\":").unwrap();
    assert_eq!(registry.held().unwrap()[0].record, None);
}

#[test]
fn links_and_folders_that_others_may_write_are_refused() {
    let (root, registry) = registry();
    drop(registry.register().unwrap());
    let victim = root.path().join("victim");
    fs::write(&victim, "precious").unwrap();
    symlink(&victim, registry.file(1)).unwrap();
    for result in [registry.held().map(drop), registry.register().map(drop)] {
        assert!(matches!(result, Err(LimitsError::Foreign { .. })));
    }
    assert_eq!(fs::read_to_string(&victim).unwrap(), "precious");
    fs::remove_file(registry.file(1)).unwrap();
    fs::set_permissions(&registry.path, fs::Permissions::from_mode(0o777)).unwrap();
    assert!(matches!(registry.held(), Err(LimitsError::Foreign { .. })));
    let linked = Registry::at(root.path().join("linked"));
    symlink(&registry.path, &linked.path).unwrap();
    for result in [linked.held().map(drop), linked.register().map(drop)] {
        assert!(matches!(result, Err(LimitsError::Foreign { .. })));
    }
}

#[test]
fn an_end_is_waited_for_but_not_for_ever() {
    let (_root, registry) = registry();
    let registration = registry.register().unwrap();
    assert!(!registry.wait_for_end(1, Duration::ZERO).unwrap());
    drop(registration);
    assert!(registry.wait_for_end(1, Duration::ZERO).unwrap());
}
