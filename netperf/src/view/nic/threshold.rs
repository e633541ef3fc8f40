//! What must not be passed? `--fail-if errors>0,drops>0,util>90`.

use std::str::FromStr;

use super::NicRow;

/// What the words are.
const WORDS: &str = "`errors`, `drops` (both in one tick, of one interface) or `util` (percent)";

/// A limit that no interface may pass in any tick.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Threshold {
    figure: Figure,
    /// Whether the limit itself is too much.
    or_equal: bool,
    limit: f64,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Figure {
    Errors,
    Drops,
    Utilisation,
}

/// Why an expression is none.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ThresholdError {
    /// There is no sign.
    #[error("`{0}` is no threshold: write for example `errors>0` or `util>90`")]
    NoSign(String),
    /// The figure is not known.
    #[error("`{0}` can't be checked: it is {WORDS}")]
    NoFigure(String),
    /// The limit is no number.
    #[error("`{0}` is no number from 0 on")]
    NoNumber(String),
}

impl FromStr for Threshold {
    type Err = ThresholdError;

    fn from_str(text: &str) -> Result<Self, ThresholdError> {
        let Some((figure, limit)) = text.split_once('>') else {
            return Err(ThresholdError::NoSign(text.to_owned()));
        };
        let figure = match figure.trim() {
            "errors" => Figure::Errors,
            "drops" => Figure::Drops,
            "util" => Figure::Utilisation,
            other => return Err(ThresholdError::NoFigure(other.to_owned())),
        };
        let (or_equal, limit) = match limit.strip_prefix('=') {
            Some(limit) => (true, limit.trim()),
            None => (false, limit.trim()),
        };
        let digits = match figure {
            Figure::Utilisation => limit.strip_suffix('%').unwrap_or(limit).trim_end(),
            Figure::Errors | Figure::Drops => limit,
        };
        let number = digits.parse::<f64>().ok();
        let limit = number
            .filter(|number| number.is_finite() && *number >= 0.0)
            .ok_or_else(|| ThresholdError::NoNumber(limit.to_owned()))?;
        Ok(Self {
            figure,
            or_equal,
            limit,
        })
    }
}

impl Threshold {
    /// Whether it can be checked only where the speed of a link is known.
    pub(super) fn needs_a_speed(&self) -> bool {
        self.figure == Figure::Utilisation
    }

    /// Each interface that passed it in this tick, in words.
    pub(super) fn exceeded(&self, rows: &[NicRow<'_>]) -> Vec<String> {
        rows.iter().filter_map(|row| self.exceeded_by(row)).collect()
    }

    fn exceeded_by(&self, row: &NicRow<'_>) -> Option<String> {
        let (name, value) = match self.figure {
            Figure::Errors => ("errors", float(row.errors_in_tick()?)),
            Figure::Drops => ("drops", float(row.drops_in_tick()?)),
            Figure::Utilisation => ("util", row.utilisation_percent?),
        };
        let is_passed = value > self.limit || (self.or_equal && value >= self.limit);
        let sign = if self.or_equal { ">=" } else { ">" };
        let shown = match self.figure {
            Figure::Utilisation => format!("{value:.1} %"),
            Figure::Errors | Figure::Drops => format!("{value}"),
        };
        is_passed.then(|| {
            format!(
                "{}: {name} {shown} in one tick ({name}{sign}{})",
                row.place(),
                self.limit
            )
        })
    }
}

#[expect(clippy::cast_precision_loss, reason = "no tick has 2^53 packets")]
fn float(number: u64) -> f64 {
    number as f64
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_no_threshold_is_told_with_what_would_be_one() {
        let error = |text: &str| text.parse::<Threshold>().unwrap_err().to_string();
        assert_eq!(
            error("errors"),
            "`errors` is no threshold: write for example `errors>0` or `util>90`"
        );
        assert!(error("loss>1").starts_with("`loss` can't be checked: it is `errors`, `drops`"));
        for wrong in [
            "util>",
            "drops>-1",
            "errors>many",
            "util>nan",
            "errors>1%",
            "util>>1",
        ] {
            assert!(error(wrong).contains("no number"), "{wrong}");
        }
    }

    #[test]
    fn thresholds_are_read_with_and_without_percent() {
        let read = |text: &str| text.parse::<Threshold>().unwrap();
        assert_eq!(read("util>90"), read("util > 90 %"));
        assert_ne!(read("util>90"), read("util>=90"));
        assert_eq!(read("errors>0").figure, Figure::Errors);
    }
}
