//! In which form do reports reach their reader? As JSON for programs, as text, or as text that is drawn
//! again and again on a terminal.

use std::io;

use netperf_core::text::visible;
use netperf_core::units::Units;
use serde::Serialize;

use super::sink::{Reader, Sink};
use super::{json, width};
use crate::view::envelope::Reason;

/// Begins a line anew and clears what was there.
pub const AGAIN: &str = "\r\x1b[K";

/// Something that is reported: one object for programs, lines for people.
pub trait Report: Serialize {
    /// Writes it in lines.
    ///
    /// # Errors
    /// When a value can't be written.
    fn text(&self, style: Style, out: &mut Vec<u8>) -> io::Result<()>;

    /// Draws it in the place of the one before.
    ///
    /// # Errors
    /// When a value can't be written.
    fn draw(&self, style: Style, out: &mut Vec<u8>) -> io::Result<()> {
        self.text(style, out)
    }
}

/// How text looks.
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
    /// NDJSON.
    Json,
    /// Lines.
    Text(Style),
    /// The latest report on a terminal, in the place of the one before.
    Live(Style),
    /// No reports: a screen, or the command that runs under a limit, has the terminal.
    Nothing,
}

impl Format {
    /// Adds a report to what is to be written.
    ///
    /// # Errors
    /// When a value can't be written.
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

/// For programs alone: the lines that stand around the reports.
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
    /// Stdout, where anything is to be written at all.
    pub fn new(format: Format) -> Self {
        let sink = match format {
            Format::Nothing => Sink::nowhere(),
            Format::Json | Format::Text(_) | Format::Live(_) => Sink::stdout(),
        };
        Self::to(sink, format)
    }

    /// This sink.
    pub fn to(sink: Sink, format: Format) -> Self {
        Self { format, sink }
    }

    /// Whether the latest report is drawn over the one before.
    pub fn is_live(&self) -> bool {
        matches!(self.format, Format::Live(_))
    }

    /// Whether programs read it.
    pub fn is_json(&self) -> bool {
        self.format == Format::Json
    }

    /// Adds a report to what is to be written.
    ///
    /// # Errors
    /// When a value can't be written.
    pub fn report(&mut self, report: &impl Report) -> io::Result<()> {
        self.format.report(report, self.sink.pending())
    }

    /// Adds a message to people.
    pub fn say(&mut self, text: &str) {
        let again = match self.format {
            Format::Json | Format::Nothing => return,
            Format::Text(_) => "",
            Format::Live(_) => AGAIN,
        };
        let line = format!("{again}{}\n", visible(text));
        self.sink.pending().extend_from_slice(line.as_bytes());
    }

    /// Lets the line stay that is drawn again and again.
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

    /// A report as written in this form.
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
