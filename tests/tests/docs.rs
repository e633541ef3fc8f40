//! Every link between the documents leads to a file and a heading that exist, and the book has every page.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Component, Path, PathBuf};

use anyhow::{Context, Result, ensure};
use pulldown_cmark::{Event, Options, Parser, Tag, TagEnd};

/// Documents beside the folder `docs`.
const DOCUMENTS: [&str; 6] = [
    "README.md",
    "ARCHITECTURE.md",
    "CONTRIBUTING.md",
    "CHANGELOG.md",
    "SECURITY.md",
    "STYLE.md",
];

/// Attributes of HTML that name a file.
const ATTRIBUTES: [&str; 3] = [" href=\"", " src=\"", " srcset=\""];

/// What one document links to, and which anchors its headings have.
#[derive(Debug, Default)]
struct Document {
    links: Vec<String>,
    anchors: BTreeSet<String>,
}

impl Document {
    fn parse(text: &str) -> Self {
        let mut document = Self::default();
        let (mut heading, mut counts) = (None, BTreeMap::<String, u32>::new());
        for event in Parser::new_ext(text, Options::ENABLE_TABLES) {
            match event {
                Event::Start(Tag::Link { dest_url, .. } | Tag::Image { dest_url, .. }) => {
                    document.links.push(dest_url.into_string());
                }
                Event::Start(Tag::Heading { .. }) => heading = Some(String::new()),
                Event::End(TagEnd::Heading(_)) => {
                    let slug = slug(&heading.take().unwrap_or_default());
                    let count = counts.entry(slug.clone()).or_default();
                    document.anchors.insert(match *count {
                        0 => slug,
                        count => format!("{slug}-{count}"),
                    });
                    *count += 1;
                }
                Event::Text(text) | Event::Code(text) => {
                    if let Some(heading) = &mut heading {
                        heading.push_str(&text);
                    }
                }
                Event::Html(html) | Event::InlineHtml(html) => document.html(&html),
                Event::Start(_)
                | Event::End(_)
                | Event::InlineMath(_)
                | Event::DisplayMath(_)
                | Event::FootnoteReference(_)
                | Event::SoftBreak
                | Event::HardBreak
                | Event::Rule
                | Event::TaskListMarker(_) => {}
            }
        }
        document
    }

    fn html(&mut self, html: &str) {
        for attribute in ATTRIBUTES {
            let values = html.split(attribute).skip(1);
            let values = values.filter_map(|rest| rest.split('"').next());
            self.links.extend(values.map(str::to_owned));
        }
    }
}

/// The anchor of a heading, as GitHub and mdBook make it: small letters, digits, `-` and `_`.
fn slug(heading: &str) -> String {
    let kept = |c: &char| c.is_alphanumeric() || ['-', '_', ' '].contains(c);
    let kept = heading.trim().chars().filter(kept);
    kept.collect::<String>().to_lowercase().replace(' ', "-")
}

/// Documents by their path below a root.
struct Documents {
    root: PathBuf,
    all: BTreeMap<PathBuf, Document>,
}

impl Documents {
    fn read(root: &Path, paths: impl IntoIterator<Item = PathBuf>) -> Result<Self> {
        let mut all = BTreeMap::new();
        for path in paths {
            let text = fs::read_to_string(root.join(&path))
                .with_context(|| format!("no {}", path.display()))?;
            all.insert(path, Document::parse(&text));
        }
        let root = root.to_owned();
        Ok(Self { root, all })
    }

    fn of_repository() -> Result<Self> {
        let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
        let mut paths: Vec<PathBuf> = DOCUMENTS.map(PathBuf::from).to_vec();
        pages(&root, Path::new("docs"), &mut paths)?;
        Self::read(&root, paths)
    }

    /// Links that lead nowhere, with the document that has them.
    fn broken(&self) -> Vec<String> {
        let links = self.all.iter().flat_map(|(path, document)| {
            let links = document.links.iter();
            links.map(move |link| (path, link))
        });
        let broken = links.filter(|(path, link)| !self.is_good(path, link));
        broken
            .map(|(path, link)| format!("{}: {link}", path.display()))
            .collect()
    }

    fn is_good(&self, from: &Path, link: &str) -> bool {
        if link.contains("://") || link.starts_with("mailto:") {
            return true;
        }
        let (file, anchor) = match link.split_once('#') {
            Some((file, anchor)) => (file, Some(anchor)),
            None => (link, None),
        };
        let target = match file {
            "" => Some(from.to_owned()),
            file => normal(&from.with_file_name("").join(file)),
        };
        let Some(target) = target else { return false };
        match anchor {
            None => self.root.join(target).exists(),
            Some(anchor) => self
                .all
                .get(&target)
                .is_some_and(|document| document.anchors.contains(anchor)),
        }
    }
}

/// A path below the root without `.` and `..`; `None` if it leaves the root.
fn normal(path: &Path) -> Option<PathBuf> {
    let mut normal = PathBuf::new();
    for part in path.components() {
        match part {
            Component::Normal(name) => normal.push(name),
            Component::CurDir => {}
            Component::ParentDir => {
                if !normal.pop() {
                    return None;
                }
            }
            Component::RootDir | Component::Prefix(_) => return None,
        }
    }
    Some(normal)
}

/// All Markdown files below a folder.
fn pages(root: &Path, folder: &Path, found: &mut Vec<PathBuf>) -> Result<()> {
    for entry in fs::read_dir(root.join(folder))? {
        let entry = entry?;
        let path = folder.join(entry.file_name());
        if entry.file_type()?.is_dir() {
            pages(root, &path, found)?;
        } else if path.extension().is_some_and(|it| it == "md") {
            found.push(path);
        }
    }
    Ok(())
}

#[test]
fn every_link_and_anchor_leads_somewhere() -> Result<()> {
    let documents = Documents::of_repository()?;
    let links: usize = documents.all.values().map(|one| one.links.len()).sum();
    ensure!(links > 0, "no document has a link");
    let broken = documents.broken();
    ensure!(broken.is_empty(), "broken links: {broken:#?}");
    Ok(())
}

#[test]
fn the_summary_lists_every_page_once_and_no_other() -> Result<()> {
    let documents = Documents::of_repository()?;
    let summary = Path::new("docs/SUMMARY.md");
    let listed = &documents
        .all
        .get(summary)
        .context("no docs/SUMMARY.md")?
        .links;
    let mut listed: Vec<PathBuf> = listed
        .iter()
        .filter_map(|link| normal(&Path::new("docs").join(link)))
        .collect();
    listed.sort();
    let is_page = |path: &&PathBuf| path.starts_with("docs") && path.as_path() != summary;
    let pages: Vec<PathBuf> = documents.all.keys().filter(is_page).cloned().collect();
    ensure!(listed == pages, "listed: {listed:#?}\npages: {pages:#?}");
    Ok(())
}

#[test]
fn a_broken_link_of_any_kind_is_found() -> Result<()> {
    let root = tempfile::tempdir()?;
    let text = "# One, `two`\n\n# One, `two`\n\n\
                [good](#one-two) [good](#one-two-1) [good](b/c.md#there) [good](https://example.org/x)\n\
                [bad](#three) [bad](missing.md) [bad](b/c.md#here) ![bad](no.svg) [bad](../out.md)\n\n\
                <img src=\"gone.svg\"> [bad][reference]\n\n[reference]: b/d.md\n\n\
                ```\n[no link](nowhere.md)\n```\n";
    fs::create_dir(root.path().join("b"))?;
    fs::write(root.path().join("a.md"), text)?;
    fs::write(root.path().join("b/c.md"), "## There\n\n[up](../a.md)\n")?;
    let paths = ["a.md", "b/c.md"].map(PathBuf::from);
    let broken = Documents::read(root.path(), paths)?.broken();
    let expected = [
        "#three",
        "missing.md",
        "b/c.md#here",
        "no.svg",
        "../out.md",
        "gone.svg",
        "b/d.md",
    ];
    ensure!(
        broken == expected.map(|link| format!("a.md: {link}")),
        "{broken:#?}"
    );
    Ok(())
}
