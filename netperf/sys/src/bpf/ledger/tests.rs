use super::*;

fn slot(socket: u64, tgid: u32, tx_bytes: u64) -> Slot {
    let owner = Owner {
        host_tgid: tgid,
        tgid,
        start_ns: 1,
        ..Owner::default()
    };
    Slot {
        socket,
        tx_bytes,
        owner,
        ..Slot::default()
    }
}

fn tx_of(ledger: &Ledger, tgid: u32) -> Option<u64> {
    ledger
        .processes()
        .find(|(id, _)| id.tgid == tgid)
        .map(|(_, tally)| tally.tx_bytes)
}

#[test]
fn totals_outlive_the_slot() {
    let mut ledger = Ledger::default();
    ledger.absorb(3, &slot(100, 7, 10));
    ledger.absorb(3, &slot(100, 7, 15));
    assert!(ledger.close(3));
    ledger.forget(3);
    ledger.absorb(3, &slot(200, 7, 4));
    assert_eq!(tx_of(&ledger, 7), Some(19));
}

#[test]
fn a_slot_read_again_before_it_is_cleared_counts_once() {
    let mut ledger = Ledger::default();
    ledger.absorb(3, &slot(100, 7, 10));
    assert!(ledger.close(3));
    assert!(!ledger.close(3));
    ledger.absorb(3, &slot(100, 7, 12));
    ledger.forget(3);
    assert_eq!(tx_of(&ledger, 7), Some(12));
    assert_eq!(ledger.open_count(), 0);
}

#[test]
fn a_free_slot_counts_nothing() {
    let mut ledger = Ledger::default();
    ledger.absorb(3, &Slot::default());
    assert_eq!(ledger.processes().count(), 0);
}

#[test]
fn retransmissions_of_a_shared_socket_are_given_once() {
    let mut ledger = Ledger::default();
    let with_retrans = |tgid, retrans| Slot {
        retrans,
        ..slot(100, tgid, 1)
    };
    ledger.absorb(3, &with_retrans(7, 0));
    ledger.share(3, 100);
    ledger.share(4, 100);
    ledger.absorb(4, &with_retrans(8, 5));
    ledger.absorb(3, &with_retrans(7, 5));
    let total: u64 = ledger.processes().map(|(_, tally)| tally.retrans).sum();
    assert_eq!(total, 5);
}

#[test]
fn retransmissions_before_the_tracer_are_not_the_process_s() {
    let mut ledger = Ledger::default();
    ledger.absorb(
        3,
        &Slot {
            retrans: 12,
            retrans_base: 10,
            ..slot(100, 7, 1)
        },
    );
    let (_, tally) = ledger.processes().next().unwrap();
    assert_eq!(tally.retrans, 2);
}

#[test]
fn a_listeners_syn_acks_are_segments_that_it_sent_again() {
    let mut ledger = Ledger::default();
    ledger.keep_flows(true);
    let listener = |synacks| Slot {
        synacks,
        ..slot(100, 7, 0)
    };
    ledger.absorb(3, &listener(2));
    ledger.absorb(3, &listener(3));
    ledger.note_retransmission(3, RetransKind::Synack, 10);
    let flows = ledger.take_changed_flows();
    assert_eq!((flows[0].retransmitted, flows[0].retrans), (3, 0));
    assert_eq!(flows[0].losses.events.synack, 1);
    assert_eq!(ledger.take_changed()[0].1.retrans, 3);
}

#[test]
fn a_port_has_a_holder_as_long_as_its_socket_is_open() {
    let mut ledger = Ledger::default();
    let mut listener = slot(100, 7, 0);
    listener.key = FlowKey {
        netns: 3,
        protocol: 6,
        local_port: 80,
        ..FlowKey::default()
    };
    ledger.absorb(3, &listener);
    let tgid = |ledger: &Ledger, netns| Some(ledger.holders().of(netns, 6, 80)?.tgid);
    assert_eq!((tgid(&ledger, 3), tgid(&ledger, 0)), (Some(7), Some(7)));
    assert_eq!(tgid(&ledger, 4), None);
    ledger.forget(3);
    assert_eq!(tgid(&ledger, 3), Some(7), "what is told late");
    ledger.forget_left();
    assert_eq!(tgid(&ledger, 3), None);
}

#[test]
fn a_process_with_an_open_socket_is_not_dropped() {
    let mut ledger = Ledger::default();
    ledger.absorb(3, &slot(100, 7, 10));
    let (id, _) = ledger.processes().next().unwrap();
    assert!(!ledger.drop_process(id));
    ledger.close(3);
    ledger.forget(3);
    assert!(ledger.drop_process(id));
    assert_eq!(ledger.processes().count(), 0);
}

#[test]
fn a_flow_counts_from_when_flows_were_asked_for() {
    let mut ledger = Ledger::default();
    ledger.absorb(3, &slot(100, 7, 10));
    assert!(ledger.take_changed_flows().is_empty());
    ledger.keep_flows(true);
    assert!(ledger.take_changed_flows().is_empty());
    ledger.absorb(3, &slot(100, 7, 15));
    assert_eq!(ledger.take_changed_flows()[0].tx_bytes, 5);
}

#[test]
fn an_ended_flow_is_told_with_its_final_totals() {
    let mut ledger = Ledger::default();
    ledger.keep_flows(true);
    ledger.absorb(3, &slot(100, 7, 10));
    ledger.close(3);
    ledger.forget(3);
    let flows = ledger.take_changed_flows();
    assert_eq!(flows.len(), 1);
    assert!(flows[0].closed);
    assert_eq!(flows[0].tx_bytes, 10);
}
