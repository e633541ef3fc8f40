//! How is a condition read?

use std::str::FromStr;

use super::{Condition, ConditionError, Metric, Operator};

impl<M: Metric> FromStr for Condition<M> {
    type Err = ConditionError;

    fn from_str(text: &str) -> Result<Self, ConditionError> {
        let at = text
            .find(['<', '>', '='])
            .ok_or_else(|| no_operator::<M>(text))?;
        let (name, rest) = text.split_at(at);
        let metric = M::named(name.trim()).ok_or_else(|| unknown::<M>(name.trim()))?;
        let (operator, length) = operator::<M>(rest).ok_or_else(|| no_operator::<M>(text))?;
        let bound = metric.quantity().read(rest[length..].trim());
        let bound = bound.and_then(|bound| match bound {
            0.0 if M::POSITIVE => Err(format!("`{}` is not above 0", rest[length..].trim())),
            bound => Ok(bound),
        });
        Ok(Self {
            metric,
            operator,
            bound: bound.map_err(|why| ConditionError {
                at: at + length,
                why,
            })?,
        })
    }
}

impl<M: Metric> Condition<M> {
    /// Reads `total<=500ms,ttfb<0.2s`.
    ///
    /// # Errors
    /// What is wrong with the first that is no condition.
    pub fn list(text: &str) -> Result<Vec<Self>, ConditionError> {
        let mut at = 0;
        let mut conditions = Vec::new();
        for part in text.split(',') {
            let read = part
                .parse()
                .map_err(|error: ConditionError| ConditionError {
                    at: at + error.at,
                    ..error
                });
            conditions.push(read?);
            at += part.len() + 1;
        }
        Ok(conditions)
    }
}

/// The operator at the beginning, and how long it is.
fn operator<M: Metric>(text: &str) -> Option<(Operator, usize)> {
    let known = [
        ("<=", Operator::AtMost),
        (">=", Operator::AtLeast),
        ("<", Operator::Less),
        (">", Operator::More),
    ];
    let of_sign = known
        .into_iter()
        .find(|(sign, _)| text.starts_with(sign))
        .map(|(sign, operator)| (operator, sign.len()));
    of_sign.or_else(|| Some((M::EQUALS.filter(|_| text.starts_with('='))?, 1)))
}

fn no_operator<M: Metric>(text: &str) -> ConditionError {
    ConditionError {
        at: 0,
        why: format!(
            "`{text}` is no condition: write for example `{}`",
            M::EXAMPLE
        ),
    }
}

fn unknown<M: Metric>(name: &str) -> ConditionError {
    let names: Vec<_> = M::ALL.iter().map(|it| it.name()).collect();
    ConditionError {
        at: 0,
        why: format!("`{name}` is no metric: write {}", names.join(", ")),
    }
}
