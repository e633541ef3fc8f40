//! Is a path as good as it must be? `--fail-if loss>1,avg>200ms`.

use std::str::FromStr;

use netperf_core::model::path::{Figures, PathModel};

use super::words::{ms, percent, target};

/// A bound on a figure of the destination.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Threshold {
    figure: Figure,
    is_above: bool,
    bound: f64,
}

/// What can be bounded.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Figure {
    Loss,
    Hops,
    Mtu,
    Min,
    Avg,
    Max,
    Mdev,
    Jitter,
    Percentile(u8),
}

const FIGURES: &str = "loss, min, avg, max, mdev, jitter, p50, p95, p99, hops, mtu";

impl Threshold {
    /// What is wrong, if the bound is broken, or can't be told though the host answers.
    pub fn broken(self, path: &PathModel) -> Option<String> {
        let (name, host) = (self.figure.name(), target(&path.target));
        let Some(value) = self.figure.of(path) else {
            let has_answers = path.destination.received() > 0;
            return has_answers.then(|| format!("{host}: {name} could not be found out"));
        };
        let is_broken = if self.is_above {
            value > self.bound
        } else {
            value < self.bound
        };
        let relation = if self.is_above { "more" } else { "less" };
        let (value, bound) = (self.figure.text(value), self.figure.text(self.bound));
        is_broken.then(|| format!("{host}: {name} is {value}, {relation} than {bound}"))
    }

    /// Whether it takes to look for the largest packet.
    pub fn needs_mtu(self) -> bool {
        self.figure == Figure::Mtu
    }
}

impl FromStr for Threshold {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let at = text.find(['>', '<']);
        let at =
            at.ok_or_else(|| format!("`{text}` is no bound such as `loss>1` or `avg>200ms`"))?;
        let (name, rest) = text.split_at(at);
        let is_above = rest.starts_with('>');
        let figure = Figure::named(name.trim())
            .ok_or_else(|| format!("`{}` is none of {FIGURES}", name.trim()))?;
        let bound = figure.bound(rest[1..].trim())?;
        Ok(Self {
            figure,
            is_above,
            bound,
        })
    }
}

impl Figure {
    fn named(name: &str) -> Option<Self> {
        Some(match name {
            "loss" => Self::Loss,
            "hops" => Self::Hops,
            "mtu" => Self::Mtu,
            "min" => Self::Min,
            "avg" => Self::Avg,
            "max" => Self::Max,
            "mdev" => Self::Mdev,
            "jitter" => Self::Jitter,
            "p50" | "median" => Self::Percentile(50),
            "p95" => Self::Percentile(95),
            "p99" => Self::Percentile(99),
            _ => return None,
        })
    }

    fn name(self) -> String {
        match self {
            Self::Loss => "loss".to_owned(),
            Self::Hops => "hops".to_owned(),
            Self::Mtu => "mtu".to_owned(),
            Self::Min => "min".to_owned(),
            Self::Avg => "avg".to_owned(),
            Self::Max => "max".to_owned(),
            Self::Mdev => "mdev".to_owned(),
            Self::Jitter => "jitter".to_owned(),
            Self::Percentile(percent) => format!("p{percent}"),
        }
    }

    /// Per cent, a number, or µs.
    fn of(self, path: &PathModel) -> Option<f64> {
        let figures: &Figures = &path.destination;
        let micros = match self {
            Self::Loss => return figures.loss_percent(),
            Self::Hops => {
                return path
                    .distance()
                    .and_then(|hops| u32::try_from(hops).ok())
                    .map(f64::from);
            }
            Self::Mtu => return path.mtu.as_ref()?.as_ref().ok()?.passes.map(f64::from),
            Self::Min => figures.best_us(),
            Self::Avg => figures.avg_us(),
            Self::Max => figures.worst_us(),
            Self::Mdev => figures.mdev_us(),
            Self::Jitter => figures.jitter_us(),
            Self::Percentile(percent) => {
                let [time] = figures.percentiles_us([percent]);
                time
            }
        };
        micros.map(f64::from)
    }

    fn bound(self, text: &str) -> Result<f64, String> {
        let (text, scale) = match self {
            Self::Loss => (text.strip_suffix('%').unwrap_or(text), 1.0),
            Self::Hops | Self::Mtu => (text, 1.0),
            Self::Min | Self::Avg | Self::Max | Self::Mdev | Self::Jitter | Self::Percentile(_) => {
                time(text).ok_or_else(|| {
                    format!("`{text}` is no time such as `200ms`, `500us` or `1.5s`")
                })?
            }
        };
        let number = text.trim().parse::<f64>().ok();
        let number = number.filter(|number| number.is_finite() && *number >= 0.0);
        number
            .map(|number| number * scale)
            .ok_or_else(|| format!("`{text}` is no number"))
    }

    fn text(self, value: f64) -> String {
        match self {
            Self::Loss => percent(value),
            Self::Hops | Self::Mtu => format!("{value}"),
            Self::Min | Self::Avg | Self::Max | Self::Mdev | Self::Jitter | Self::Percentile(_) => {
                let micros =
                    std::time::Duration::try_from_secs_f64(value / 1e6).unwrap_or_default();
                ms(u32::try_from(micros.as_micros()).unwrap_or(u32::MAX))
            }
        }
    }
}

/// The number, and how many µs its unit has. Without a unit a time is ambiguous.
fn time(text: &str) -> Option<(&str, f64)> {
    let units = [("ms", 1e3), ("us", 1.0), ("µs", 1.0), ("s", 1e6)];
    units
        .into_iter()
        .find_map(|(unit, micros)| Some((text.strip_suffix(unit)?, micros)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use netperf_core::model::path::fixtures::model;

    fn broken(bound: &str) -> Option<String> {
        let path = model([
            "r1 1000, ! 40000",
            "r1 1000, ! 60000",
            "r1 1000, -",
            "r1 1000, ! 50000",
        ]);
        bound.parse::<Threshold>().unwrap().broken(&path)
    }

    #[test]
    fn a_bound_is_broken_by_what_is_beyond_it_only() {
        for kept in [
            "loss>25",
            "loss>25%",
            "avg>50ms",
            "max>60000us",
            "p95>0.06s",
            "hops>2",
            "min<40ms",
        ] {
            assert_eq!(broken(kept), None, "{kept}");
        }
        let text = "example.org (192.0.2.1): avg is 50.0 ms, more than 49.0 ms";
        assert_eq!(broken("avg>49ms").as_deref(), Some(text));
        for bound in [
            "loss>24.9",
            "max > 59 ms",
            "min<41ms",
            "median>49ms",
            "hops<3",
        ] {
            assert!(broken(bound).is_some(), "{bound}");
        }
    }

    #[test]
    fn a_bound_on_what_could_not_be_found_out_is_broken() {
        assert!(
            broken("mtu<1500")
                .unwrap()
                .contains("mtu could not be found out")
        );
        let silent = model(["r1 1000, -"]);
        assert_eq!(
            "avg>1ms".parse::<Threshold>().unwrap().broken(&silent),
            None
        );
    }

    #[test]
    fn what_is_not_understood_is_told() {
        for (bound, word) in [
            ("loss", "no bound"),
            ("lost>1", "none of loss"),
            ("avg>200", "no time"),
            ("loss>x", "no number"),
            ("loss>-1", "no number"),
            ("avg>NaNms", "no number"),
        ] {
            let error = bound.parse::<Threshold>().unwrap_err();
            assert!(error.contains(word), "{bound}: {error}");
        }
    }
}
