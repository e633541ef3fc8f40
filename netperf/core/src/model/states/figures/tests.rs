use regex::Regex;

use super::*;
use crate::fixtures::socket;
use crate::fixtures::states::{
    DATABASE, PORTS, binds, connects, look, model, over, refusing, unclosed,
};
use crate::sample::refusal::{RefusalReading, RefusedFor};

#[test]
fn ports_are_counted_against_their_range() {
    let mut sockets = over(300, DATABASE, 1_000);
    sockets.push(socket(TcpState::Established, 7, "10.0.0.5:40999", DATABASE));
    let options = StatesOptions::all();
    let model = model(&[look(1, sockets)], &options);
    let figures = StatesFigures::new(&model, &options);
    let row = &figures.time_wait[0];
    assert_eq!((row.time_wait, row.in_use), (300, 301));
    assert_eq!((row.ports, row.headroom), (Some(PORTS), Some(699)));
    assert_eq!((row.growth_per_s, row.exhausted_in_s), (None, None));
    let likely: Vec<_> = row.likely.iter().map(|it| it.process.pid).collect();
    assert_eq!(likely, [8_821]);
}

#[test]
fn ports_that_go_faster_than_they_come_back_are_exhausted_in_time() {
    let options = StatesOptions::all();
    let row = |first: u32, then: u32| {
        let looks = [
            look(1, over(first, DATABASE, 59_500)),
            look(3, over(then, DATABASE, 59_500)),
        ];
        let model = model(&looks, &options);
        let row = StatesFigures::new(&model, &options).time_wait[0].clone();
        (row.growth_per_s, row.exhausted_in_s)
    };
    // 100 a second would be 6 000 after a minute.
    assert_eq!(row(200, 400), (Some(100.0), Some(6.0)));
    // 2 a second are 120 after a minute, and then no more.
    assert_eq!(row(10, 14), (Some(2.0), None));
    assert_eq!(row(400, 200).1, None);
    assert_eq!(row(1_000, 1_000), (Some(0.0), Some(0.0)));
}

#[test]
fn open_connections_never_level_off() {
    let open = |count: u32| {
        let sockets = (0..count).map(|at| {
            let local = format!("10.0.0.5:{}", 40_000 + at);
            socket(TcpState::Established, 7, &local, DATABASE)
        });
        sockets.collect::<Vec<_>>()
    };
    let options = StatesOptions::all();
    let looks = [look(1, open(10)), look(2, open(12))];
    let model = model(&looks, &options);
    let row = &StatesFigures::new(&model, &options).time_wait[0];
    assert_eq!(row.exhausted_in_s, Some(494.0));
}

#[test]
fn filters_limit_counts_and_rows() {
    let mut sockets = over(5, DATABASE, 1_000);
    sockets.extend(unclosed(3, 0));
    sockets.push(socket(TcpState::Established, 7, "10.0.0.5:40999", DATABASE));
    let shown = |options: &StatesOptions| {
        let model = model(&[look(1, sockets.clone())], options);
        let figures = StatesFigures::new(&model, options);
        let rows = [
            figures.by_process.len(),
            figures.time_wait.len(),
            figures.close_wait.len(),
            figures.listen.len(),
        ];
        (figures.counts.total(), rows)
    };
    assert_eq!(shown(&StatesOptions::all()), (10, [3, 1, 1, 1]));
    let states = StatesOptions {
        states: StateSet::of([TcpState::CloseWait]),
        ..StatesOptions::all()
    };
    assert_eq!(shown(&states), (3, [1, 0, 1, 0]));
    let port = StatesOptions {
        port: Some(5_432),
        ..StatesOptions::all()
    };
    assert_eq!(shown(&port), (6, [2, 1, 0, 0]));
    let remote = StatesOptions {
        remote: Some("192.0.2.0/24".parse().unwrap()),
        ..StatesOptions::all()
    };
    assert_eq!(shown(&remote), (3, [1, 0, 1, 0]));
    let named = StatesOptions {
        processes: ProcessQuery {
            name: Some(Regex::new("^worker$").unwrap()),
            ..ProcessQuery::default()
        },
        ..StatesOptions::all()
    };
    assert_eq!(shown(&named), (1, [1, 1, 0, 0]));
}

const PORT_90: &str = "0.0.0.0:90";

#[test]
fn refused_calls_are_counted_in_the_tick_and_since_the_start() {
    let more = RefusalReading {
        total: 9,
        ..connects(8_821, DATABASE, 4)
    };
    let looks = [
        refusing(1, Vec::new(), vec![connects(8_821, DATABASE, 5)]),
        refusing(3, Vec::new(), vec![more]),
        refusing(5, Vec::new(), Vec::new()),
    ];
    let figures_of = |looks: &[SocketSample]| {
        let options = StatesOptions::all();
        let model = model(looks, &options);
        let figures = StatesFigures::new(&model, &options);
        let [row] = figures.refused.as_slice() else {
            panic!("{:#?}", figures.refused)
        };
        assert_eq!(
            (row.pid, row.address.to_string().as_str()),
            (8_821, DATABASE)
        );
        (row.count, row.total, row.per_s, row.last_s)
    };
    assert_eq!(figures_of(&looks[..1]), (5, 5, None, 0.0));
    assert_eq!(figures_of(&looks[..2]), (4, 9, Some(2.0), 0.0));
    assert_eq!(figures_of(&looks), (0, 9, Some(0.0), 2.0));
}

#[test]
fn filters_apply_to_what_is_refused() {
    let refused = [
        connects(8_821, DATABASE, 1),
        binds(412, RefusedFor::InUse, PORT_90),
    ];
    let look = [refusing(1, Vec::new(), refused.to_vec())];
    let pids = |options: &StatesOptions| -> Vec<u32> {
        let model = model(&look, options);
        let figures = StatesFigures::new(&model, options);
        figures.refused.iter().map(|row| row.pid).collect()
    };
    let only = |change: fn(&mut StatesOptions)| {
        let mut options = StatesOptions::all();
        change(&mut options);
        pids(&options)
    };
    assert_eq!(pids(&StatesOptions::all()), [412, 8_821]);
    assert_eq!(only(|it| it.port = Some(90)), [412]);
    assert_eq!(only(|it| it.remote = "10.0.0.0/8".parse().ok()), [8_821]);
    assert_eq!(only(|it| it.remote = "192.0.2.0/24".parse().ok()), [0; 0]);
    assert_eq!(only(|it| it.processes.pids = vec![8_821]), [8_821]);
}
