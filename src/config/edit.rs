//! Changes to the text of a file: one profile put in or taken out, and every other byte kept.
//!
//! The parser says where each thing stands; only those places are replaced.

use std::ops::Range;

use toml_edit::{Array, ArrayOfTables, Document, InlineTable, Item, Key, Table, Value};

use super::form::{Field, ProfileForm, RequestForm, SETTINGS};
use super::{Profile, ReadyRequest, read};

/// Why a text cannot be changed as asked.
pub(super) enum EditError {
    /// It is not TOML, or what is to be changed has not the form of a profile.
    Broken,
    /// The profile to change is not there.
    NotThere,
    /// Another profile has the name.
    NameTaken,
}

/// Puts a profile in: in place of the one called `old_name`, or as a new one at the end.
pub(super) fn put(text: &str, old_name: Option<&str>, profile: &Profile) -> Result<String, EditError> {
    let document = Document::parse(text).map_err(|_| EditError::Broken)?;
    let table = old_name.map(|name| find(&document, name)?.ok_or(EditError::NotThere)).transpose()?;
    // The same name in the same place is no clash.
    if find(&document, &profile.name)?.is_some() && old_name != Some(&profile.name) {
        return Err(EditError::NameTaken);
    }
    let mut edit = Edit::new(text);
    match table {
        Some(table) => edit.change_profile(table, profile)?,
        None => edit.add_profile(profile),
    }
    Ok(edit.apply())
}

/// Takes the profile of this name out.
pub(super) fn remove(text: &str, name: &str) -> Result<String, EditError> {
    let document = Document::parse(text).map_err(|_| EditError::Broken)?;
    let table = find(&document, name)?.ok_or(EditError::NotThere)?;
    let mut edit = Edit::new(text);
    edit.remove_table(table);
    Ok(edit.apply())
}

fn find<'a>(document: &'a Table, name: &str) -> Result<Option<&'a Table>, EditError> {
    let Some(profiles) = document.get("profile") else { return Ok(None) };
    let profiles = profiles.as_array_of_tables().ok_or(EditError::Broken)?;
    let is_named = |table: &&Table| table.get("name").and_then(Item::as_str).map(str::trim) == Some(name);
    Ok(profiles.iter().find(is_named))
}

/// A text, and what is to be replaced in it. An empty range is where whole lines are put in.
struct Edit<'a> {
    text: &'a str,
    line_end: &'static str,
    replacements: Vec<(Range<usize>, String)>,
}

impl<'a> Edit<'a> {
    fn new(text: &'a str) -> Self {
        let line_end = if text.contains("\r\n") { "\r\n" } else { "\n" };
        Edit { text, line_end, replacements: Vec::new() }
    }

    fn apply(mut self) -> String {
        // What is put in comes before what is taken out at the same place, and stays in its order.
        self.replacements.sort_by_key(|(range, _)| (range.start, range.end));
        let mut out = String::new();
        let mut kept = 0;
        for (range, new) in self.replacements {
            out.push_str(&self.text[kept..range.start]);
            if range.is_empty() && !out.is_empty() && !out.ends_with('\n') {
                out.push_str(self.line_end);
            }
            out.push_str(&new);
            kept = range.end;
        }
        out + &self.text[kept..]
    }

    // Profiles

    fn add_profile(&mut self, profile: &Profile) {
        let mut old = ProfileForm::default();
        let mut new = ProfileForm::from(profile);
        let mut lines = self.heading("[[profile]]", self.text.is_empty());
        for (field, _) in SETTINGS {
            if old.text_mut(field) != new.text_mut(field)
                && let Some(value) = value_of(profile, field)
            {
                lines += &self.line("", field.key(), &value);
            }
        }
        for request in &profile.requests {
            lines += &self.request_lines(request);
        }
        self.insert(self.text.len(), lines);
    }

    fn change_profile(&mut self, table: &Table, profile: &Profile) -> Result<(), EditError> {
        let (as_written, mistakes) = read::form(table);
        if !mistakes.is_empty() {
            return Err(EditError::Broken);
        }
        // Compared as checked, so that `localhost` for `http://localhost` is no difference.
        let mut old = as_written.check().map_or(as_written, |profile| ProfileForm::from(&profile));
        let mut new = ProfileForm::from(profile);
        for (field, _) in SETTINGS {
            match field {
                Field::Requests => self.change_requests(table, &old.requests, &profile.requests),
                _ if old.text_mut(field) == new.text_mut(field) => {}
                Field::AuthorizeParams => self.set_pairs(table, field.key(), &profile.authorize_params),
                _ => self.set(table, "", field.key(), value_of(profile, field)),
            }
        }
        Ok(())
    }

    // Requests

    fn change_requests(&mut self, table: &Table, old: &[RequestForm], new: &[ReadyRequest]) {
        let none = ArrayOfTables::new();
        let tables = table.get("request").and_then(Item::as_array_of_tables).unwrap_or(&none);
        let places = places(old, new);
        for (index, table) in tables.iter().enumerate() {
            if !places.contains(&Some(index)) {
                self.remove_table(table);
            }
        }
        let mut end = end_of(table);
        for (request, place) in new.iter().zip(places) {
            match place.and_then(|place| Some((tables.get(place)?, old.get(place)?))) {
                Some((table, old)) => {
                    self.change_request(table, old, request);
                    end = end_of_all(table);
                }
                None => self.insert(self.next_line(end), self.request_lines(request)),
            }
        }
    }

    fn change_request(&mut self, table: &Table, old: &RequestForm, request: &ReadyRequest) {
        let new = RequestForm::from(request);
        for (key, old, new) in [
            ("name", &old.name, &new.name),
            ("method", &old.method, &new.method),
            ("url", &old.url, &new.url),
            ("body", &old.body, &new.body),
        ] {
            if old != new {
                self.set(table, "", key, (!new.is_empty()).then(|| Value::from(new)));
            }
        }
        if old.headers != new.headers {
            self.set_pairs(table, "headers", &request.headers);
        }
    }

    fn request_lines(&self, request: &ReadyRequest) -> String {
        let mut lines = self.heading("[[profile.request]]", false);
        for (key, text) in [("name", &request.name), ("method", &request.method), ("url", &request.url)] {
            lines += &self.line("", key, &Value::from(text));
        }
        if !request.headers.is_empty() {
            lines += &self.line("", "headers", &inline(&request.headers));
        }
        if let Some(body) = &request.body {
            lines += &self.line("", "body", &Value::from(body));
        }
        lines
    }

    // Keys

    /// Sets or removes a key of a table; `prefix` is what its dotted keys begin with.
    fn set(&mut self, table: &Table, prefix: &str, key: &str, value: Option<Value>) {
        let place = table.get_key_value(key).and_then(|(key, item)| Some((key.span()?, item.span()?)));
        match (place, value) {
            (Some((_, old)), Some(value)) => self.replacements.push((old, value.to_string())),
            (Some((key, old)), None) => self.remove_key(key.start, old.end),
            (None, Some(value)) => {
                let line = self.line(prefix, key, &value);
                self.insert(self.next_line(end_of(table)), line);
            }
            (None, None) => {}
        }
    }

    fn set_pairs(&mut self, table: &Table, key: &str, pairs: &[(String, String)]) {
        let Some(Item::Table(old)) = table.get(key) else {
            return self.set(table, "", key, (!pairs.is_empty()).then(|| inline(pairs)));
        };
        let prefix = if old.is_dotted() { format!("{key}.") } else { String::new() };
        for (key, _) in old.iter().filter(|(key, _)| !pairs.iter().any(|(new, _)| new == key)) {
            self.set(old, &prefix, key, None);
        }
        for (key, value) in pairs {
            if old.get(key).and_then(Item::as_str) != Some(value) {
                self.set(old, &prefix, key, Some(Value::from(value)));
            }
        }
    }

    /// Removes the line of a key; a comment after the value stays.
    fn remove_key(&mut self, key: usize, value_end: usize) {
        let start = self.line_start(key);
        let rest = &self.text[value_end..self.next_line(value_end)];
        let comment = rest.len() - rest.trim_start().len();
        self.replacements.push((start..value_end + comment, String::new()));
    }

    // Tables

    /// Removes a table and those within, each with the comment right above it. Other comments stay.
    fn remove_table(&mut self, table: &Table) {
        if let (Some(header), false) = (table.span(), table.is_dotted()) {
            let header = self.line_start(header.start);
            let start = self.comment_above(header).unwrap_or(header);
            self.replacements.push((start..self.next_line(end_of(table)), String::new()));
        }
        for (_, item) in table {
            match item {
                Item::Table(table) => self.remove_table(table),
                Item::ArrayOfTables(tables) => tables.iter().for_each(|table| self.remove_table(table)),
                _ => {}
            }
        }
    }

    /// Where the comment right above a line begins, with the empty line before it. Without that one the comment
    /// may as well be about what comes before, or about the whole file.
    fn comment_above(&self, line: usize) -> Option<usize> {
        let mut above = line;
        while above > 0 {
            let end = above;
            above = self.line_start(above - 1);
            let text = self.text[above..end].trim();
            if text.is_empty() {
                return Some(above);
            }
            if !text.starts_with('#') {
                return None;
            }
        }
        None
    }

    // Lines

    fn insert(&mut self, at: usize, lines: String) {
        self.replacements.push((at..at, lines));
    }

    fn heading(&self, header: &str, is_first: bool) -> String {
        format!("{}{header}{}", if is_first { "" } else { self.line_end }, self.line_end)
    }

    fn line(&self, prefix: &str, key: &str, value: &Value) -> String {
        format!("{prefix}{} = {value}{}", Key::new(key).display_repr(), self.line_end)
    }

    fn line_start(&self, at: usize) -> usize {
        self.text[..at].rfind('\n').map_or(0, |end| end + 1)
    }

    /// Where the line after this place begins.
    fn next_line(&self, at: usize) -> usize {
        self.text[at..].find('\n').map_or(self.text.len(), |end| at + end + 1)
    }
}

/// Which of the old requests each new one continues: the one of its name; or where that is gone, or the order is
/// another, the one in its place.
fn places(old: &[RequestForm], new: &[ReadyRequest]) -> Vec<Option<usize>> {
    let by_name = |(index, request): (usize, &ReadyRequest)| {
        let renamed = || {
            let old = old.get(index)?;
            (!new.iter().any(|new| new.name == old.name)).then_some(index)
        };
        old.iter().position(|old| old.name == request.name).or_else(renamed)
    };
    let places: Vec<Option<usize>> = new.iter().enumerate().map(by_name).collect();
    if places.iter().flatten().is_sorted_by(|a, b| a < b) {
        return places;
    }
    (0..new.len()).map(|index| (index < old.len()).then_some(index)).collect()
}

fn value_of(profile: &Profile, field: Field) -> Option<Value> {
    let text = |text: &str| (!text.is_empty()).then(|| Value::from(text));
    match field {
        Field::Name => text(&profile.name),
        Field::Issuer => text(&profile.issuer),
        Field::ClientId => text(&profile.client_id),
        Field::Audience => profile.audience.as_deref().and_then(text),
        Field::Resource => profile.resource.as_deref().and_then(text),
        Field::Scopes => Some(profile.scopes.iter().collect::<Array>().into()),
        Field::Api => text(&ProfileForm::from(profile).api),
        Field::RedirectPorts => {
            Some(profile.redirect_ports.iter().map(|port| i64::from(*port)).collect::<Array>().into())
        }
        Field::RedirectPath => text(&profile.redirect_path),
        Field::AuthorizeParams => Some(inline(&profile.authorize_params)),
        Field::Requests | Field::Request(..) => None,
    }
}

fn inline(pairs: &[(String, String)]) -> Value {
    pairs.iter().map(|(key, value)| (key, value.as_str())).collect::<InlineTable>().into()
}

/// Where the last value of a table ends, without the tables within; or its header, if it has none.
fn end_of(table: &Table) -> usize {
    let header = table.span().map_or(0, |span| span.end);
    let values = table.iter().map(|(_, item)| match item {
        Item::Table(table) if table.is_dotted() => end_of(table),
        Item::Value(value) => value.span().map_or(0, |span| span.end),
        _ => 0,
    });
    values.fold(header, usize::max)
}

/// Where the last value of a table or of those within ends.
fn end_of_all(table: &Table) -> usize {
    let within = table.iter().map(|(_, item)| match item {
        Item::Table(table) => end_of_all(table),
        Item::ArrayOfTables(tables) => tables.iter().map(end_of_all).max().unwrap_or(0),
        _ => 0,
    });
    within.fold(end_of(table), usize::max)
}
