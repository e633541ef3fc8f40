//! Reads the options of `http`.

use hyper::header::{HeaderMap, HeaderName, HeaderValue};
use netperf_core::failure::Failure;
use netperf_core::units::Units;
use netperf_probe::http::{HttpRequest, Version};
use url::{ParseError, Url};

use super::args::HttpArgs;
use crate::cmd::args::naming::Naming;
use crate::cmd::pointing::pointing_at;
use crate::view::http::HttpOptions;
use netperf_diagnose::condition::Condition;
use netperf_diagnose::http::slo::HttpMetric;

/// Reads the options.
///
/// # Errors
/// When one of them can't be understood.
pub(super) fn read(args: HttpArgs, units: Units) -> Result<(HttpRequest, HttpOptions), Failure> {
    let url = url(&args.url)?;
    let pins = args.resolve.into_iter().filter_map(|naming| match naming {
        Naming::At(pin) => Some(pin),
        Naming::Names => None,
    });
    let request = HttpRequest {
        method: args.method,
        headers: headers(&args.header)?,
        version: match (args.http1, args.http2) {
            (true, _) => Version::One,
            (false, true) => Version::Two,
            (false, false) => Version::Agreed,
        },
        insecure: args.insecure,
        keep_alive: args.keep_alive,
        all: args.all,
        count: args.requests,
        patience: args.timeout,
        pins: pins.collect(),
        url,
    };
    let options = HttpOptions {
        url: request.url.as_str().to_owned(),
        method: request.method.to_string(),
        keep_alive: request.keep_alive,
        slos: slos(&args.slo)?,
        units,
    };
    Ok((request, options))
}

fn url(text: &str) -> Result<Url, Failure> {
    let scheme = text.find("://").map(|at| &text[..at]);
    if !scheme.is_some_and(|it| {
        ["http", "https"]
            .iter()
            .any(|known| known.eq_ignore_ascii_case(it))
    }) {
        return Err(pointing_at(
            text,
            0,
            "a URL begins with http:// or https://",
        ));
    }
    let host = text.find("://").map_or(0, |at| at + 3);
    let end = text[host..]
        .find(['/', '?', '#'])
        .map_or(text.len(), |at| host + at);
    let mut url = Url::parse(text).map_err(|error| {
        let colon = text[..end].rfind(':').map(|at| at + 1);
        let colon = colon.filter(|_| error == ParseError::InvalidPort);
        let at = colon.unwrap_or(host);
        pointing_at(text, at, &format!("no URL: {error}"))
    })?;
    if url.port() == Some(0) {
        let at = text[..end].rfind(':').map_or(host, |at| at + 1);
        return Err(pointing_at(text, at, "there is no port 0"));
    }
    if !url.username().is_empty() || url.password().is_some() {
        let why =
            "a user and a password are not taken from the URL: use --header `Authorization: …`";
        return Err(pointing_at(text, host, why));
    }
    url.set_fragment(None);
    Ok(url)
}

fn headers(texts: &[String]) -> Result<HeaderMap, Failure> {
    let mut headers = HeaderMap::new();
    for text in texts {
        let Some((name, value)) = text.split_once(':') else {
            return Err(pointing_at(
                text,
                text.len(),
                "a header is `Name: value`: there is no colon",
            ));
        };
        let Ok(parsed) = name.parse::<HeaderName>() else {
            return Err(pointing_at(text, 0, "this is no name of a header"));
        };
        let Ok(value) = HeaderValue::from_str(value.trim()) else {
            let why = "the value of a header has no control characters";
            return Err(pointing_at(text, name.len() + 1, why));
        };
        headers.append(parsed, value);
    }
    Ok(headers)
}

fn slos(texts: &[String]) -> Result<Vec<Condition<HttpMetric>>, Failure> {
    let mut slos = Vec::new();
    for text in texts {
        let list =
            Condition::list(text).map_err(|error| pointing_at(text, error.at, &error.why))?;
        slos.extend(list);
    }
    Ok(slos)
}

#[cfg(test)]
mod tests {
    use clap::Parser;

    use super::*;
    use crate::cmd::cli::{Cli, Command};

    fn parsed(words: &[&str]) -> Result<(HttpRequest, HttpOptions), String> {
        let line = ["netperf-trace", "http"].iter().chain(words);
        let cli = Cli::try_parse_from(line).map_err(|error| error.to_string())?;
        let Command::Http(args) = cli.command else {
            panic!("another command");
        };
        read(*args, cli.common.text_units()).map_err(|error| error.to_string())
    }

    #[test]
    fn options_are_those_of_curl_where_curl_has_them() {
        let (request, options) = parsed(&[
            "https://x.y/a#b",
            "--resolve",
            "x.y:443:192.0.2.1",
            "-H",
            "Host: other",
            "-k",
            "-X",
            "HEAD",
            "--http1.1",
            "--slo",
            "total=500ms,ttfb=200ms",
        ])
        .unwrap();
        assert_eq!(options.url, "https://x.y/a");
        assert_eq!(request.pins.len(), 1);
        assert_eq!(request.headers["host"], "other");
        assert_eq!(request.version, Version::One);
        assert_eq!((options.method.as_str(), options.slos.len()), ("HEAD", 2));
    }

    #[test]
    fn resolve_without_a_value_shows_addresses_as_names() {
        let line = ["netperf-trace", "flows", "--resolve"];
        let common = Cli::try_parse_from(line).unwrap().common;
        assert_eq!(common.resolve, [Naming::Names]);
    }

    #[test]
    fn what_is_wrong_is_shown_with_its_place() {
        for (words, place) in [
            (&["example.org"][..], "  example.org\n  ^"),
            (&["ftp://x"], "  ftp://x\n  ^"),
            (&["http://x:99999/"], "  http://x:99999/\n           ^"),
            (&["http://x:0/"], "  http://x:0/\n           ^"),
            (&["http://"], "  http://\n         ^"),
            (&["http://a:b@x/"], "  http://a:b@x/\n         ^"),
            (&["http://x", "-H", "a b: c"], "  a b: c\n  ^"),
            (&["http://x", "-H", "ab"], "  ab\n    ^"),
            (&["http://x", "--slo", "total=5"], "  total=5\n        ^"),
            (
                &["http://x", "--slo", "dns=1s,ttfb>=5"],
                "  dns=1s,ttfb>=5\n               ^",
            ),
        ] {
            let error = parsed(words).unwrap_err();
            assert!(error.ends_with(place), "{words:?}: {error}");
        }
        for words in [
            &["http://x", "-c", "0"][..],
            &["http://x", "--http2", "--http1.1"],
            &["http://x", "--resolve", "x"],
            &["http://x", "-X", "A B"],
            &[],
        ] {
            assert!(parsed(words).is_err(), "{words:?}");
        }
    }
}
