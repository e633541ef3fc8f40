use super::*;

const PLAN: Plan = Plan {
    max_hops: 5,
    interval: Duration::from_secs(1),
    timeout: Duration::from_secs(3),
    cycles: Some(2),
};

/// A network of so many hops, some of which are silent, and its clock.
struct Played {
    course: Course,
    now: MonoNs,
    /// Distance of the destination.
    far: u8,
    silent: Vec<u8>,
    /// Answers under way, and when they arrive.
    answers: Vec<(MonoNs, Heard)>,
    sent: Vec<u8>,
    settled: Vec<Settled>,
}

const RTT: Duration = Duration::from_millis(35);

impl Played {
    fn new(plan: Plan, far: u8, silent: &[u8]) -> Self {
        let now = MonoNs(1_000_000_000);
        Self {
            course: Course::new(plan, now),
            now,
            far,
            silent: silent.to_vec(),
            answers: Vec::new(),
            sent: Vec::new(),
            settled: Vec::new(),
        }
    }

    /// Goes on until all is over, or so many steps were taken.
    fn run(mut self, change: impl Fn(&mut Self)) -> Self {
        for _ in 0..10_000 {
            change(&mut self);
            match self.course.next(self.now) {
                Next::Send(token, ttl) => {
                    self.sent.push(ttl);
                    self.course.sent(token, self.now);
                    if !self.silent.contains(&ttl.min(self.far)) {
                        let said = if ttl >= self.far {
                            Said::Reached
                        } else {
                            Said::Expired
                        };
                        self.answers
                            .push((later(self.now, RTT), Heard { token, said }));
                    }
                }
                Next::Wait(until) => {
                    let arrival = self.answers.first().map(|&(at, _)| at);
                    self.now = arrival.map_or(until, |at| at.min(until)).max(self.now);
                }
                Next::Over => return self,
            }
            while self.answers.first().is_some_and(|&(at, _)| at <= self.now) {
                let (at, heard) = self.answers.remove(0);
                self.course.heard(heard, [10, 0, 0, 1].into(), at);
            }
            self.settled.extend(self.course.settled(self.now));
        }
        panic!("it never ends");
    }

    fn took(&self) -> Duration {
        self.now.since(MonoNs(1_000_000_000)).unwrap()
    }
}

fn fates(settled: &Settled) -> String {
    let fates = settled.probes.iter().map(|outcome| match outcome {
        Outcome::Answered(reply) if reply.said == Said::Reached => '!',
        Outcome::Answered(_) => '+',
        Outcome::Lost => '-',
        Outcome::NotSent(_) => 'x',
    });
    fates.collect()
}

#[test]
fn the_first_cycle_finds_the_destination_and_the_next_goes_no_further() {
    let played = Played::new(PLAN, 3, &[]).run(|_| ());
    assert_eq!(
        played.settled.iter().map(fates).collect::<Vec<_>>(),
        ["++!", "++!"]
    );
    assert_eq!(&played.sent[played.sent.len() - 3..], [1, 2, 3]);
    let rtts = played.settled.iter().flat_map(|settled| &settled.probes);
    for outcome in rtts {
        assert!(
            matches!(outcome, Outcome::Answered(reply) if reply.rtt_us == 35_000),
            "{outcome:?}"
        );
    }
}

#[test]
fn a_silent_hop_is_waited_for_in_full_only_at_first() {
    let plan = Plan {
        cycles: Some(10),
        ..PLAN
    };
    let played = Played::new(plan, 3, &[2]).run(|_| ());
    assert!(played.settled.iter().all(|settled| fates(settled) == "+-!"));
    let took = played.took();
    assert!(took < Duration::from_millis(10_200), "{took:?}");
}

#[test]
fn a_destination_that_is_silent_is_looked_for_up_to_the_last_hop_and_no_cycle_says_otherwise() {
    let played = Played::new(PLAN, 4, &[4]).run(|_| ());
    for settled in &played.settled {
        assert_eq!(
            (fates(settled).as_str(), settled.is_exhausted),
            ("+++--", true)
        );
    }
}

#[test]
fn a_way_that_grows_longer_is_followed() {
    let plan = Plan {
        cycles: Some(5),
        ..PLAN
    };
    let played = Played::new(plan, 2, &[]).run(|played| {
        if played.settled.len() == 2 {
            played.far = 4;
        }
    });
    let all: Vec<_> = played.settled.iter().map(fates).collect();
    assert_eq!(all.first().unwrap(), "+!");
    assert_eq!(all.last().unwrap(), "+++!");
    assert_eq!(played.course.distance(), Some(4));
}

#[test]
fn an_answer_counts_once_and_a_late_one_not_at_all() {
    let mut course = Course::new(PLAN, MonoNs(0));
    let Next::Send(token, 1) = course.next(MonoNs(1)) else {
        panic!()
    };
    let heard = Heard {
        token,
        said: Said::Reached,
    };
    course.heard(heard, [10, 0, 0, 1].into(), MonoNs(2_000_001));
    course.heard(heard, [10, 0, 0, 2].into(), MonoNs(9_000_001));
    let settled = course.settled(MonoNs(9_000_001)).unwrap();
    assert!(matches!(&settled.probes[..], [Outcome::Answered(reply)] if reply.rtt_us == 2_000));
    course.heard(heard, [10, 0, 0, 3].into(), MonoNs(10_000_001));
    assert_eq!(course.settled(MonoNs(10_000_001)), None);
}

#[test]
fn a_probe_that_was_not_sent_ends_its_cycle() {
    let mut course = Course::new(PLAN, MonoNs(0));
    let Next::Send(token, 1) = course.next(MonoNs(1)) else {
        panic!()
    };
    course.not_sent(token, "no route".to_owned());
    let settled = course.settled(MonoNs(2)).unwrap();
    assert_eq!(settled.probes, [Outcome::NotSent("no route".to_owned())]);
    assert!(!settled.is_exhausted);
}
