//! Findings in words: as lines to read, and as JSON for programs.

use std::fmt::Write as _;

use serde::Serialize;

use super::{Check, Finding, Outcome, Summary};
use crate::explain::{Explanation, Remedy};

/// How many characters of text stand in a line, beside the names.
const LINE: usize = 90;

/// The form of [`json`]. What programs cannot read as before takes a new number.
const SCHEMA: u32 = 1;

impl Outcome {
    /// The sign of it.
    #[must_use]
    pub fn sign(&self) -> &'static str {
        match self {
            Self::Passed => "✓",
            Self::Warning(_) => "!",
            Self::Failed(_) => "✗",
            Self::Skipped(_) => "–",
        }
    }

    /// What it is called, for programs and people alike.
    #[must_use]
    pub fn name(&self) -> &'static str {
        match self {
            Self::Passed => "passed",
            Self::Warning(_) => "warning",
            Self::Failed(_) => "failed",
            Self::Skipped(_) => "skipped",
        }
    }
}

/// A finding as text: a line, and what else was found and the fix indented below it. It ends in a line break.
#[must_use]
pub fn text(finding: &Finding) -> String {
    let width = Check::ALL.iter().map(|check| check.name().len()).max().unwrap_or_default() + 2;
    let mut lines = finding.found.iter().map(String::as_str).collect::<Vec<_>>();
    if let Outcome::Skipped(because) = finding.outcome {
        lines.push(because);
    }
    let mut text = format!("{} {:<width$}", finding.outcome.sign(), finding.check.name());
    text.push_str(lines.first().copied().unwrap_or_default());
    let mut below = |line: &str| {
        text.truncate(text.trim_end().len());
        for line in wrapped(line) {
            let _ = write!(text, "\n  {:<width$}{line}", "");
        }
    };
    lines.iter().skip(1).copied().for_each(&mut below);
    if let Some(fix) = finding.fix() {
        below(&format!("{}.", fix.headline));
        below(&fix.cause);
        for evidence in &fix.evidence {
            let values: Vec<_> = evidence.values.iter().map(|value| value.text.as_str()).collect();
            below(&format!("{}: {}", evidence.label, values.join(", ")));
        }
    }
    text.truncate(text.trim_end().len());
    text.push('\n');
    text
}

/// A text as lines that fit a terminal; a word is never broken.
fn wrapped(text: &str) -> Vec<String> {
    let mut lines = vec![String::new()];
    for word in text.split(' ') {
        match lines.last_mut() {
            Some(line) if line.is_empty() => line.push_str(word),
            Some(line) if line.chars().count() + 1 + word.chars().count() <= LINE => {
                *line += " ";
                *line += word;
            }
            _ => lines.push(word.to_owned()),
        }
    }
    lines
}

/// How it went as a whole, in a line: `12 passed, 1 warning, 1 skipped`.
#[must_use]
pub fn summary(summary: Summary) -> String {
    let warnings = if summary.warnings == 1 { "warning" } else { "warnings" };
    let counts = [
        (summary.passed, "passed"),
        (summary.warnings, warnings),
        (summary.failed, "failed"),
        (summary.skipped, "skipped"),
    ];
    let counts = counts.into_iter().filter(|(count, _)| *count > 0);
    counts.map(|(count, what)| format!("{count} {what}")).collect::<Vec<_>>().join(", ")
}

/// All of it as text, to be copied.
#[must_use]
pub fn all(profile: &str, findings: &[Finding]) -> String {
    let lines: String = findings.iter().map(text).collect();
    format!("{}\n\n{lines}\n{}\n", title(profile), summary(Summary::of(findings)))
}

/// What the examination is of, in a line.
#[must_use]
pub fn title(profile: &str) -> String {
    format!("Hallpass {} examines the profile {profile}", env!("CARGO_PKG_VERSION"))
}

/// All of it as one document, of the form that `hallpass doctor --help` describes.
#[must_use]
pub fn json(profile: &str, findings: &[Finding]) -> String {
    let Summary { passed, warnings, failed, skipped } = Summary::of(findings);
    let document = Document {
        schema: SCHEMA,
        hallpass: env!("CARGO_PKG_VERSION"),
        profile,
        passed,
        warnings,
        failed,
        skipped,
        checks: findings.iter().map(CheckEntry::from).collect(),
    };
    // Text and numbers can always be written.
    serde_json::to_string_pretty(&document).unwrap_or_default()
}

#[derive(Serialize)]
struct Document<'a> {
    schema: u32,
    hallpass: &'static str,
    profile: &'a str,
    passed: usize,
    warnings: usize,
    failed: usize,
    skipped: usize,
    checks: Vec<CheckEntry<'a>>,
}

#[derive(Serialize)]
struct CheckEntry<'a> {
    id: &'static str,
    name: &'static str,
    outcome: &'static str,
    found: &'a [String],
    skipped_because: Option<&'static str>,
    fix: Option<Fix<'a>>,
    took_ms: u128,
}

#[derive(Serialize)]
struct Fix<'a> {
    headline: &'a str,
    cause: &'a str,
    evidence: Vec<Fact<'a>>,
    urls_to_register: &'a [String],
}

#[derive(Serialize)]
struct Fact<'a> {
    label: &'static str,
    values: Vec<&'a str>,
}

impl<'a> From<&'a Finding> for CheckEntry<'a> {
    fn from(finding: &'a Finding) -> Self {
        Self {
            id: finding.check.id(),
            name: finding.check.name(),
            outcome: finding.outcome.name(),
            found: &finding.found,
            skipped_because: match finding.outcome {
                Outcome::Skipped(because) => Some(because),
                _ => None,
            },
            fix: finding.fix().map(Fix::from),
            took_ms: finding.took.as_millis(),
        }
    }
}

impl<'a> From<&'a Explanation> for Fix<'a> {
    fn from(fix: &'a Explanation) -> Self {
        let facts = fix.evidence.iter().map(|evidence| Fact {
            label: evidence.label,
            values: evidence.values.iter().map(|value| value.text.as_str()).collect(),
        });
        let urls_to_register = match &fix.remedy {
            Some(Remedy::CopyUrls(urls)) => urls.as_slice(),
            _ => &[],
        };
        Self { headline: &fix.headline, cause: &fix.cause, evidence: facts.collect(), urls_to_register }
    }
}
