//! The form of reports: JSON, text, or text that is redrawn on a terminal.

use std::io;

use netperf_core::text::visible;
use netperf_core::units::Units;
use serde::Serialize;

use super::sink::{Reader, Sink};
use super::{json, width};
use crate::view::envelope::Reason;

/// Escape codes that clear the line to write it again.
pub const AGAIN: &str = "\r\x1b[K";

/// A report: one JSON object for programs, text for people.
pub trait Report: Serialize {
    /// Writes the report as text.
    ///
    /// # Errors
    ///
    /// A value can't be written.
    fn text(&self, style: Style, out: &mut Vec<u8>) -> io::Result<()>;

    /// Redraws the report in place of the previous one.
    ///
    /// # Errors
    ///
    /// A value can't be written.
    fn draw(&self, style: Style, out: &mut Vec<u8>) -> io::Result<()> {
        self.text(style, out)
    }
}

/// Units and width of text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Style {
    /// Units of speeds and sizes.
    pub units: Units,
    /// Columns of the terminal, where there is one.
    pub width: Option<usize>,
}

/// The form of reports.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Format {
    /// One JSON object a line (NDJSON).
    Json,
    /// Text, one report after the other.
    Text(Style),
    /// Text on a terminal, each report in place of the previous one.
    Live(Style),
    /// No reports, because a screen or a command under a limit uses the terminal.
    Nothing,
}

impl Format {
    /// Appends a report in this form to `out`.
    ///
    /// # Errors
    ///
    /// A value can't be written.
    pub fn report(self, report: &impl Report, out: &mut Vec<u8>) -> io::Result<()> {
        match self {
            Self::Json => json::line(report, out),
            Self::Text(style) => report.text(style, out),
            // The terminal may have another size than a moment ago.
            Self::Live(style) => report.draw(
                Style {
                    width: width::of_stdout(),
                    ..style
                },
                out,
            ),
            Self::Nothing => Ok(()),
        }
    }
}

/// A report for programs alone, such as the first and the last object of a session.
#[derive(Debug, Serialize)]
#[serde(transparent)]
pub struct Silent<'r, R>(pub &'r R);

impl<R: Serialize> Report for Silent<'_, R> {
    fn text(&self, _: Style, _: &mut Vec<u8>) -> io::Result<()> {
        Ok(())
    }
}

/// Where the reports of a session go.
pub struct Output {
    format: Format,
    sink: Sink,
}

impl Output {
    /// Writes to stdout, unless there is nothing to write.
    pub fn new(format: Format) -> Self {
        let sink = match format {
            Format::Nothing => Sink::nowhere(),
            Format::Json | Format::Text(_) | Format::Live(_) => Sink::stdout(),
        };
        Self::to(sink, format)
    }

    /// Writes to `sink`.
    pub fn to(sink: Sink, format: Format) -> Self {
        Self { format, sink }
    }

    /// Whether each report is drawn over the previous one.
    pub fn is_live(&self) -> bool {
        matches!(self.format, Format::Live(_))
    }

    /// Whether reports are JSON.
    pub fn is_json(&self) -> bool {
        self.format == Format::Json
    }

    /// Appends a report to the pending output.
    ///
    /// # Errors
    ///
    /// A value can't be written.
    pub fn report(&mut self, report: &impl Report) -> io::Result<()> {
        self.format.report(report, self.sink.pending())
    }

    /// Appends a message for people; JSON has none.
    pub fn say(&mut self, text: &str) {
        let again = match self.format {
            Format::Json | Format::Nothing => return,
            Format::Text(_) => "",
            Format::Live(_) => AGAIN,
        };
        let line = format!("{again}{}\n", visible(text));
        self.sink.pending().extend_from_slice(line.as_bytes());
    }

    /// Keeps the current status line instead of redrawing over it.
    pub fn keep_line(&mut self) {
        if self.is_live() {
            self.sink.pending().push(b'\n');
        }
    }

    /// Whether the reader has taken everything.
    pub fn is_ready(&self) -> bool {
        self.sink.is_ready()
    }

    /// Whether one more event may wait for the reader.
    pub fn has_room(&self) -> bool {
        self.sink.has_room()
    }

    /// Writes what is pending, or else waits until the reader goes. Dropping the future loses nothing.
    ///
    /// # Errors
    /// When the writer fails.
    pub async fn reader(&mut self) -> io::Result<Reader> {
        self.sink.reader().await
    }

    /// Writes all that is pending, however long the reader takes.
    ///
    /// # Errors
    /// When the writer fails; [`io::ErrorKind::BrokenPipe`] when its reader has gone.
    pub async fn drain(&mut self) -> io::Result<()> {
        self.sink.drain().await
    }

    /// Writes what is left at the end of a session; see [`Sink::finish`].
    ///
    /// # Errors
    /// When the writer fails, but not for a reader that has gone.
    pub async fn finish(&mut self, reason: Reason) -> io::Result<()> {
        self.sink.finish(reason).await
    }
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;

    /// The report in this form.
    pub(in crate::render) fn written_as(format: Format, report: &impl Report) -> String {
        let mut out = Vec::new();
        format.report(report, &mut out).unwrap();
        String::from_utf8(out).unwrap()
    }

    /// A report in lines of so many columns.
    pub(in crate::render) fn text_of(report: &impl Report, width: Option<usize>) -> String {
        let units = Units::Auto;
        written_as(Format::Text(Style { units, width }), report)
    }
}
