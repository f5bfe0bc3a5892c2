//! The text of a file → profiles and problems, each problem with its line.

use std::ops::Range;
use std::path::Path;

use toml_edit::{Document, Item, Table};

use super::Profile;
use super::check::{self, Mistake};
use super::form::{Field, FieldProblem, ProfileForm, RequestField, RequestForm, SETTINGS};
use super::form::{headers_text, params_text, ports_text};
use super::problem::{Place, Problem, closest};

/// What a file holds.
#[derive(Default)]
pub(super) struct Found {
    pub profiles: Vec<Profile>,
    /// The names of the profiles that have mistakes.
    pub refused: Vec<String>,
    pub problems: Vec<Problem>,
}

const REQUEST_FIELDS: [(&str, RequestField); 5] = [
    ("name", RequestField::Name),
    ("method", RequestField::Method),
    ("url", RequestField::Url),
    ("headers", RequestField::Headers),
    ("body", RequestField::Body),
];

/// Reads and checks every profile. A wrong one does not take the others away.
pub(super) fn profiles(path: &Path, text: &str) -> Found {
    let source = Source { path, text };
    let mut found = Found::default();
    let document = match Document::parse(text) {
        Ok(document) => document,
        Err(error) => {
            found.problems.push(source.problem(
                error.span(),
                "",
                "",
                format!("This is not TOML: {}.", error.message().trim_end_matches('.').replace('\n', "; ")),
                "correct this line, such as `key = \"text\"`; until then no profile of this file is there.",
            ));
            return found;
        }
    };
    for (key, item) in document.iter() {
        match item {
            Item::ArrayOfTables(tables) if key == "profile" => {
                for table in tables {
                    source.profile(table, &mut found);
                }
            }
            _ => found.problems.push(source.stray(&document, key, item)),
        }
    }
    found
}

/// What a table of the file says, as the form that a person would have typed; and what has the wrong type.
pub(super) fn form(table: &Table) -> (ProfileForm, Vec<FieldProblem>) {
    let mut form = ProfileForm::default();
    let mut problems = Vec::new();
    for (field, _) in SETTINGS {
        let Some(item) = table.get(field.key()) else { continue };
        if field == Field::Requests {
            match item.as_array_of_tables() {
                Some(tables) => {
                    let request = |(index, table)| request_form(index, table, &mut problems);
                    form.requests = tables.iter().enumerate().map(request).collect();
                }
                None => problems.push(FieldProblem {
                    field,
                    value: String::new(),
                    what: "Requests are written as tables, one each.".into(),
                    fix: "begin each with a line `[[profile.request]]`.".into(),
                }),
            }
            continue;
        }
        let read = match field {
            Field::Scopes => scopes(item),
            Field::RedirectPorts => ports(item),
            Field::AuthorizeParams => {
                pairs(item, "{ prompt = \"consent\" }").map(|pairs| params_text(&pairs))
            }
            _ => string(item),
        };
        match (read, form.text_mut(field)) {
            (Ok(read), Some(text)) => *text = read,
            (Err(mistake), _) => problems.push(at(field, mistake)),
            (Ok(_), None) => {}
        }
    }
    (form, problems)
}

fn request_form(index: usize, table: &Table, problems: &mut Vec<FieldProblem>) -> RequestForm {
    let mut form = RequestForm::default();
    for (key, field) in REQUEST_FIELDS {
        let Some(item) = table.get(key) else { continue };
        let (text, read) = match field {
            RequestField::Name => (&mut form.name, string(item)),
            RequestField::Method => (&mut form.method, string(item)),
            RequestField::Url => (&mut form.url, string(item)),
            RequestField::Body => (&mut form.body, string(item).map_err(without_value)),
            RequestField::Headers => (
                &mut form.headers,
                pairs(item, "{ Accept = \"application/json\" }").map(|pairs| headers_text(&pairs)),
            ),
        };
        match read {
            Ok(read) => *text = read,
            Err(mistake) => problems.push(at(Field::Request(index, field), mistake)),
        }
    }
    form
}

fn at(field: Field, Mistake { value, what, fix }: Mistake) -> FieldProblem {
    FieldProblem { field, value, what, fix }
}

fn string(item: &Item) -> Result<String, Mistake> {
    item.as_str().map(str::to_owned).ok_or_else(|| {
        let value = written(item);
        let fix = match item.as_value() {
            Some(value) if !value.is_array() && !value.is_inline_table() => {
                format!("write `\"{}\"`.", written(item))
            }
            _ => "write one text in quotes.".to_owned(),
        };
        Mistake { value, what: "This is a text, and belongs in quotes.".into(), fix }
    })
}

fn scopes(item: &Item) -> Result<String, Mistake> {
    let list = |text: &str| {
        let scopes: Vec<String> = text.split_whitespace().map(|scope| format!("\"{scope}\"")).collect();
        format!("write `[{}]`.", scopes.join(", "))
    };
    let mistake = |value: &str, what: &str, fix| Mistake { value: value.into(), what: what.into(), fix };
    if let Some(text) = item.as_str() {
        return Err(mistake(text, "Scopes are a list, not one text.", list(text)));
    }
    let Some(array) = item.as_array() else {
        let fix = list("openid profile email offline_access");
        return Err(mistake(&written(item), "Scopes are a list of texts.", fix));
    };
    let mut scopes = Vec::new();
    for value in array {
        match value.as_str() {
            Some(scope) if !scope.is_empty() && !scope.contains(char::is_whitespace) => scopes.push(scope),
            Some(scope) => {
                return Err(mistake(
                    scope,
                    "A scope has no spaces: this looks like more than one.",
                    list(scope),
                ));
            }
            None => {
                let value = value.to_string();
                return Err(mistake(
                    value.trim(),
                    "A scope is a text.",
                    format!("write `\"{}\"`.", value.trim()),
                ));
            }
        }
    }
    Ok(scopes.join(" "))
}

fn ports(item: &Item) -> Result<String, Mistake> {
    let Some(array) = item.as_array() else {
        let one = item.as_integer().or_else(|| item.as_str()?.parse().ok()).unwrap_or(8710);
        return Err(Mistake {
            value: written(item),
            what: "Ports are a list of numbers.".into(),
            fix: format!("write `[{one}]`."),
        });
    };
    let mut ports = Vec::new();
    for value in array {
        let Some(port) = value.as_integer() else {
            let plain = value.as_str().and_then(|text| text.trim().parse::<u16>().ok()).unwrap_or(8710);
            return Err(Mistake {
                value: value.to_string().trim().to_owned(),
                what: "A port is a number, without quotes.".into(),
                fix: format!("write `{plain}`."),
            });
        };
        ports.push(port);
    }
    Ok(ports_text(&ports))
}

/// A table of texts. Its values are never repeated in a mistake: one may be a key.
fn pairs(item: &Item, example: &str) -> Result<Vec<(String, String)>, Mistake> {
    let Some(table) = item.as_table_like() else {
        return Err(Mistake {
            value: "(not shown)".into(),
            what: "This is a table of names and texts.".into(),
            fix: format!("write it as `{example}`."),
        });
    };
    let pair = |(key, item): (&str, &Item)| match item.as_str() {
        Some(text) => Ok((key.to_owned(), text.to_owned())),
        None => Err(Mistake {
            value: key.to_owned(),
            what: format!("The value of `{key}` is not a text in quotes."),
            fix: format!("write it as `{example}`."),
        }),
    };
    table.iter().map(pair).collect()
}

fn written(item: &Item) -> String {
    item.to_string().trim().to_owned()
}

fn without_value(mistake: Mistake) -> Mistake {
    Mistake { value: "(not shown)".into(), fix: "write one text in quotes.".into(), ..mistake }
}

/// The text that is read, and where it came from.
struct Source<'a> {
    path: &'a Path,
    text: &'a str,
}

impl Source<'_> {
    fn profile(&self, table: &Table, found: &mut Found) {
        let (form, mut mistakes) = form(table);
        let profile = match form.check() {
            Ok(profile) => Some(profile),
            Err(more) => {
                // A setting of the wrong type was left at its default: what that lacks is no second mistake.
                let typed_wrong: Vec<Field> = mistakes.iter().map(|mistake| mistake.field).collect();
                mistakes.extend(more.into_iter().filter(|mistake| !typed_wrong.contains(&mistake.field)));
                None
            }
        };
        let mut problems = self.unknown_keys(table);
        problems.extend(mistakes.into_iter().map(|FieldProblem { field, value, what, fix }| {
            self.problem(span_of(table, field), field.key(), &value, what, fix)
        }));
        let name = form.name.trim();
        let taken =
            found.profiles.iter().map(|p| p.name.as_str()).chain(found.refused.iter().map(String::as_str));
        if !name.is_empty() && taken.into_iter().any(|taken| taken == name) {
            problems.push(self.problem(
                span_of(table, Field::Name),
                "name",
                name,
                "Another profile of this file has the same name.",
                "give each profile a name of its own.",
            ));
        }
        problems.sort_by_key(|problem| match problem.place {
            Place::File { line, .. } => line,
            _ => None,
        });
        match profile {
            Some(profile) if problems.is_empty() => found.profiles.push(profile),
            _ if name.is_empty() => {}
            _ => found.refused.push(name.to_owned()),
        }
        found.problems.extend(problems);
    }

    fn unknown_keys(&self, table: &Table) -> Vec<Problem> {
        let profile_keys = SETTINGS.map(|(field, _)| field.key());
        let request_keys = REQUEST_FIELDS.map(|(key, _)| key);
        let mut problems: Vec<Problem> = unknown(table, &profile_keys)
            .map(|(key, item)| self.unknown(table, "", key, item, &profile_keys))
            .collect();
        for request in table.get("request").and_then(Item::as_array_of_tables).into_iter().flatten() {
            problems.extend(
                unknown(request, &request_keys)
                    .map(|(key, item)| self.unknown(request, "request.", key, item, &request_keys)),
            );
        }
        problems
    }

    fn unknown(&self, table: &Table, prefix: &str, key: &str, item: &Item, known: &[&str]) -> Problem {
        let span = key_span(table, key);
        if key == "client_secret" {
            let Mistake { value, what, fix } = check::client_secret();
            return self.problem(span, key, &value, what, fix);
        }
        // What is not understood may be a secret, so its value is shown only if the key was a slip.
        let (value, fix) = match closest(key, known.iter().copied()) {
            Some(meant) => (
                item.as_str().map_or_else(|| written(item), str::to_owned),
                format!("did you mean `{meant}`?"),
            ),
            None => ("(not shown)".to_owned(), format!("remove it, or use one of {}.", known.join(", "))),
        };
        let shown = if item.is_value() { value } else { String::new() };
        self.problem(span, &format!("{prefix}{key}"), &shown, format!("There is no setting `{key}`."), fix)
    }

    /// What stands outside of every profile.
    fn stray(&self, document: &Table, key: &str, item: &Item) -> Problem {
        let span = key_span(document, key).or_else(|| item.span());
        let (what, fix) = if key == "profile" {
            (
                "Profiles are tables, one each.".to_owned(),
                "write `[[profile]]`, with two brackets.".to_owned(),
            )
        } else if SETTINGS.iter().any(|(field, _)| field.key() == key) {
            (
                format!("`{key}` stands outside of a profile."),
                "put a line `[[profile]]` before it.".to_owned(),
            )
        } else {
            let fix = if closest(key, ["profile"]).is_some() {
                "did you mean `[[profile]]`?"
            } else {
                "remove it."
            };
            (format!("There is no setting `{key}`; a file has profiles only."), fix.to_owned())
        };
        self.problem(span, key, "", what, fix)
    }

    fn problem(
        &self,
        span: Option<Range<usize>>,
        key: &str,
        value: &str,
        what: impl Into<String>,
        fix: impl Into<String>,
    ) -> Problem {
        let line =
            span.and_then(|span| self.text.get(..span.start)).map(|before| before.matches('\n').count() + 1);
        Problem {
            place: Place::File { path: self.path.to_owned(), line },
            key: key.to_owned(),
            value: value.to_owned(),
            what: what.into(),
            fix: fix.into(),
        }
    }
}

fn unknown<'a>(table: &'a Table, known: &'a [&str]) -> impl Iterator<Item = (&'a str, &'a Item)> {
    table.iter().filter(|(key, _)| !known.contains(key))
}

/// Where a setting stands; for one that is missing, where its table begins.
fn span_of(table: &Table, field: Field) -> Option<Range<usize>> {
    let Field::Request(index, part) = field else {
        return key_span(table, field.key()).or_else(|| table.span());
    };
    let request = table.get("request")?.as_array_of_tables()?.get(index)?;
    let key = REQUEST_FIELDS.iter().find(|(_, field)| *field == part).map(|(key, _)| *key)?;
    key_span(request, key).or_else(|| request.span())
}

fn key_span(table: &Table, key: &str) -> Option<Range<usize>> {
    let (key, item) = table.get_key_value(key)?;
    key.span().or_else(|| item.span())
}
