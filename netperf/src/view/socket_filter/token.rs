//! Splits a filter into words and signs.

use super::Comparison;

/// A word or sign.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Token<'t> {
    Open,
    Close,
    And,
    Or,
    Not,
    Compare(Comparison),
    Word(&'t str),
}

/// Signs, the longer ones first.
const SIGNS: [(&str, Token<'static>); 14] = [
    ("&&", Token::And),
    ("||", Token::Or),
    ("==", Token::Compare(Comparison::Equal)),
    ("!=", Token::Compare(Comparison::NotEqual)),
    ("<=", Token::Compare(Comparison::LessOrEqual)),
    (">=", Token::Compare(Comparison::GreaterOrEqual)),
    ("&", Token::And),
    ("|", Token::Or),
    ("!", Token::Not),
    ("(", Token::Open),
    (")", Token::Close),
    ("=", Token::Compare(Comparison::Equal)),
    ("<", Token::Compare(Comparison::Less)),
    (">", Token::Compare(Comparison::Greater)),
];

/// The words of a filter, each with the byte that it begins at.
pub(super) fn tokens(filter: &str) -> Vec<(usize, Token<'_>)> {
    let mut found = Vec::new();
    let mut at = 0;
    while let Some(rest) = filter.get(at..).filter(|rest| !rest.is_empty()) {
        let blank = rest.len() - rest.trim_start().len();
        if blank > 0 {
            at += blank;
            continue;
        }
        let sign = SIGNS.iter().find(|(sign, _)| rest.starts_with(sign));
        let (length, token) = match sign {
            Some(&(sign, token)) => (sign.len(), token),
            None => word(rest),
        };
        found.push((at, token));
        at += length;
    }
    found
}

fn word(rest: &str) -> (usize, Token<'_>) {
    let ends = |c: char| c.is_whitespace() || "()&|!=<>".contains(c);
    let word = &rest[..rest.find(ends).unwrap_or(rest.len())];
    let token = match word {
        "and" => Token::And,
        "or" => Token::Or,
        "not" => Token::Not,
        "eq" => Token::Compare(Comparison::Equal),
        "ne" | "neq" => Token::Compare(Comparison::NotEqual),
        "lt" => Token::Compare(Comparison::Less),
        "le" | "leq" => Token::Compare(Comparison::LessOrEqual),
        "gt" => Token::Compare(Comparison::Greater),
        "ge" | "geq" => Token::Compare(Comparison::GreaterOrEqual),
        word => Token::Word(word),
    };
    (word.len(), token)
}
