//! Is a path as good as it must be? `--fail-if loss>1,avg>=200ms`.

use netperf_core::model::path::PathModel;

use super::words::target;
use crate::condition::{Condition, Metric, Quantity};

/// What conditions of `path` can be about: figures of the destination.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PathMetric {
    /// Probes without an answer.
    Loss,
    /// Shortest round-trip time.
    Min,
    /// Mean round-trip time.
    Avg,
    /// Longest round-trip time.
    Max,
    /// Standard deviation of the times.
    Mdev,
    /// Mean difference between an answer and the next.
    Jitter,
    /// Half of the answers took no longer.
    P50,
    /// 95 of a hundred.
    P95,
    /// 99 of a hundred.
    P99,
    /// How many hops away it is.
    Hops,
    /// The largest packet that passes.
    Mtu,
}

impl Metric for PathMetric {
    const ALL: &'static [Self] = &[
        Self::Loss,
        Self::Min,
        Self::Avg,
        Self::Max,
        Self::Mdev,
        Self::Jitter,
        Self::P50,
        Self::P95,
        Self::P99,
        Self::Hops,
        Self::Mtu,
    ];
    const EXAMPLE: &'static str = "loss>1%` or `avg>=200ms";

    fn name(self) -> &'static str {
        match self {
            Self::Loss => "loss",
            Self::Min => "min",
            Self::Avg => "avg",
            Self::Max => "max",
            Self::Mdev => "mdev",
            Self::Jitter => "jitter",
            Self::P50 => "p50",
            Self::P95 => "p95",
            Self::P99 => "p99",
            Self::Hops => "hops",
            Self::Mtu => "mtu",
        }
    }

    fn quantity(self) -> Quantity {
        match self {
            Self::Loss => Quantity::Percent,
            Self::Hops => Quantity::Count,
            Self::Mtu => Quantity::Size,
            Self::Min
            | Self::Avg
            | Self::Max
            | Self::Mdev
            | Self::Jitter
            | Self::P50
            | Self::P95
            | Self::P99 => Quantity::Time,
        }
    }

    fn named(name: &str) -> Option<Self> {
        let name = if name == "median" { "p50" } else { name };
        Self::ALL.iter().copied().find(|it| it.name() == name)
    }
}

impl PathMetric {
    fn of(self, path: &PathModel) -> Option<f64> {
        let figures = &path.destination;
        let percentile = |percent| {
            let [time] = figures.percentiles_us([percent]);
            time
        };
        let number = match self {
            Self::Loss => return figures.loss_percent(),
            Self::Hops => path.distance().and_then(|hops| u32::try_from(hops).ok()),
            Self::Mtu => path.mtu.as_ref()?.as_ref().ok()?.passes,
            Self::Min => figures.best_us(),
            Self::Avg => figures.avg_us(),
            Self::Max => figures.worst_us(),
            Self::Mdev => figures.mdev_us(),
            Self::Jitter => figures.jitter_us(),
            Self::P50 => percentile(50),
            Self::P95 => percentile(95),
            Self::P99 => percentile(99),
        };
        number.map(f64::from)
    }
}

/// What is wrong, if the condition holds, or nobody can tell though the host answers.
pub fn broken(condition: &Condition<PathMetric>, path: &PathModel) -> Option<String> {
    let host = target(&path.target);
    let Some(value) = condition.metric.of(path) else {
        let name = condition.metric.name();
        let has_answers = path.destination.received() > 0;
        return has_answers.then(|| format!("{host}: {name} could not be found out"));
    };
    condition
        .holds(value)
        .then(|| format!("{host}: {}", condition.sentence(value)))
}

/// Whether it takes to look for the largest packet.
pub fn needs_mtu(condition: &Condition<PathMetric>) -> bool {
    condition.metric == PathMetric::Mtu
}

#[cfg(test)]
mod tests {
    use super::*;
    use netperf_core::model::path::fixtures::model;

    fn broken(text: &str) -> Option<String> {
        let path = model([
            "r1 1000, ! 40000",
            "r1 1000, ! 60000",
            "r1 1000, -",
            "r1 1000, ! 50000",
        ]);
        super::broken(&text.parse().unwrap(), &path)
    }

    #[test]
    fn a_condition_is_broken_where_it_holds_and_only_there() {
        for kept in [
            "loss>25",
            "loss>25%",
            "loss>=25.1",
            "avg>50ms",
            "max>60000us",
            "p95>0.06s",
            "hops>2",
            "hops>=3",
            "min<40ms",
            "min<=39ms",
        ] {
            assert_eq!(broken(kept), None, "{kept}");
        }
        let text = "example.org (192.0.2.1): avg is 50.0 ms, more than 49.0 ms";
        assert_eq!(broken("avg>49ms").as_deref(), Some(text));
        for text in [
            "loss>24.9",
            "loss>=25",
            "loss>=1",
            "avg>=50ms",
            "max > 59 ms",
            "min<41ms",
            "min<=40ms",
            "median>49ms",
            "p99>=60ms",
            "hops<3",
            "hops<=2",
        ] {
            assert!(broken(text).is_some(), "{text}");
        }
    }

    #[test]
    fn a_condition_on_what_could_not_be_found_out_is_broken() {
        let text = broken("mtu<1500").unwrap();
        assert!(text.contains("mtu could not be found out"), "{text}");
        let silent = model(["r1 1000, -"]);
        assert_eq!(super::broken(&"avg>1ms".parse().unwrap(), &silent), None);
    }

    #[test]
    fn what_is_not_understood_is_told() {
        for (text, words) in [
            ("loss", "no condition"),
            ("lost>1", "no metric: write loss, min"),
            ("avg>200", "no time"),
            ("loss>x", "no share"),
            ("loss>-1", "no share"),
            ("avg>NaNms", "no time"),
            ("loss=1", "no condition"),
        ] {
            let error = text.parse::<Condition<PathMetric>>().unwrap_err();
            assert!(error.why.contains(words), "{text}: {error}");
        }
    }
}
