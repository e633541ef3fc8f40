use super::*;

/// The page of states after two looks at some sockets.
fn states() -> State {
    let (mut state, model) = (top(), session());
    press(&mut state, &model, [Action::NextPage, Action::NextPage]);
    for over in [4_u16, 9] {
        let mut look = sockets();
        look.at.0 += u64::from(over) * 1_000_000_000;
        let ports = 40_001..40_001 + over;
        let local = ports.map(|port| format!("10.0.0.5:{port}"));
        let time_wait = |local: String| socket(TcpState::TimeWait, 0, &local, "10.0.0.10:5432");
        look.sockets.extend(local.map(time_wait));
        look.networks = vec![NetworkReading {
            netns: NETNS,
            ports: Some(PortRange {
                first: 40_000,
                last: 40_999,
                reserved: Vec::new(),
            }),
            ..NetworkReading::default()
        }];
        let query = state.top.processes.clone();
        state.sockets.take(Ok(look), &query);
    }
    state
}

#[test]
fn states_at_80x24() {
    insta::assert_snapshot!(draw(&mut states(), &session(), 80, 24));
}

#[test]
fn states_at_200x50() {
    insta::assert_snapshot!(draw(&mut states(), &session(), 200, 50));
}

#[test]
fn sockets_of_a_process_at_120x30() {
    let (mut state, model) = (states(), session());
    draw(&mut state, &model, 120, 30);
    let to_nginx = [Action::Move(Motion::Down), Action::Move(Motion::Down)];
    press(&mut state, &model, to_nginx);
    press(&mut state, &model, [Action::Open]);
    insta::assert_snapshot!(draw(&mut state, &model, 120, 30));
    press(&mut state, &model, [Action::Back]);
    assert!(draw(&mut state, &model, 120, 30).contains("FINDINGS"));
}

#[test]
fn states_can_be_drawn_in_every_size() {
    let model = session();
    for (width, height) in [(40, 8), (41, 9), (60, 12), (132, 43), (500, 200)] {
        let mut state = states();
        draw(&mut state, &model, width, height);
        press(
            &mut state,
            &model,
            [Action::Move(Motion::Last), Action::Open],
        );
        draw(&mut state, &model, width, height);
    }
}

#[test]
fn every_finding_is_on_a_small_screen_before_any_is_explained() {
    let small = draw(&mut states(), &session(), 80, 24);
    assert!(
        small.contains("critical") && small.contains("TIME_WAIT is healthy"),
        "{small}"
    );
}

#[test]
fn sockets_are_kept_only_while_their_states_are_shown() {
    let (mut state, model) = (states(), session());
    assert!(state.sockets.sample.is_some());
    press(&mut state, &model, [Action::NextPage]);
    assert!(state.page == Page::Top && state.sockets.sample.is_none());
    press(&mut state, &model, [Action::NextPage, Action::NextPage]);
    assert!(draw(&mut state, &model, 80, 24).contains("looking at the sockets"));
    let query = state.top.processes.clone();
    state.sockets.take(Err("not allowed".to_owned()), &query);
    assert!(draw(&mut state, &model, 80, 24).contains("no look: not allowed"));
}
