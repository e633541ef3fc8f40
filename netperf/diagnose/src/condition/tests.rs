use std::fmt::Debug;

use super::*;
use crate::nic::condition::NicMetric;

/// A metric of each quantity.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Any {
    Count,
    Share,
    Time,
    Size,
    Rate,
}

impl Metric for Any {
    const ALL: &'static [Self] = &[Self::Count, Self::Share, Self::Time, Self::Size, Self::Rate];
    const EXAMPLE: &'static str = "count>0";
    const EQUALS: Option<Operator> = Some(Operator::AtMost);

    fn name(self) -> &'static str {
        match self {
            Self::Count => "count",
            Self::Share => "share",
            Self::Time => "time",
            Self::Size => "size",
            Self::Rate => "rate",
        }
    }

    fn quantity(self) -> Quantity {
        match self {
            Self::Count => Quantity::Count,
            Self::Share => Quantity::Percent,
            Self::Time => Quantity::Time,
            Self::Size => Quantity::Size,
            Self::Rate => Quantity::Rate,
        }
    }
}

fn error<M: Metric + Debug>(text: &str) -> (usize, String) {
    let error = text.parse::<Condition<M>>().unwrap_err();
    (error.at, error.why)
}

#[test]
fn every_operator_works_on_every_quantity() {
    for (sign, below, same, above) in [
        ("<", true, false, false),
        ("<=", true, true, false),
        (">", false, false, true),
        (">=", false, true, true),
        ("=", true, true, false),
    ] {
        for (bound, value) in [
            ("count S 3", 3.0),
            ("shareS0.5%", 0.5),
            ("share S 90 %", 90.0),
            ("timeS200ms", 200_000.0),
            ("timeS1.5s", 1_500_000.0),
            ("time S 30 us", 30.0),
            ("timeS30µs", 30.0),
            ("sizeS1400", 1_400.0),
            ("sizeS1.4kB", 1_400.0),
            ("rateS20MB/s", 20_000_000.0),
            ("rate S 8 Mbit", 1_000_000.0),
        ] {
            let text = bound.replace('S', sign);
            let condition: Condition<Any> = text.parse().unwrap();
            let results = [value * 0.9, value, value * 1.1].map(|it| condition.holds(it));
            assert_eq!(results, [below, same, above], "{text}");
        }
    }
}

#[test]
fn what_is_no_condition_is_told_with_its_place_and_what_would_be_one() {
    for (text, at, why) in [
        ("", 0, "`` is no condition: write for example `count>0`"),
        (
            "count",
            0,
            "`count` is no condition: write for example `count>0`",
        ),
        (
            "loss>1",
            0,
            "`loss` is no metric: write count, share, time, size, rate",
        ),
        ("count>", 6, "`` is no number from 0 on"),
        ("count>=many", 7, "`many` is no number from 0 on"),
        ("count>1%", 6, "`1%` is no number from 0 on"),
        ("count>>1", 6, "`>1` is no number from 0 on"),
        ("count>-1", 6, "`-1` is no number from 0 on"),
        (
            "share>nan",
            6,
            "`nan` is no share such as `1`, `0.5` or `90%`",
        ),
        (
            "time>200",
            5,
            "`200` is no time such as `500us`, `200ms` or `1.5s`",
        ),
        (
            "time>NaNms",
            5,
            "`NaNms` is no time such as `500us`, `200ms` or `1.5s`",
        ),
        (
            "time>1..2s",
            5,
            "`1..2s` is no time such as `500us`, `200ms` or `1.5s`",
        ),
    ] {
        assert_eq!(error::<Any>(text), (at, why.to_owned()), "{text}");
    }
    assert!(
        error::<Any>("rate>20Mb")
            .1
            .contains("can be read in two ways")
    );
    assert!(error::<NicMetric>("errors=0").1.contains("is no condition"));
}

#[test]
fn in_a_list_the_place_is_that_of_the_whole() {
    let list = Condition::<Any>::list("count>0, share<=5%,time=2s").unwrap();
    let bounds: Vec<_> = list.iter().map(Condition::bound_text).collect();
    assert_eq!(bounds, ["0", "5 %", "2 s"]);
    let error = Condition::<Any>::list("count>0,pace<1s").unwrap_err();
    assert_eq!(error.at, 8);
}

#[test]
fn a_condition_is_a_sentence_about_its_value() {
    for (text, value, sentence) in [
        ("count>=1", 3.0, "count is 3, at least 1"),
        ("share>24.9", 25.0, "share is 25 %, more than 24.9 %"),
        ("time>49ms", 50_000.0, "time is 50.0 ms, more than 49.0 ms"),
        ("rate<20MB", 12e6, "rate is 12.0 MB/s, less than 20.0 MB/s"),
    ] {
        let condition: Condition<Any> = text.parse().unwrap();
        assert_eq!(condition.sentence(value), sentence);
    }
}
