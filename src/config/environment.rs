//! The `HALLPASS_…` variables: which file, which profile, and one for every setting.

use std::ffi::OsString;
use std::path::PathBuf;

use super::form::{Field, FieldProblem, ProfileForm, RequestField, RequestForm, SETTINGS};
use super::problem::{Place, Problem};
use super::{DEMO, Loaded};

/// The name of a profile that is made of variables alone, unless one says otherwise.
const NAME: &str = "Environment";

/// What the variables say. An empty variable is one that is not set.
pub(super) struct Variables {
    pub config: Option<PathBuf>,
    pub profile: Option<String>,
    settings: Vec<(Field, String)>,
}

impl Variables {
    pub(super) fn read(variable: impl Fn(&str) -> Option<OsString>) -> (Variables, Vec<Problem>) {
        let mut problems = Vec::new();
        let set = |name: &str| variable(name).filter(|value| !value.is_empty());
        let mut text = |name: &str| set(name)?.into_string().map_err(|_| problems.push(not_text(name))).ok();
        let profile = text("HALLPASS_PROFILE");
        let settings =
            SETTINGS.iter().filter_map(|(field, _)| Some((*field, text(&field.variable())?))).collect();
        let config = set("HALLPASS_CONFIG").map(PathBuf::from);
        (Variables { config, profile, settings }, problems)
    }

    /// Whether they are enough for a profile of their own.
    pub(super) fn make_a_profile(&self) -> bool {
        [Field::Issuer, Field::ClientId]
            .iter()
            .all(|needed| self.settings.iter().any(|(field, _)| field == needed))
    }

    /// Changes the profile to start on, or makes it where none was chosen.
    pub(super) fn apply(&self, loaded: &mut Loaded, chosen: bool) {
        let Some((first, _)) = self.settings.first() else { return };
        let makes_a_profile = self.make_a_profile() && !chosen;
        let index = loaded.profiles.iter().position(|profile| profile.name == loaded.start);
        let mut form = match index {
            _ if makes_a_profile => ProfileForm { name: NAME.to_owned(), ..ProfileForm::default() },
            Some(index) => ProfileForm::from(&loaded.profiles[index]),
            None => {
                loaded.problems.push(not_for_the_demo(*first));
                return;
            }
        };
        let mut mistakes = Vec::new();
        for (field, value) in &self.settings {
            match form.text_mut(*field) {
                Some(text) => text.clone_from(value),
                None => form.requests = requests(value, &mut mistakes),
            }
        }
        let profile = match form.check() {
            Ok(profile) if mistakes.is_empty() => profile,
            checked => {
                mistakes.extend(checked.err().into_iter().flatten());
                loaded.problems.extend(mistakes.into_iter().map(problem));
                return;
            }
        };
        let place = index.filter(|_| !makes_a_profile);
        let others = loaded.profiles.iter().enumerate().filter(|(other, _)| Some(*other) != place);
        if others.into_iter().any(|(_, other)| other.name == profile.name) {
            loaded.problems.push(problem(FieldProblem {
                field: Field::Name,
                value: profile.name.clone(),
                what: format!("The file has a profile `{}` already.", profile.name),
                fix: "set HALLPASS_NAME to another name, or choose that profile with `--profile`.".into(),
            }));
            return;
        }
        loaded.start.clone_from(&profile.name);
        loaded.overridden = true;
        match place {
            Some(index) => loaded.profiles[index] = profile,
            None => loaded.profiles.push(profile),
        }
    }
}

/// `Name=METHOD /path; Other=/path`
fn requests(text: &str, mistakes: &mut Vec<FieldProblem>) -> Vec<RequestForm> {
    let mut requests = Vec::new();
    for written in text.split([';', '\n']).map(str::trim).filter(|written| !written.is_empty()) {
        let Some((name, rest)) = written.split_once('=') else {
            mistakes.push(FieldProblem {
                field: Field::Requests,
                value: written.to_owned(),
                what: "A request has a name, an equals sign, a method and a URL.".into(),
                fix: "write `Private=GET /api/private; Public=GET /api/public`.".into(),
            });
            continue;
        };
        let (method, url) = rest.trim().split_once(char::is_whitespace).unwrap_or(("GET", rest));
        requests.push(RequestForm {
            name: name.to_owned(),
            method: method.to_owned(),
            url: url.trim().to_owned(),
            ..RequestForm::default()
        });
    }
    requests
}

fn problem(FieldProblem { field, value, what, fix }: FieldProblem) -> Problem {
    let key = match field {
        Field::Request(_, RequestField::Name | RequestField::Method | RequestField::Url) => field.key(),
        _ => "",
    };
    Problem { place: Place::Environment(field.variable()), key: key.to_owned(), value, what, fix }
}

fn not_text(variable: &str) -> Problem {
    Problem {
        place: Place::Environment(variable.to_owned()),
        key: String::new(),
        value: String::new(),
        what: "The value is not Unicode text.".into(),
        fix: "set it again, in UTF-8.".into(),
    }
}

fn not_for_the_demo(field: Field) -> Problem {
    Problem {
        place: Place::Environment(field.variable()),
        key: String::new(),
        value: String::new(),
        what: format!("Hallpass would start on {DEMO}, whose settings cannot be changed."),
        fix: "choose a profile with `--profile NAME`; or choose none, and set HALLPASS_ISSUER and HALLPASS_CLIENT_ID \
              to make one."
            .into(),
    }
}
