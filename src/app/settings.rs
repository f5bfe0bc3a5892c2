//! The settings: one profile as a form, with the URLs to register, and a look whether its provider is there.

use egui::{Frame, Label, Layout, Margin, RichText, ScrollArea, TextEdit, Ui, Vec2};
use poll_promise::Promise;

use super::state::{Action, Settings, State, Work};
use super::tasks::{self, Tasks};
use super::theme::{self, palette, size};
use super::widgets;
use crate::auth::provider::ProviderError;
use crate::config::{DEMO, Field, FieldProblem, RequestForm};

/// Whether the provider of the form can be used: a one-shot value for the issuer that it was asked for.
#[derive(Default)]
pub struct ProviderCheck(Option<(String, Promise<Result<(), ProviderError>>)>);

/// The width of the fields' names.
const LABEL: f32 = 136.0;

/// Draws the screen.
pub fn show(ui: &mut Ui, actions: &mut Vec<Action>, state: &State, check: &mut ProviderCheck, tasks: &Tasks) {
    let Some(settings) = &state.settings else { return };
    ScrollArea::vertical().auto_shrink(false).show(ui, |ui| {
        let frame = Frame::new().inner_margin(Margin::symmetric(36, 28));
        frame.show(ui, |ui| {
            ui.set_max_width(720.0_f32.min(ui.available_width()));
            ui.spacing_mut().item_spacing.y = size::NEAR;
            if settings.editing.as_deref() == Some(DEMO) {
                demo(ui, actions, state);
            } else {
                form(ui, actions, state, settings, check, tasks);
            }
        })
    });
}

fn demo(ui: &mut Ui, actions: &mut Vec<Action>, state: &State) {
    let soft = palette(ui).soft;
    ui.label(RichText::new("Demo").font(theme::title()));
    ui.add(Label::new(
        RichText::new("The built-in profile. Its provider and its API run inside Hallpass, on this computer only. To use \
                       your own, make a profile for it.")
        .color(soft),
    ).wrap());
    ui.add_space(size::FAR);
    ui.horizontal(|ui| {
        if widgets::primary(ui, "New profile", Vec2::new(0.0, size::BUTTON)).clicked() {
            actions.push(Action::OpenSettings(None));
        }
        if widgets::secondary(ui, "Close").on_hover_text("Esc").clicked() {
            actions.push(Action::CloseSettings);
        }
    });
    file(ui, state);
}

fn form(
    ui: &mut Ui,
    actions: &mut Vec<Action>,
    state: &State,
    settings: &Settings,
    check: &mut ProviderCheck,
    tasks: &Tasks,
) {
    let mut form = settings.form.clone();
    let title =
        settings.editing.as_deref().map_or("New profile".to_owned(), |name| format!("Profile {name}"));
    ui.label(RichText::new(title).font(theme::title()));
    ui.add_space(size::NEAR);

    let fields = Fields { problems: &settings.problems };
    fields.text(ui, Field::Name, "Name", "What this profile is called here", &mut form.name);
    heading(ui, "The provider");
    fields.text(ui, Field::Issuer, "Issuer", "https://TENANT.eu.auth0.com/", &mut form.issuer);
    provider(ui, &form.issuer_url().unwrap_or_else(|| form.issuer.trim().to_owned()), check, tasks);
    fields.text(
        ui,
        Field::ClientId,
        "Client ID",
        "Of an application of the type Native: it has no secret",
        &mut form.client_id,
    );
    fields.text(ui, Field::Scopes, "Scopes", "openid profile email offline_access", &mut form.scopes);
    heading(ui, "The way back");
    fields.text(
        ui,
        Field::RedirectPorts,
        "Redirect ports",
        "8710, 8711, 8712: tried in order; 0 is any",
        &mut form.redirect_ports,
    );
    fields.text(ui, Field::RedirectPath, "Redirect path", "/callback", &mut form.redirect_path);
    urls(ui, actions, "callback URLs", form.redirect_uris());
    urls(ui, actions, "log-out URLs", form.logged_out_uris());
    heading(ui, "The API");
    fields.text(
        ui,
        Field::Audience,
        "Audience",
        "The API's identifier, as Auth0 wants it",
        &mut form.audience,
    );
    fields.text(
        ui,
        Field::Resource,
        "Resource",
        "The same, for providers that follow RFC 8707",
        &mut form.resource,
    );
    fields.text(
        ui,
        Field::Api,
        "API base URL",
        "http://localhost:3010: only this origin gets the token",
        &mut form.api,
    );
    fields.requests(ui, &mut form.requests);
    heading(ui, "More");
    fields.text(
        ui,
        Field::AuthorizeParams,
        "Extra parameters",
        "prompt=consent&max_age=0, for the authorization request",
        &mut form.authorize_params,
    );

    ui.add_space(size::FAR);
    if let Some(failure) = &settings.failure {
        ui.label(RichText::new(failure).color(palette(ui).bad));
    }
    if !settings.problems.is_empty() {
        ui.label(RichText::new("Not saved yet: see what is marked above.").color(palette(ui).bad));
    }
    ui.horizontal(|ui| {
        let can_save = state.file.is_some() && !state.is_running(Work::Save);
        let (name, width) = if settings.logs_in { ("Save and log in", 0.0) } else { ("Save", 96.0) };
        let save = ui
            .add_enabled_ui(can_save, |ui| widgets::primary(ui, name, Vec2::new(width, size::BUTTON)))
            .inner;
        if save.on_disabled_hover_text("There is no place for the file of profiles").clicked() {
            actions.push(Action::SaveProfile);
        }
        if widgets::secondary(ui, "Close").on_hover_text("Without saving (Esc)").clicked() {
            actions.push(Action::CloseSettings);
        }
        if settings.editing.is_some() {
            ui.with_layout(Layout::right_to_left(egui::Align::Center), |ui| {
                if widgets::quiet(ui, "Remove this profile").clicked() {
                    actions.push(Action::RemoveProfile);
                }
            });
        }
    });
    file(ui, state);
    if form != settings.form {
        // Before whatever was pressed: what is saved is what is seen.
        actions.insert(0, Action::EditForm(form));
    }
}

fn heading(ui: &mut Ui, text: &str) {
    ui.add_space(size::FAR);
    ui.label(RichText::new(text).font(theme::heading()));
}

/// Where profiles are kept.
fn file(ui: &mut Ui, state: &State) {
    if let Some(file) = &state.file {
        ui.add_space(size::FAR);
        let text = format!("Profiles are kept in {}", file.path().display());
        ui.add(Label::new(RichText::new(text).font(theme::small()).color(palette(ui).soft)).wrap());
    }
}

/// The fields of the form, each with what is wrong with it.
struct Fields<'a> {
    problems: &'a [FieldProblem],
}

impl Fields<'_> {
    fn text(&self, ui: &mut Ui, field: Field, name: &str, hint: &str, text: &mut String) {
        widgets::row(ui, name, LABEL, size::BUTTON, |ui| {
            let width = ui.available_width();
            let edit = TextEdit::singleline(text).font(theme::code()).desired_width(width);
            let response = ui.add(edit.hint_text(hint.to_owned()).margin(Margin::symmetric(12, 8)));
            widgets::named(ui, &response, name);
            self.problem(ui, field);
        });
    }

    fn problem(&self, ui: &mut Ui, field: Field) {
        for problem in self.problems.iter().filter(|problem| problem.field == field) {
            let text = format!("{} Fix: {}", problem.what, problem.fix);
            ui.add(Label::new(RichText::new(text).font(theme::small()).color(palette(ui).bad)).wrap());
        }
    }

    fn requests(&self, ui: &mut Ui, requests: &mut Vec<RequestForm>) {
        widgets::row(ui, "Requests", LABEL, size::BUTTON, |ui| {
            let mut removed = None;
            for (index, request) in requests.iter_mut().enumerate() {
                ui.horizontal(|ui| {
                    let cell = |ui: &mut Ui, name: &str, hint: &str, width: f32, text: &mut String| {
                        let edit = TextEdit::singleline(text).font(theme::code()).desired_width(width);
                        let response =
                            ui.add(edit.hint_text(hint.to_owned()).margin(Margin::symmetric(12, 8)));
                        widgets::named(ui, &response, &format!("{name} of request {}", index + 1));
                    };
                    cell(ui, "Name", "Private", 110.0, &mut request.name);
                    cell(ui, "Method", "GET", 60.0, &mut request.method);
                    let width = (ui.available_width() - 100.0).max(120.0);
                    cell(ui, "URL", "/api/private", width, &mut request.url);
                    if widgets::quiet(ui, "Remove").clicked() {
                        removed = Some(index);
                    }
                });
                for problem in self
                    .problems
                    .iter()
                    .filter(|problem| matches!(problem.field, Field::Request(at, _) if at == index))
                {
                    let text = format!("{} Fix: {}", problem.what, problem.fix);
                    ui.add(
                        Label::new(RichText::new(text).font(theme::small()).color(palette(ui).bad)).wrap(),
                    );
                }
            }
            self.problem(ui, Field::Requests);
            if let Some(index) = removed {
                requests.remove(index);
            }
            if widgets::secondary(ui, "Add a request").clicked() {
                requests.push(RequestForm::default());
            }
        });
    }
}

/// URLs to register, to the letter: the provider compares them so.
fn urls(ui: &mut Ui, actions: &mut Vec<Action>, called: &str, urls: Option<Vec<String>>) {
    let palette = palette(ui);
    let Some(urls) = urls else { return };
    let frame = Frame::new().fill(palette.sunken).corner_radius(9).inner_margin(Margin::symmetric(14, 10));
    frame.show(ui, |ui| {
        ui.set_width(ui.available_width());
        ui.label(
            RichText::new(format!("Register these {called} at the provider, exactly as they are:"))
                .size(14.0),
        );
        for url in &urls {
            ui.label(RichText::new(url).font(theme::code()));
        }
        if widgets::secondary(ui, &format!("Copy the {called}")).clicked() {
            actions.push(Action::Copy(urls.join("\n")));
        }
    });
}

/// Asks the provider for its configuration, as a log-in would.
fn provider(ui: &mut Ui, issuer: &str, check: &mut ProviderCheck, tasks: &Tasks) {
    let palette = palette(ui);
    ui.horizontal_wrapped(|ui| {
        ui.add_space(LABEL);
        if widgets::secondary(ui, "Check the provider").clicked() {
            let issuer = issuer.to_owned();
            check.0 = Some((issuer.clone(), tasks.promise(tasks::check_provider(issuer))));
        }
        let Some((_, promise)) = check.0.as_ref().filter(|(asked, _)| asked == issuer) else { return };
        let (text, colour) = match promise.ready() {
            None => ("Asking…".to_owned(), palette.soft),
            Some(Ok(())) => ("It answers, and can be used.".to_owned(), palette.good),
            Some(Err(error)) => (crate::untrusted::line(&error.to_string()), palette.bad),
        };
        ui.label(RichText::new(text).size(14.0).color(colour));
    });
}
