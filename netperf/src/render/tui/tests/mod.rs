mod limits;
mod states;

use crate::view::fixtures::start;
use netperf_core::fixtures::{
    NETNS, flow, limit_record, moved, process, second, session, socket, sockets,
};
use netperf_core::host_names::Numeric;
use netperf_core::model::Model;
use netperf_core::sample::network::{NetworkReading, PortRange};
use netperf_core::sample::socket::Unseen;
use netperf_core::sample::{Loss, Sample, TcpState};
use netperf_core::units::{ByteRate, Units};
use ratatui::Terminal;
use ratatui::backend::TestBackend;

use super::cursor::{Motion, RowId};
use super::input::Action;
use super::overlay::Overlay;
use super::page;
use super::state::{Effect, FirstPage, Page, Settings, State};
use super::status_line::StatusLine;
use crate::render::tui::LimitOrder;
use crate::view::envelope::Start;
use crate::view::flows::FlowsOptions;
use crate::view::sort::SortKey;
use crate::view::top::TopOptions;

fn state(first: FirstPage) -> State {
    State::new(Settings {
        first,
        units: Units::Auto,
        color: false,
    })
}

fn top() -> State {
    state(FirstPage::Top(TopOptions::default()))
}

fn draw(state: &mut State, model: &Model, width: u16, height: u16) -> String {
    let mut terminal = Terminal::new(TestBackend::new(width, height)).unwrap();
    let status = StatusLine::new(&start());
    terminal
        .draw(|frame| page::draw(frame, state, &status, model, &Numeric))
        .unwrap();
    terminal.backend().to_string()
}

fn press(state: &mut State, model: &Model, actions: impl IntoIterator<Item = Action>) {
    for action in actions {
        assert_eq!(state.apply(action, model), Effect::Redraw);
    }
}

fn typed(text: &str) -> impl Iterator<Item = Action> {
    [Action::Filter]
        .into_iter()
        .chain(text.chars().map(Action::Type))
}

#[test]
fn top_at_80x24() {
    insta::assert_snapshot!(draw(&mut top(), &session(), 80, 24));
}

#[test]
fn what_is_not_seen_stands_in_the_header() {
    let mut start = start();
    let header_of = |start: &Start| {
        let mut terminal = Terminal::new(TestBackend::new(80, 24)).unwrap();
        let status = StatusLine::new(start);
        terminal
            .draw(|frame| page::draw(frame, &mut top(), &status, &session(), &Numeric))
            .unwrap();
        terminal.backend().to_string()
    };
    assert!(!header_of(&start).contains("not seen"));
    for what in ["MPTCP", "UDP over IPv6"] {
        start.unavailable.push(Unseen {
            what: what.to_owned(),
            why: "refused".to_owned(),
        });
    }
    let header = header_of(&start);
    let line = header.lines().nth(2).unwrap();
    assert!(line.contains("not seen: MPTCP; UDP over IPv6"), "{line}");
    assert!(line.contains("? why"), "{line}");
}

#[test]
fn top_at_120x30() {
    insta::assert_snapshot!(draw(&mut top(), &session(), 120, 30));
}

#[test]
fn top_at_200x50() {
    insta::assert_snapshot!(draw(&mut top(), &session(), 200, 50));
}

#[test]
fn flows_at_80x24() {
    let mut state = state(FirstPage::Flows(FlowsOptions::default()));
    insta::assert_snapshot!(draw(&mut state, &session(), 80, 24));
}

#[test]
fn flows_at_200x50() {
    let mut state = state(FirstPage::Flows(FlowsOptions::default()));
    insta::assert_snapshot!(draw(&mut state, &session(), 200, 50));
}

#[test]
fn remote_hosts_at_120x30() {
    let options = FlowsOptions {
        by_remote: true,
        ..FlowsOptions::default()
    };
    insta::assert_snapshot!(draw(
        &mut state(FirstPage::Flows(options)),
        &session(),
        120,
        30
    ));
}

#[test]
fn opened_process_at_80x24() {
    let (mut state, model) = (top(), session());
    draw(&mut state, &model, 80, 24);
    press(
        &mut state,
        &model,
        [Action::Move(Motion::Down), Action::Open],
    );
    insta::assert_snapshot!(draw(&mut state, &model, 80, 24));
    press(&mut state, &model, [Action::Open]);
    assert_eq!(state.opened, None);
}

#[test]
fn help_at_80x24() {
    let (mut state, model) = (top(), session());
    press(&mut state, &model, [Action::Help]);
    insta::assert_snapshot!(draw(&mut state, &model, 80, 24));
}

#[test]
fn command_lines_at_80x24() {
    let (mut state, model) = (top(), session());
    press(&mut state, &model, [Action::CommandLine]);
    insta::assert_snapshot!(draw(&mut state, &model, 80, 24));
}

#[test]
fn a_terminal_that_is_too_small_says_so() {
    assert!(draw(&mut top(), &session(), 39, 24).contains("terminal too small: needs 40x8"));
    assert!(draw(&mut top(), &session(), 80, 7).contains("terminal too small: needs 40x8"));
    assert!(draw(&mut top(), &session(), 40, 8).contains("rsync"));
    draw(&mut top(), &session(), 1, 1);
}

#[test]
fn every_size_can_be_drawn() {
    let model = session();
    for (width, height) in [(40, 8), (41, 9), (60, 12), (79, 24), (132, 43), (500, 200)] {
        let mut state = top();
        draw(&mut state, &model, width, height);
        press(&mut state, &model, [Action::Open, Action::Help]);
        draw(&mut state, &model, width, height);
        press(&mut state, &model, [Action::Back, Action::NextPage]);
        draw(&mut state, &model, width, height);
    }
}

#[test]
fn an_empty_page_says_what_happens() {
    let mut model = Model::new(&second(0));
    assert!(
        draw(&mut top(), &model, 80, 24).contains("the first figures come with the first tick")
    );
    model.advance(&second(1));
    let waiting = "waiting for traffic: no process has sent or received anything yet";
    assert!(draw(&mut top(), &model, 80, 24).contains(waiting));
    let mut state = top();
    press(&mut state, &model, typed("postgres"));
    assert!(draw(&mut state, &session(), 80, 24).contains("nothing matches the filter `postgres`"));
}

#[test]
fn loss_and_what_was_not_read_are_on_the_screen() {
    let loss = Loss {
        ring_lost: 0,
        map_full: 2,
        unread: 1,
    };
    let mut model = Model::new(&second(0));
    model.advance(&Sample {
        loss,
        degraded: vec!["links: gone".to_owned()],
        ..second(1)
    });
    let screen = draw(&mut top(), &model, 80, 24);
    assert!(
        screen.contains("LOST 3 (map full 2, unread 1, ring 0)"),
        "{screen}"
    );
    assert!(
        screen.contains("not read in this tick: links: gone"),
        "{screen}"
    );
}

#[test]
fn escape_sequences_do_not_reach_the_screen() {
    let model = session();
    let (mut first, mut second) = (top(), state(FirstPage::Flows(FlowsOptions::default())));
    for screen in [
        draw(&mut first, &model, 200, 50),
        draw(&mut second, &model, 200, 50),
    ] {
        assert!(screen.contains(r"\x1b[2Jevil"), "{screen}");
        assert!(!screen.contains('\x1b'));
    }
}

#[test]
fn the_selection_follows_its_process() {
    let (a, b) = (process(1, "a"), process(2, "b"));
    let mut model = Model::new(&second(0));
    model.advance(&Sample {
        processes: vec![moved(&a, 9, 0), moved(&b, 5, 0)],
        ..second(1)
    });
    let mut state = top();
    draw(&mut state, &model, 80, 24);
    press(&mut state, &model, [Action::Move(Motion::Down)]);
    assert_eq!(state.cursor.selected, Some(RowId::Process(a.id)));
    model.advance(&Sample {
        processes: vec![moved(&b, 50, 0)],
        ..second(2)
    });
    draw(&mut state, &model, 80, 24);
    assert_eq!(state.cursor.selected, Some(RowId::Process(a.id)));
    assert_eq!(state.cursor.selected_in_sight(), Some(1));
}

#[test]
fn the_selection_stays_in_sight_and_in_range() {
    let many: Vec<_> = (1..=100)
        .map(|tgid| moved(&process(tgid, "p"), 5, 5))
        .collect();
    let mut model = Model::new(&second(0));
    model.advance(&Sample {
        processes: many,
        ..second(1)
    });
    let mut state = top();
    for motion in [
        Motion::Last,
        Motion::Down,
        Motion::Up,
        Motion::PageUp,
        Motion::First,
        Motion::Up,
    ] {
        draw(&mut state, &model, 80, 24);
        press(&mut state, &model, [Action::Move(motion)]);
        draw(&mut state, &model, 80, 24);
        assert!(state.cursor.selected_in_sight().unwrap() < 18, "{motion:?}");
    }
    assert_eq!(
        state.cursor.selected,
        Some(RowId::Process(process(1, "p").id))
    );
}

#[test]
fn a_filter_works_while_it_is_typed_and_a_half_typed_one_changes_nothing() {
    let (mut state, model) = (top(), session());
    press(&mut state, &model, typed("NGI"));
    let screen = draw(&mut state, &model, 80, 24);
    assert!(
        screen.contains("nginx") && !screen.contains("rsync"),
        "{screen}"
    );
    press(&mut state, &model, [Action::Type('(')]);
    let screen = draw(&mut state, &model, 80, 24);
    assert!(
        screen.contains("nginx") && !screen.contains("rsync"),
        "{screen}"
    );
    assert!(screen.contains("not a regular expression yet"), "{screen}");
    press(&mut state, &model, [Action::Erase, Action::Accept]);
    assert_eq!(
        (state.filter.as_str(), &state.overlay),
        ("NGI", &Overlay::Nothing)
    );
    press(&mut state, &model, [Action::Back]);
    assert!(draw(&mut state, &model, 80, 24).contains("rsync"));
}

#[test]
fn a_paused_display_stands_still_while_counting_goes_on() {
    let rsync = process(8821, "rsync");
    let (mut state, mut model) = (top(), session());
    press(&mut state, &model, [Action::Pause]);
    let before = draw(&mut state, &model, 80, 24);
    assert!(before.contains("PAUSED"), "{before}");
    model.advance(&Sample {
        processes: vec![moved(&rsync, 1 << 40, 3_000)],
        ..second(4)
    });
    assert_eq!(draw(&mut state, &model, 80, 24), before);
    press(&mut state, &model, [Action::Pause]);
    let after = draw(&mut state, &model, 80, 24);
    assert!(after.contains("1.10 TB/s"), "{after}");
}

#[test]
fn keys_change_the_order_the_units_and_the_page() {
    let (mut state, model) = (top(), session());
    press(
        &mut state,
        &model,
        [Action::Sort(SortKey::Rx), Action::Figures, Action::Units],
    );
    let screen = draw(&mut state, &model, 80, 24);
    assert!(
        screen.contains("PROCESSES by bytes received, since start"),
        "{screen}"
    );
    assert!(screen.contains("157286400 B"), "{screen}");
    press(&mut state, &model, [Action::NextPage]);
    assert_eq!(state.page, Page::Flows);
    assert!(draw(&mut state, &model, 80, 24).contains("CONNECTIONS by bytes received"));
    assert_eq!(state.apply(Action::Quit, &model), Effect::Quit);
    assert_eq!(state.apply(Action::Suspend, &model), Effect::Suspend);
}

#[test]
fn an_opened_process_that_ended_is_no_trouble() {
    let curl = process(7, "curl");
    let mut model = Model::new(&second(0));
    let mut ended = moved(&curl, 5, 5);
    model.advance(&Sample {
        processes: vec![ended.clone()],
        flows: vec![flow(&curl, 1, 5, 5)],
        ..second(1)
    });
    let mut state = top();
    draw(&mut state, &model, 80, 24);
    press(&mut state, &model, [Action::Open]);
    ended.alive = false;
    ended.last = true;
    model.advance(&Sample {
        processes: vec![ended],
        ..second(2)
    });
    model.advance(&second(3));
    let screen = draw(&mut state, &model, 80, 24);
    assert!(
        screen.contains("CONNECTIONS of a process that has ended (PID 7)"),
        "{screen}"
    );
}
