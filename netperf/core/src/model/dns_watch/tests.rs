//! Packets made by hand: which queries end, and how?

use super::*;
use crate::fixtures::process;

const PATIENCE: Duration = Duration::from_secs(5);

fn packet(at_ms: u64, socket: u64, number: u16, what: DnsPacketKind) -> DnsPacket {
    DnsPacket {
        at: MonoNs(1_000_000_000 + at_ms * 1_000_000),
        socket,
        local_port: 40_000,
        netns: None,
        resolver: ([10, 0, 0, 1], 53).into(),
        proto: Proto::Udp,
        number,
        name: "x.y".to_owned(),
        kind: "A".to_owned(),
        what,
    }
}

fn question(at_ms: u64, socket: u64, number: u16) -> DnsPacket {
    packet(
        at_ms,
        socket,
        number,
        DnsPacketKind::Question(process(7, "curl")),
    )
}

fn answer(at_ms: u64, socket: u64, number: u16, rcode: Rcode) -> DnsPacket {
    let truncated = false;
    packet(
        at_ms,
        socket,
        number,
        DnsPacketKind::Answer { rcode, truncated },
    )
}

#[test]
fn an_answer_ends_its_own_question_only() {
    let mut watch = DnsWatch::new(PATIENCE);
    assert_eq!(watch.take(&question(0, 1, 5)), None);
    assert_eq!(
        watch.take(&answer(10, 1, 6, Rcode::NOERROR)),
        None,
        "another number"
    );
    assert_eq!(
        watch.take(&answer(10, 2, 5, Rcode::NOERROR)),
        None,
        "another socket"
    );
    let ended = watch.take(&answer(30, 1, 5, Rcode::SERVFAIL)).unwrap();
    let took = Duration::from_millis(30);
    let end = QueryEnd::Answered {
        rcode: Rcode::SERVFAIL,
        truncated: false,
        took,
    };
    assert_eq!((ended.end, ended.retries), (end, 0));
    let (tallies, unmatched) = watch.end_tick();
    assert_eq!(unmatched, 2);
    assert_eq!((tallies[0].queries, tallies[0].failures), (1, 1));
    assert_eq!(tallies[0].times, [took]);
}

#[test]
fn what_is_asked_again_later_is_a_retry_and_what_is_asked_together_is_not() {
    let mut watch = DnsWatch::new(PATIENCE);
    for packet in [question(0, 1, 5), question(1, 2, 5), question(2_000, 3, 9)] {
        watch.take(&packet);
    }
    let retries = |watch: &mut DnsWatch, socket, number| {
        let ended = watch.take(&answer(2_100, socket, number, Rcode::NOERROR));
        ended.unwrap().retries
    };
    assert_eq!(retries(&mut watch, 2, 5), 0);
    assert_eq!(retries(&mut watch, 3, 9), 2);
    watch.take(&question(2_200, 1, 5));
    assert_eq!(retries(&mut watch, 1, 5), 1, "sent again as it was");
}

#[test]
fn of_resolvers_that_are_asked_at_once_one_answer_is_enough() {
    let mut watch = DnsWatch::new(PATIENCE);
    let second = |mut packet: DnsPacket| {
        packet.resolver = ([10, 0, 0, 2], 53).into();
        packet
    };
    watch.take(&question(0, 1, 5));
    watch.take(&second(question(1, 1, 5)));
    watch.take(&second(question(3_000, 2, 6)));
    watch.take(&answer(20, 1, 5, Rcode::NOERROR)).unwrap();
    let late = watch.give_up(MonoNs(6_000_000_000), Duration::from_secs(1));
    let settled: Vec<_> = late.iter().map(|query| query.is_settled).collect();
    assert_eq!(settled, [true, false]);
}

#[test]
fn what_is_asked_again_over_tcp_after_a_cut_answer_was_not_lost() {
    let aaaa = |mut packet: DnsPacket| {
        packet.kind = "AAAA".to_owned();
        packet
    };
    let over_tcp = |mut packet: DnsPacket| {
        packet.proto = Proto::Tcp;
        packet
    };
    let run = |truncated, goes_on: bool| {
        let mut watch = DnsWatch::new(PATIENCE);
        watch.take(&question(0, 1, 5));
        watch.take(&aaaa(question(0, 1, 6)));
        let rcode = Rcode::NOERROR;
        let cut = DnsPacketKind::Answer { rcode, truncated };
        watch.take(&packet(1, 1, 5, cut)).unwrap();
        if goes_on {
            let again = over_tcp(aaaa(question(200, 2, 6)));
            watch.take(&again);
            let answered = over_tcp(aaaa(answer(210, 2, 6, rcode)));
            assert_eq!(
                watch.take(&answered).unwrap().retries,
                u32::from(!truncated)
            );
        }
        let late = watch.give_up(MonoNs(9_000_000_000), PATIENCE);
        let timeouts = watch.end_tick().0[0].timeouts;
        (late[0].is_settled, timeouts)
    };
    assert_eq!(run(true, true), (true, 0));
    assert_eq!(run(true, false), (false, 1), "nobody asked again");
    assert_eq!(run(false, true), (false, 1), "nothing was cut off");
}

#[test]
fn lost_answers_time_out_and_count() {
    let mut watch = DnsWatch::new(PATIENCE);
    watch.take(&question(0, 1, 5));
    assert!(watch.expire(MonoNs(5_999_999_999)).is_empty());
    let late = watch.expire(MonoNs(6_000_000_000));
    assert_eq!(late[0].end, QueryEnd::TimedOut);
    assert_eq!(watch.take(&answer(5_100, 1, 5, Rcode::NOERROR)), None);
    let (tallies, unmatched) = watch.end_tick();
    assert_eq!((tallies[0].timeouts, unmatched), (1, 1));
    assert!(watch.end_tick().0.is_empty(), "a tick has its own queries");
}
