//! Changes to the text of a file: one profile put in or taken out, and every other byte kept.

use toml_edit::{Array, ArrayOfTables, DocumentMut, InlineTable, Item, RawString, Table, TableLike, Value};

use super::form::{Field, ProfileForm, RequestForm, SETTINGS};
use super::{Profile, ReadyRequest, read};

/// Why a text cannot be changed as asked.
pub(super) enum EditError {
    /// It is not TOML, or its `profile` is no list of tables.
    Broken,
    /// The profile to change is not there.
    NotThere,
    /// Another profile has the name.
    NameTaken,
}

/// Puts a profile in: in place of the one called `old_name`, or as a new one at the end.
pub(super) fn put(text: &str, old_name: Option<&str>, profile: &Profile) -> Result<String, EditError> {
    edit(text, |document| {
        let index = old_name.map(|name| find(document, name).ok_or(EditError::NotThere)).transpose()?;
        if find(document, &profile.name).is_some_and(|taken| Some(taken) != index) {
            return Err(EditError::NameTaken);
        }
        let Some(index) = index else {
            add(document, profile);
            return Ok(());
        };
        let Some(table) = tables(document).and_then(|tables| tables.get_mut(index)) else {
            return Err(EditError::NotThere);
        };
        for left_over in write(table, profile) {
            give_back(document, left_over);
        }
        Ok(())
    })
}

/// Takes the profile of this name out.
pub(super) fn remove(text: &str, name: &str) -> Result<String, EditError> {
    edit(text, |document| {
        let index = find(document, name).ok_or(EditError::NotThere)?;
        let Some(tables) = tables(document) else { return Err(EditError::NotThere) };
        let removed = tables.remove(index);
        if tables.is_empty() {
            document.remove("profile");
        }
        give_back(document, LeftOver::of(&removed));
        Ok(())
    })
}

/// Parses, changes and writes. The line ends and the byte order mark stay as they were.
fn edit(
    text: &str,
    change: impl FnOnce(&mut DocumentMut) -> Result<(), EditError>,
) -> Result<String, EditError> {
    let windows_lines = text.contains("\r\n");
    let mark = if text.starts_with('\u{feff}') { "\u{feff}" } else { "" };
    let plain = text.trim_start_matches('\u{feff}').replace("\r\n", "\n");
    let mut document: DocumentMut = plain.parse().map_err(|_| EditError::Broken)?;
    if document.get("profile").is_some_and(|item| !item.is_array_of_tables()) {
        return Err(EditError::Broken);
    }
    change(&mut document)?;
    let changed = document.to_string();
    Ok(format!("{mark}{}", if windows_lines { changed.replace('\n', "\r\n") } else { changed }))
}

fn tables(document: &mut DocumentMut) -> Option<&mut ArrayOfTables> {
    document.get_mut("profile")?.as_array_of_tables_mut()
}

fn find(document: &DocumentMut, name: &str) -> Option<usize> {
    let tables = document.get("profile")?.as_array_of_tables()?;
    tables.iter().position(|table| table.get("name").and_then(Item::as_str).map(str::trim) == Some(name))
}

fn add(document: &mut DocumentMut, profile: &Profile) {
    let mut table = Table::new();
    write(&mut table, profile);
    // What the file ends with belongs to what is already there, so the new profile comes after it.
    let trailing = document.trailing().as_str().unwrap_or_default().to_owned();
    let first = trailing.is_empty() && document.is_empty();
    table.decor_mut().set_prefix(if first { trailing } else { format!("{trailing}\n") });
    document.set_trailing("");
    let mut last = 0;
    each_table(document.as_table_mut(), &mut |table| last = last.max(table.position().unwrap_or(0)));
    table.set_position(Some(last + 1));
    let profiles = document.entry("profile").or_insert(Item::ArrayOfTables(ArrayOfTables::new()));
    if let Some(profiles) = profiles.as_array_of_tables_mut() {
        profiles.push(table);
    }
}

/// Writes the settings that differ from what the table says; returns what was left of removed requests.
fn write(table: &mut Table, profile: &Profile) -> Vec<LeftOver> {
    let (as_written, _) = read::form(table);
    // Compared as checked, so that `localhost` for `http://localhost` is no difference.
    let mut old = as_written.check().map_or(as_written, |profile| ProfileForm::from(&profile));
    let mut new = ProfileForm::from(profile);
    let mut left_over = Vec::new();
    for (field, _) in SETTINGS {
        match field {
            Field::Requests => left_over = write_requests(table, &old.requests, &profile.requests),
            _ if old.text_mut(field) == new.text_mut(field) => {}
            Field::AuthorizeParams => set_pairs(table, field.key(), &profile.authorize_params),
            _ => set(table, field.key(), value_of(profile, field)),
        }
    }
    left_over
}

fn value_of(profile: &Profile, field: Field) -> Option<Value> {
    let text = |text: &str| Some(Value::from(text));
    match field {
        Field::Name => text(&profile.name),
        Field::Issuer => text(&profile.issuer),
        Field::ClientId => text(&profile.client_id),
        Field::Audience => profile.audience.as_deref().map(Value::from),
        Field::Resource => profile.resource.as_deref().map(Value::from),
        Field::Scopes => Some(profile.scopes.iter().collect::<Array>().into()),
        Field::Api => text(&ProfileForm::from(profile).api).filter(|_| profile.api.is_some()),
        Field::RedirectPorts => {
            Some(profile.redirect_ports.iter().map(|port| i64::from(*port)).collect::<Array>().into())
        }
        Field::RedirectPath => text(&profile.redirect_path),
        Field::Requests | Field::Request(..) | Field::AuthorizeParams => None,
    }
}

/// Sets or removes a key; what is around the value, such as a comment after it, stays.
fn set(table: &mut dyn TableLike, key: &str, value: Option<Value>) {
    let commented = is_commented(table, key);
    match (table.get_mut(key), value) {
        (Some(item), Some(mut value)) => {
            if let Some(old) = item.as_value() {
                value.decor_mut().clone_from(old.decor());
            }
            *item = Item::Value(value);
        }
        (None, Some(value)) => {
            table.insert(key, Item::Value(value));
        }
        // An empty text means the same as no key, and keeps the comment.
        (Some(_), None) if commented => set(table, key, Some(Value::from(""))),
        (Some(_), None) => {
            table.remove(key);
        }
        (None, None) => {}
    }
}

fn set_pairs(table: &mut Table, key: &str, pairs: &[(String, String)]) {
    let commented = is_commented(table, key);
    let item = table.entry(key).or_insert(Item::Value(InlineTable::new().into()));
    let Some(old) = item.as_table_like_mut() else {
        *item = Item::Value(
            pairs.iter().map(|(key, value)| (key, value.as_str())).collect::<InlineTable>().into(),
        );
        return;
    };
    let gone: Vec<String> = old
        .iter()
        .map(|(key, _)| key.to_owned())
        .filter(|key| !pairs.iter().any(|(new, _)| new == key))
        .collect();
    for key in gone {
        old.remove(&key);
    }
    for (key, value) in pairs {
        if old.get(key).and_then(Item::as_str) != Some(value) {
            set(old, key, Some(Value::from(value.as_str())));
        }
    }
    if pairs.is_empty() && !commented {
        table.remove(key);
    }
}

fn is_commented(table: &dyn TableLike, key: &str) -> bool {
    let has_comment =
        |raw: Option<&RawString>| raw.and_then(RawString::as_str).is_some_and(|text| text.contains('#'));
    let before = table.key(key).map(toml_edit::Key::leaf_decor);
    let after = table.get(key).and_then(Item::as_value).map(Value::decor);
    before.is_some_and(|decor| has_comment(decor.prefix()))
        || after.is_some_and(|decor| has_comment(decor.suffix()))
}

fn write_requests(table: &mut Table, old: &[RequestForm], new: &[ReadyRequest]) -> Vec<LeftOver> {
    let forms: Vec<RequestForm> = new.iter().map(RequestForm::from).collect();
    if old == forms {
        return Vec::new();
    }
    let mut existing: Vec<Option<Table>> = match table.get_mut("request") {
        Some(Item::ArrayOfTables(tables)) => std::mem::take(tables).into_iter().map(Some).collect(),
        _ => Vec::new(),
    };
    let mut written = ArrayOfTables::new();
    let mut order = Vec::new();
    for (index, request) in new.iter().enumerate() {
        let same_name = old.iter().position(|old| old.name == request.name);
        // One whose name is gone from its place was renamed there.
        let renamed =
            || old.get(index).filter(|old| !new.iter().any(|new| new.name == old.name)).map(|_| index);
        let place = same_name.or_else(renamed);
        let mut table = place.and_then(|place| existing.get_mut(place)?.take()).unwrap_or_default();
        let before = place.and_then(|place| old.get(place)).cloned().unwrap_or_default();
        write_request(&mut table, &before, &forms[index], request);
        order.push(place);
        written.push(table);
    }
    let left_over = existing.iter().flatten().map(LeftOver::of).collect();
    if !order.is_sorted_by(|a, b| b.is_none() || a.is_some() && a < b) {
        // Without places of their own they are written in this order, right after the profile.
        for request in written.iter_mut() {
            each_table(request, &mut |table| table.set_position(None));
        }
    }
    if written.is_empty() {
        table.remove("request");
    } else {
        table.insert("request", Item::ArrayOfTables(written));
    }
    left_over
}

fn write_request(table: &mut Table, old: &RequestForm, new: &RequestForm, request: &ReadyRequest) {
    let is_new = table.is_empty();
    let texts =
        [("name", &old.name, &new.name), ("method", &old.method, &new.method), ("url", &old.url, &new.url)];
    for (key, old, new) in texts {
        // A new request says its method, though it may be the default: it is what one looks for.
        if is_new || old != new {
            set(table, key, Some(Value::from(new.as_str())));
        }
    }
    if old.headers != new.headers {
        set_pairs(table, "headers", &request.headers);
    }
    if old.body != new.body {
        set(table, "body", request.body.as_deref().map(Value::from));
    }
}

/// Comments above a removed table that stand apart from it, and where it was.
struct LeftOver {
    position: isize,
    comments: String,
}

impl LeftOver {
    fn of(table: &Table) -> Self {
        let above = table.decor().prefix().and_then(RawString::as_str).unwrap_or_default();
        // Up to the last empty line: what follows it is about the table, and goes with it.
        let apart = above.rfind("\n\n").map_or("", |end| &above[..=end]);
        LeftOver { position: table.position().unwrap_or(0), comments: apart.to_owned() }
    }
}

/// Puts comments before the table that follows, or at the end.
fn give_back(document: &mut DocumentMut, LeftOver { position, comments }: LeftOver) {
    if !comments.contains('#') {
        return;
    }
    let mut next: Option<isize> = None;
    each_table(document.as_table_mut(), &mut |table| {
        if let Some(here) = table.position().filter(|here| *here > position && !table.is_implicit()) {
            next = Some(next.map_or(here, |next| next.min(here)));
        }
    });
    let Some(next) = next else {
        let trailing = document.trailing().as_str().unwrap_or_default().to_owned();
        document.set_trailing(comments + &trailing);
        return;
    };
    each_table(document.as_table_mut(), &mut |table| {
        if table.position() == Some(next) {
            let above = table.decor().prefix().and_then(RawString::as_str).unwrap_or_default();
            let above = format!("{comments}{above}");
            table.decor_mut().set_prefix(above);
        }
    });
}

fn each_table(table: &mut Table, visit: &mut dyn FnMut(&mut Table)) {
    visit(table);
    for (_, item) in table.iter_mut() {
        match item {
            Item::Table(table) => each_table(table, visit),
            Item::ArrayOfTables(tables) => tables.iter_mut().for_each(|table| each_table(table, visit)),
            _ => {}
        }
    }
}
