use super::*;

#[test]
fn a_limit_asks_for_a_rate_and_says_what_is_wrong_with_it() {
    let (mut state, model) = (top(), session());
    draw(&mut state, &model, 80, 24);
    press(&mut state, &model, [Action::Limit]);
    press(&mut state, &model, "20Mb".chars().map(Action::Type));
    press(&mut state, &model, [Action::Accept]);
    let screen = draw(&mut state, &model, 80, 24);
    for part in ["can be read in two ways: write `20MB`", "`20Mbit` for"] {
        assert!(screen.contains(part), "{screen}");
    }
    press(&mut state, &model, [Action::Erase, Action::Type('B')]);
    let screen = draw(&mut state, &model, 80, 24);
    assert!(!screen.contains("two ways"), "{screen}");
    let rate = Some(ByteRate(20_000_000));
    let Effect::Order(LimitOrder::Begin { process, up, down }) =
        state.apply(Action::Accept, &model)
    else {
        panic!("no order");
    };
    assert_eq!((up, down), (rate, rate));
    assert_eq!(Some(RowId::Process(process)), state.cursor.selected);
    assert_eq!(state.overlay, Overlay::Nothing);
    let end = Effect::Order(LimitOrder::End { process });
    assert_eq!(state.apply(Action::Lift, &model), end);
}

#[test]
fn escape_sets_no_limit_and_other_pages_have_no_process_to_limit() {
    let (mut state, model) = (top(), session());
    draw(&mut state, &model, 80, 24);
    press(
        &mut state,
        &model,
        [Action::Limit, Action::Type('1'), Action::Back],
    );
    assert_eq!(state.overlay, Overlay::Nothing);
    press(&mut state, &model, [Action::NextPage]);
    draw(&mut state, &model, 80, 24);
    for action in [Action::Limit, Action::Lift] {
        assert!(matches!(state.apply(action, &model), Effect::Say(_)));
    }
}

#[test]
fn limited_processes_are_marked_at_80x24() {
    let (mut state, model) = (top(), session());
    let id = model
        .processes()
        .iter()
        .map(|traffic| traffic.process.id)
        .max()
        .unwrap();
    let mut record = limit_record(1);
    record.processes[0].pid = id.tgid;
    record.processes[0].start = id.start;
    state.limits = vec![record];
    insta::assert_snapshot!(draw(&mut state, &model, 80, 24));
}
