//! What lies over the page, and takes the keys?

/// What lies over the page.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Overlay {
    Nothing,
    Help,
    /// The filter as typed so far, and what is wrong with it.
    Prompt {
        text: String,
        error: Option<String>,
    },
}
