use netperf_core::mutate::damaged;
use netperf_core::sample::path::Method::{Icmp, Tcp, Udp};
use proptest::prelude::*;

use super::claims::{self, METHODS, error, flow, hold, in_ip, valid};
use super::*;

fn heard(flow: &Flow, from: &str, bytes: &[u8]) -> Option<Heard> {
    read(
        Packet {
            from: from.parse().unwrap(),
            is_icmp: true,
            bytes,
        },
        flow,
    )
}

#[test]
fn errors_about_our_probes_are_understood_in_both_families() {
    let token = Token(0x1234);
    for method in METHODS {
        for (is_v6, kind, said) in [
            (false, (11, 0), Said::Expired),
            (false, (3, 1), Said::Unreachable(Unreachable::Host)),
            (false, (3, 13), Said::Unreachable(Unreachable::Prohibited)),
            (false, (3, 4), Said::TooBig(Some(1_400))),
            (true, (3, 0), Said::Expired),
            (true, (1, 0), Said::Unreachable(Unreachable::Network)),
            (true, (2, 0), Said::TooBig(Some(1_400))),
        ] {
            let flow = flow(method, is_v6);
            let bytes = error(&flow, token, kind, 1_400);
            assert_eq!(
                heard(&flow, "203.0.113.1", &bytes),
                Some(Heard { token, said }),
                "{flow:?} {kind:?}"
            );
        }
    }
}

#[test]
fn a_router_that_names_no_size_names_none() {
    for (is_v6, kind) in [(false, (3, 4)), (true, (2, 0))] {
        let flow = flow(Icmp, is_v6);
        let bytes = error(&flow, Token(9), kind, 0);
        let said = heard(&flow, "203.0.113.1", &bytes).unwrap().said;
        assert_eq!(said, Said::TooBig(None));
    }
}

#[test]
fn a_destination_that_says_nobody_listens_is_there() {
    for (is_v6, from, kind) in [(false, "192.0.2.9", (3, 3)), (true, "2001:db8::9", (1, 4))] {
        let flow = flow(Udp(33_434), is_v6);
        let bytes = error(&flow, Token(9), kind, 0);
        assert_eq!(
            heard(&flow, from, &bytes),
            Some(Heard {
                token: Token(9),
                said: Said::Reached
            })
        );
    }
}

#[test]
fn echo_replies_are_ours_only_with_number_payload_and_address() {
    let flow = flow(Icmp, false);
    let mut reply = flow.probe(Token(7), 64);
    reply[0] = 0;
    let bytes = in_ip(&flow, &reply);
    let expected = Some(Heard {
        token: Token(7),
        said: Said::Reached,
    });
    assert_eq!(heard(&flow, "192.0.2.9", &bytes), expected);
    assert_eq!(heard(&flow, "192.0.2.10", &bytes), None);
    let mut other = bytes.clone();
    other[24] ^= 1;
    assert_eq!(heard(&flow, "192.0.2.9", &other), None);
    let mut forged = bytes;
    forged[28] ^= 1;
    assert_eq!(heard(&flow, "192.0.2.9", &forged), None);
}

#[test]
fn a_syn_is_answered_by_who_acknowledges_it() {
    let flow = flow(Tcp(443), false);
    let segment = |flags: u8, acknowledged: u32| {
        let bytes = claims::segment(&flow, flags, acknowledged);
        let packet = Packet {
            from: flow.to,
            is_icmp: false,
            bytes: &bytes,
        };
        read(packet, &flow)
    };
    let sequence = u32::from(flow.secret()) << 16 | 0x0777;
    let token = Token(0x0777);
    assert_eq!(
        segment(0x12, sequence + 1),
        Some(Heard {
            token,
            said: Said::Reached
        })
    );
    assert_eq!(
        segment(0x14, sequence + 1),
        Some(Heard {
            token,
            said: Said::Refused
        })
    );
    assert_eq!(segment(0x12, 5), None);
    assert_eq!(segment(0x10, sequence + 1), None);
    assert_eq!(segment(0x04, sequence + 1), None);
}

#[test]
fn errors_about_packets_of_others_are_not_ours() {
    for method in METHODS {
        let (ours, other) = (
            flow(method, false),
            Flow {
                id: 0xdead,
                ..flow(method, false)
            },
        );
        let elsewhere = Flow {
            to: "192.0.2.8".parse().unwrap(),
            ..ours
        };
        for strange in [other, elsewhere] {
            let bytes = error(&strange, Token(7), (11, 0), 0);
            assert_eq!(heard(&ours, "203.0.113.1", &bytes), None, "{strange:?}");
        }
    }
}

proptest! {
    #[test]
    fn no_packet_makes_the_reader_panic(bytes: Vec<u8>, is_icmp: bool, is_v6: bool) {
        for method in METHODS {
            let flow = flow(method, is_v6);
            hold(Packet { from: flow.to, is_icmp, bytes: &bytes }, &flow);
        }
    }

    #[test]
    fn a_damaged_answer_is_read_as_another_of_ours_or_not_at_all(
        (flow, bytes) in (prop::sample::select(&METHODS), any::<bool>()).prop_flat_map(|(method, is_v6)| {
            let flow = flow(method, is_v6);
            (Just(flow), damaged(valid(&flow)))
        }),
        is_icmp: bool,
        is_destination: bool,
    ) {
        let from = if is_destination { flow.to } else { flow.from };
        hold(Packet { from, is_icmp, bytes: &bytes }, &flow);
    }
}
