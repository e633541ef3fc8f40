use netperf_core::fixtures::states::{model, refusing};

use super::*;

#[test]
fn what_could_not_be_counted_is_in_the_tick() {
    let mut look = refusing(1, Vec::new(), Vec::new());
    look.refusals.loss.map_full = 3;
    let options = StatesOptions::all();
    let model = model(&[look], &options);
    assert_eq!(StatesTick::new(&model, &options).loss.map_full, 3);
}
