//! A screen as an SVG image: text as text, with colours for a light or a dark page.

use std::fmt::Write as _;

use vt100::Color;

use crate::frame::{Frame, Look, Run};

/// Size of a cell, of the margin, and of the bar with the command, in pixels.
const CELL: (f64, f64) = (8.4, 18.0);
const MARGIN: f64 = 14.0;
const BAR: f64 = 34.0;

/// The page that an image is for. A page offers both by `<picture>`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Theme {
    /// Dark text on white.
    Light,
    /// Light text on black.
    Dark,
}

impl Theme {
    /// Both.
    pub const ALL: [Self; 2] = [Self::Light, Self::Dark];

    /// Its name in the names of files.
    pub fn name(self) -> &'static str {
        match self {
            Self::Light => "light",
            Self::Dark => "dark",
        }
    }

    fn pick(self, (light, dark): (&'static str, &'static str)) -> &'static str {
        match self {
            Self::Light => light,
            Self::Dark => dark,
        }
    }
}

/// Names of the 16 colours of terminals, as (light, dark).
const PALETTE: [(&str, &str); 16] = [
    ("#24292f", "#484f58"),
    ("#cf222e", "#ff7b72"),
    ("#116329", "#3fb950"),
    ("#7d4e00", "#d29922"),
    ("#0969da", "#58a6ff"),
    ("#8250df", "#bc8cff"),
    ("#1b7c83", "#39c5cf"),
    ("#57606a", "#b1bac4"),
    ("#57606a", "#8b949e"),
    ("#a40e26", "#ffa198"),
    ("#1a7f37", "#56d364"),
    ("#633c01", "#e3b341"),
    ("#218bff", "#79c0ff"),
    ("#a475f9", "#d2a8ff"),
    ("#3192aa", "#56d4dd"),
    ("#24292f", "#f0f6fc"),
];

/// Text, page, bar and border, as (class, light, dark).
const SURFACE: [(&str, &str, &str); 4] = [
    ("text", "#24292f", "#c9d1d9"),
    ("page", "#ffffff", "#0d1117"),
    ("bar", "#f0f2f5", "#21262d"),
    ("edge", "#d0d7de", "#30363d"),
];

/// The image of `frame`; `title` is the command that the bar above it shows.
pub fn render(frame: &Frame, title: &str, theme: Theme) -> String {
    let rows = frame.rows.len();
    let width = f64::from(frame.columns) * CELL.0 + 2.0 * MARGIN;
    let height = y(rows) + MARGIN - CELL.1 / 2.0;
    let mut svg = String::new();
    let _ = writeln!(
        svg,
        r#"<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width:.1} {height:.1}" width="{width:.0}" role="img">"#
    );
    let _ = writeln!(svg, "<title>{}</title>", escaped(title));
    let _ = writeln!(svg, "<style>\n{}</style>", style(theme));
    let _ = writeln!(
        svg,
        r#"<rect class="page edge" x="0.5" y="0.5" width="{:.1}" height="{:.1}" rx="8"/>"#,
        width - 1.0,
        height - 1.0
    );
    let _ = writeln!(
        svg,
        r#"<path class="bar" d="M1 9a8 8 0 0 1 8-8H{:.1}a8 8 0 0 1 8 8V{BAR}H1z"/>"#,
        width - 9.0
    );
    let _ = writeln!(
        svg,
        r#"<text class="title" x="{MARGIN}" y="22">$ {}</text>"#,
        escaped(title)
    );
    for (index, row) in frame.rows.iter().enumerate() {
        backgrounds(&mut svg, row, y(index));
        line(&mut svg, row, y(index));
    }
    svg.push_str("</svg>\n");
    svg
}

/// The text of each row of an image that [`render`] has made.
pub fn lines(svg: &str) -> Vec<String> {
    let rows = svg
        .lines()
        .filter_map(|line| line.strip_prefix(r#"<text class="row""#));
    rows.map(|row| unescaped(&without_tags(row))).collect()
}

/// Base line of a row's text.
fn y(row: usize) -> f64 {
    #[expect(clippy::cast_precision_loss, reason = "a screen has few rows")]
    let row = row as f64;
    BAR + MARGIN + (row + 0.5) * CELL.1
}

fn x(column: u16) -> f64 {
    MARGIN + f64::from(column) * CELL.0
}

/// One element a row, with a part for each look. Widths are given, so that columns are straight in any font.
fn line(svg: &mut String, row: &[Run], y: f64) {
    let _ = write!(svg, r#"<text class="row" y="{y:.1}" xml:space="preserve">"#);
    for run in row {
        let class = classes(run.look);
        let _ = write!(
            svg,
            r#"<tspan x="{:.1}" textLength="{:.1}"{class}>{}</tspan>"#,
            x(run.column),
            f64::from(run.width) * CELL.0,
            escaped(&run.text)
        );
    }
    svg.push_str("</text>\n");
}

fn backgrounds(svg: &mut String, row: &[Run], y: f64) {
    for run in row {
        let Some(fill) = background(run.look) else {
            continue;
        };
        let _ = writeln!(
            svg,
            r#"<rect {fill} x="{:.1}" y="{:.1}" width="{:.1}" height="{:.1}"/>"#,
            x(run.column),
            y - CELL.1 * 0.72,
            f64::from(run.width) * CELL.0,
            CELL.1
        );
    }
}

/// Attributes of a rectangle behind text; none where the page shows.
fn background(look: Look) -> Option<String> {
    if look.inverse {
        return Some(match look.foreground {
            Color::Default => r#"class="text""#.to_owned(),
            colour @ (Color::Idx(_) | Color::Rgb(..)) => fill(colour),
        });
    }
    (look.background != Color::Default).then(|| fill(look.background))
}

fn classes(look: Look) -> String {
    let mut classes = Vec::new();
    let mut direct = String::new();
    let colour = if look.inverse {
        look.background
    } else {
        look.foreground
    };
    match colour {
        Color::Default if look.inverse => classes.push("page".to_owned()),
        Color::Default => {}
        Color::Idx(index @ 0..=15) => classes.push(format!("c{index}")),
        colour @ (Color::Idx(_) | Color::Rgb(..)) => direct = format!(r#" fill="{}""#, rgb(colour)),
    }
    for (has, class) in [
        (look.bold, "bold"),
        (look.dim, "dim"),
        (look.underline, "under"),
    ] {
        if has {
            classes.push(class.to_owned());
        }
    }
    if classes.is_empty() {
        return direct;
    }
    format!(r#" class="{}"{direct}"#, classes.join(" "))
}

fn fill(colour: Color) -> String {
    match colour {
        Color::Idx(index @ 0..=15) => format!(r#"class="c{index}""#),
        colour @ (Color::Default | Color::Idx(_) | Color::Rgb(..)) => {
            format!(r#"fill="{}""#, rgb(colour))
        }
    }
}

/// A colour beyond the palette, which is the same for both themes (xterm's cube and greys).
fn rgb(colour: Color) -> String {
    let level = |step: u8| if step == 0 { 0 } else { 55 + 40 * step };
    let (r, g, b) = match colour {
        Color::Rgb(r, g, b) => (r, g, b),
        Color::Idx(index @ 232..) => {
            let grey = 8 + 10 * (index - 232);
            (grey, grey, grey)
        }
        Color::Idx(index) => {
            let cube = index.saturating_sub(16);
            (level(cube / 36), level(cube / 6 % 6), level(cube % 6))
        }
        Color::Default => (128, 128, 128),
    };
    format!("#{r:02x}{g:02x}{b:02x}")
}

fn style(theme: Theme) -> String {
    let mut style = "text { font: 14px ui-monospace, SFMono-Regular, Menlo, Consolas, 'DejaVu Sans Mono', monospace; }
.title { font-size: 13px; }
.bold { font-weight: bold; }
.dim { opacity: 0.65; }
.under { text-decoration: underline; }
"
    .to_owned();
    for (class, light, dark) in SURFACE {
        let colour = theme.pick((light, dark));
        let _ = match class {
            "text" => writeln!(style, "text, .text {{ fill: {colour}; }}"),
            "edge" => writeln!(style, ".edge {{ stroke: {colour}; }}"),
            _ => writeln!(style, ".{class} {{ fill: {colour}; }}"),
        };
    }
    for (index, colours) in PALETTE.into_iter().enumerate() {
        let _ = writeln!(style, ".c{index} {{ fill: {}; }}", theme.pick(colours));
    }
    style
}

fn escaped(text: &str) -> String {
    let text = text.replace('&', "&amp;");
    text.replace('<', "&lt;").replace('>', "&gt;")
}

fn unescaped(text: &str) -> String {
    let text = text.replace("&lt;", "<").replace("&gt;", ">");
    text.replace("&amp;", "&")
}

/// What stands outside of angle brackets; the first tag is open already.
fn without_tags(row: &str) -> String {
    let parts = row
        .split('<')
        .filter_map(|part| Some(part.split_once('>')?.1));
    parts.collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn frame(bytes: &[u8]) -> Frame {
        let mut parser = vt100::Parser::new(3.try_into().unwrap(), 24.try_into().unwrap(), 0);
        parser.process(bytes);
        Frame::of(parser.screen())
    }

    #[test]
    fn text_can_be_read_from_the_image() {
        let frame = frame(b"a <b> & c\r\n  \x1b[1;31mred\x1b[0m end");
        let svg = render(&frame, "x", Theme::Light);
        assert_eq!(lines(&svg), frame.lines());
        assert_eq!(lines(&svg)[0].trim_end(), "a <b> & c");
        assert_eq!(lines(&svg)[1].trim_end(), "  red end");
    }

    #[test]
    fn colours_of_the_palette_depend_on_the_theme() {
        let svg = |theme| render(&frame(b"\x1b[31mred\x1b[38;5;208morange"), "x", theme);
        let (light, dark) = (svg(Theme::Light), svg(Theme::Dark));
        for svg in [&light, &dark] {
            assert!(svg.contains(r#"class="c1">red"#), "{svg}");
            assert!(svg.contains(r##"fill="#ff8700">orange"##), "{svg}");
        }
        assert!(light.contains(".c1 { fill: #cf222e; }"), "{light}");
        assert!(dark.contains(".c1 { fill: #ff7b72; }"), "{dark}");
    }
}
