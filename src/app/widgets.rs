//! The parts that screens are made of: each is drawn one way, has a name, and shows when it has the focus.

use std::borrow::Cow;
use std::time::Duration;

use egui::text::{LayoutJob, TextWrapping};
use egui::{
    Align2, Button, Color32, CornerRadius, Frame, Label, Margin, Response, RichText, Role, Sense, Stroke,
    StrokeKind, TextEdit, TextFormat, Ui, Vec2, WidgetInfo,
};

use jiff::Timestamp;

use super::history::Mark;
use super::theme::{self, palette, size};
use crate::auth::session::StepUp;
use crate::config::Field;
use crate::explain::{Explanation, Remedy, Tone, Value};

/// The longest scope that a button names, in bytes.
const LONGEST_SCOPE: usize = 48;
/// The longest URL, or other text to use, that a button names, in bytes.
const LONGEST_NAME: usize = 56;

/// The button of the one thing that a screen is for; it is as large as its text, and as `min_size` at least.
pub fn primary(ui: &mut Ui, text: &str, min_size: Vec2) -> Response {
    let palette = palette(ui);
    let text = RichText::new(text).font(theme::button()).color(palette.on_accent);
    let button = Button::new(text).fill(palette.accent).stroke(Stroke::NONE).corner_radius(10);
    let response = ui.scope(|ui| {
        if min_size.x > 0.0 {
            // A button of a given width has its text in the middle.
            return ui.add_sized(min_size, button);
        }
        ui.spacing_mut().button_padding.x = 18.0;
        ui.add(button.min_size(min_size))
    });
    ring(ui, &response.inner);
    response.inner
}

/// A button beside others.
pub fn secondary(ui: &mut Ui, text: &str) -> Response {
    let palette = palette(ui);
    let text = RichText::new(text).size(14.0).color(palette.accent);
    let response = ui.add(Button::new(text).min_size(Vec2::new(0.0, size::BUTTON)));
    ring(ui, &response);
    response
}

/// A button that stays in the background until it is wanted.
pub fn quiet(ui: &mut Ui, text: &str) -> Response {
    let text = RichText::new(text).color(palette(ui).soft);
    let response = ui.add(Button::new(text).frame_when_inactive(false));
    ring(ui, &response);
    response
}

/// One of several, of which one is chosen.
pub fn tab(ui: &mut Ui, text: &str, chosen: bool) -> Response {
    let palette = palette(ui);
    let (fill, colour) =
        if chosen { (palette.accent, palette.on_accent) } else { (palette.sunken, palette.soft) };
    let text = RichText::new(text).size(14.0).color(colour);
    let response = ui.add(Button::selectable(chosen, text).fill(fill).stroke(Stroke::NONE).corner_radius(8));
    ring(ui, &response);
    response
}

/// The same, small.
pub fn small_tab(ui: &mut Ui, text: &str, chosen: bool) -> Response {
    let palette = palette(ui);
    let (fill, colour) =
        if chosen { (palette.accent, palette.on_accent) } else { (palette.sunken, palette.soft) };
    let text = RichText::new(text).font(theme::small()).color(colour);
    let response = ui.add(Button::selectable(chosen, text).fill(fill).stroke(Stroke::NONE).corner_radius(6));
    ring(ui, &response);
    response
}

/// A view of the same thing, underlined when it is the one that is shown.
pub fn view(ui: &mut Ui, text: &str, chosen: bool) -> Response {
    let palette = palette(ui);
    let text = if chosen {
        RichText::new(text).font(theme::emphasis()).color(palette.text)
    } else {
        RichText::new(text).color(palette.soft)
    };
    let button = Button::selectable(chosen, text).fill(Color32::TRANSPARENT).stroke(Stroke::NONE);
    let response = ui.add(button);
    if chosen {
        let rect = response.rect.shrink2(Vec2::new(ui.spacing().button_padding.x, 0.0));
        ui.painter().hline(rect.x_range(), rect.bottom() - 2.0, Stroke::new(2.0, palette.accent));
    }
    ring(ui, &response);
    response
}

/// Shows where the keyboard is.
pub fn ring(ui: &Ui, response: &Response) {
    if response.has_focus() {
        let stroke = Stroke::new(2.0, palette(ui).accent);
        ui.painter().rect_stroke(
            response.rect.expand(3.0),
            CornerRadius::same(12),
            stroke,
            StrokeKind::Middle,
        );
    }
}

/// A field with a name that screen readers say; what it holds is given back when it was changed.
pub fn field(
    ui: &mut Ui,
    name: &str,
    text: &str,
    edit: impl FnOnce(TextEdit<'_>) -> TextEdit<'_>,
) -> (Response, Option<String>) {
    let mut typed = text.to_owned();
    let palette = palette(ui);
    let edit = edit(TextEdit::singleline(&mut typed).font(theme::code()).margin(Margin::symmetric(14, 11)));
    let response = ui.add(edit);
    named(ui, &response, name);
    if response.has_focus() {
        let stroke = Stroke::new(2.0, palette.accent);
        ui.painter().rect_stroke(response.rect, CornerRadius::same(9), stroke, StrokeKind::Inside);
    }
    let changed = response.changed().then_some(typed);
    (response, changed)
}

/// Gives a widget the name that screen readers say.
pub fn named(ui: &Ui, response: &Response, name: &str) {
    ui.ctx().accesskit_node_builder(response.id, |node| node.set_label(name));
}

/// A short piece of code on a ground of its own; it is never broken.
pub fn chip(ui: &mut Ui, text: &str, ground: Color32, amiss: bool) {
    let palette = palette(ui);
    let (colour, stroke) =
        if amiss { (palette.bad, Stroke::new(1.5, palette.bad)) } else { (palette.text, Stroke::NONE) };
    let galley = ui.painter().layout_no_wrap(text.to_owned(), theme::small_code(), colour);
    let size = Vec2::new(galley.size().x + 16.0, size::CODE_LINE);
    let (rect, response) = ui.allocate_exact_size(size, Sense::hover());
    ui.painter().rect(rect, 6, ground, stroke, StrokeKind::Inside);
    let at = Align2::CENTER_CENTER.anchor_size(rect.center(), galley.size()).min;
    ui.painter().galley(at, galley, colour);
    response.widget_info(|| WidgetInfo::labeled(Role::Label, true, text));
}

/// A value of an explanation: like a chip, broken where it is too long, and with its difference from another marked.
fn marked(ui: &mut Ui, value: &Value) {
    let palette = palette(ui);
    let (colour, stroke) =
        if value.amiss { (palette.bad, Stroke::new(1.5, palette.bad)) } else { (palette.text, Stroke::NONE) };
    let plain = TextFormat { font_id: theme::small_code(), color: colour, ..TextFormat::default() };
    // As wide as what it marks: the letter before it stays whole.
    let mark =
        TextFormat { color: palette.surface, background: palette.bad, expand_bg: 0.0, ..plain.clone() };
    let differs = value.differs.clone().unwrap_or(0..0);
    let mut job = LayoutJob::default();
    job.append(&value.text[..differs.start], 0.0, plain.clone());
    job.append(&value.text[differs.clone()], 0.0, mark);
    job.append(&value.text[differs.end..], 0.0, plain);
    job.wrap = TextWrapping {
        max_width: ui.available_width().max(80.0) - 16.0,
        break_anywhere: true,
        ..TextWrapping::default()
    };
    if job.wrap.max_width < 240.0 {
        // What is left of this line is too short to begin in.
        job.wrap.max_width = ui.max_rect().width() - 16.0;
    }
    let galley = ui.painter().layout_job(job);
    let lines = galley.rows.len().max(1);
    let height = size::CODE_LINE.max(galley.size().y + if lines > 1 { 6.0 } else { 0.0 });
    let (rect, response) = ui.allocate_exact_size(Vec2::new(galley.size().x + 16.0, height), Sense::hover());
    ui.painter().rect(rect, 6, palette.surface, stroke, StrokeKind::Inside);
    let at = Align2::CENTER_CENTER.anchor_size(rect.center(), galley.size()).min;
    ui.painter().galley(at, galley, colour);
    response.widget_info(|| WidgetInfo::labeled(Role::Label, true, &value.text));
}

/// A row with its label in a column of this width.
pub fn row<R>(ui: &mut Ui, label: &str, width: f32, height: f32, value: impl FnOnce(&mut Ui) -> R) -> R {
    ui.horizontal_top(|ui| {
        ui.spacing_mut().item_spacing.x = 0.0;
        let layout = egui::Layout::left_to_right(egui::Align::Center);
        ui.allocate_ui_with_layout(Vec2::new(width, height), layout, |ui| {
            ui.set_min_size(Vec2::new(width, height));
            ui.label(RichText::new(label).color(palette(ui).soft));
        });
        ui.vertical(|ui| {
            ui.spacing_mut().item_spacing.x = size::NEAR;
            value(ui)
        })
        .inner
    })
    .inner
}

/// A status on a ground that says how it went.
pub fn badge(ui: &mut Ui, text: &str, colour: Color32, ground: Color32) -> Response {
    let frame = Frame::new().fill(ground).corner_radius(7).inner_margin(Margin::symmetric(10, 4));
    let label = Label::new(RichText::new(text).font(theme::emphasis()).color(colour));
    frame.show(ui, |ui| ui.add(label)).inner
}

/// A dot that says how a thing went; `None` while it lasts.
pub fn dot(ui: &mut Ui, mark: Option<Mark>) {
    let palette = palette(ui);
    let (rect, response) = ui.allocate_exact_size(Vec2::new(14.0, size::CODE_LINE), Sense::hover());
    let colour = match mark {
        Some(Mark::Good) => palette.good,
        Some(Mark::Bad) => palette.bad,
        Some(Mark::Neutral) => palette.soft,
        None => palette.accent,
    };
    let centre = egui::pos2(rect.left() + 5.0, rect.center().y);
    if mark.is_none() {
        ui.painter().circle_filled(centre, 8.5, palette.halo);
    }
    ui.painter().circle_filled(centre, 4.5, colour);
    let name = match mark {
        Some(Mark::Good) => "Done",
        Some(Mark::Bad) => "Failed",
        Some(Mark::Neutral) => "Ended",
        None => "Under way",
    };
    response.widget_info(|| WidgetInfo::labeled(Role::Image, true, name));
}

/// What is shown while the keyring is waited for.
pub fn waiting_for_keyring(ui: &mut Ui) {
    let ground = palette(ui).sunken;
    let frame = Frame::new().fill(ground).corner_radius(9).inner_margin(Margin::symmetric(14, 8));
    frame.show(ui, |ui| {
        ui.set_width(ui.available_width());
        ui.horizontal(|ui| {
            dot(ui, None);
            ui.add(Label::new("Waiting for the keyring: it may be asking for its password.").wrap());
        });
    });
}

/// The app's mark: the keyhole of its icon.
pub fn mark(ui: &mut Ui) {
    let palette = palette(ui);
    let (rect, response) = ui.allocate_exact_size(Vec2::splat(22.0), Sense::hover());
    let painter = ui.painter();
    painter.rect_filled(rect, CornerRadius::same(7), palette.accent);
    painter.circle_filled(rect.center() - Vec2::new(0.0, 2.0), 3.6, palette.on_accent);
    let keyway = egui::Rect::from_center_size(rect.center() + Vec2::new(0.0, 3.0), Vec2::new(3.2, 7.0));
    painter.rect_filled(keyway, CornerRadius::same(1), palette.on_accent);
    response.widget_info(|| WidgetInfo::labeled(Role::Image, true, "Hallpass"));
}

/// A circle with the person's initial, where there is no picture.
pub fn initial(ui: &mut Ui, name: &str) {
    let palette = palette(ui);
    let (rect, response) = ui.allocate_exact_size(Vec2::splat(size::PICTURE), Sense::hover());
    ui.painter().circle_filled(rect.center(), size::PICTURE / 2.0, palette.accent);
    let letter: String = name.chars().next().map(|first| first.to_uppercase().collect()).unwrap_or_default();
    ui.painter().text(rect.center(), Align2::CENTER_CENTER, letter, theme::button(), palette.on_accent);
    response.widget_info(|| WidgetInfo::labeled(Role::Image, true, "Picture"));
}

/// What happened, why, and what to do; the remedy, if it was taken. `dismiss` says whether it can be closed.
pub fn explanation(ui: &mut Ui, explanation: &Explanation, dismiss: bool) -> Option<Taken> {
    let palette = palette(ui);
    let (colour, ground) = match explanation.tone {
        Tone::Refused => (palette.warning, palette.warning_ground),
        Tone::Failed => (palette.bad, palette.bad_ground),
    };
    let mut taken = None;
    let frame = Frame::new()
        .fill(ground)
        .stroke(Stroke::new(1.0, colour.gamma_multiply(0.45)))
        .corner_radius(12)
        .inner_margin(Margin::symmetric(20, 16));
    frame.show(ui, |ui| {
        ui.set_width(ui.available_width());
        ui.spacing_mut().item_spacing.y = 6.0;
        ui.label(RichText::new(&explanation.headline).font(theme::heading()).color(palette.text));
        ui.label(&explanation.cause);
        for evidence in &explanation.evidence {
            row(ui, evidence.label, 132.0, size::CODE_LINE, |ui| {
                ui.spacing_mut().interact_size.y = size::CODE_LINE;
                ui.horizontal_wrapped(|ui| {
                    ui.spacing_mut().item_spacing = Vec2::splat(5.0);
                    for value in &evidence.values {
                        // A sentence is no code.
                        if value.differs.is_none() && value.text.contains(' ') {
                            ui.label(&value.text);
                        } else {
                            marked(ui, value);
                        }
                    }
                });
            });
        }
        if let Some(reference) = explanation.reference {
            ui.label(RichText::new(reference).font(theme::small()).color(palette.soft));
        }
        if explanation.remedy.is_some() || dismiss {
            ui.add_space(6.0);
            ui.horizontal(|ui| {
                if let Some(remedy) = &explanation.remedy {
                    let wait = wait(remedy);
                    if let Some(wait) = wait {
                        super::repaint_at_next_second(ui, wait);
                    }
                    let name = remedy_name(remedy, wait);
                    let button = ui.add_enabled_ui(wait.is_none(), |ui| {
                        primary(ui, &name, Vec2::new(0.0, size::BUTTON))
                    });
                    if button.inner.on_disabled_hover_text("It asks not to be called before").clicked() {
                        taken = Some(Taken::Remedy(remedy.clone()));
                    }
                }
                if dismiss && secondary(ui, "Dismiss").clicked() {
                    taken = Some(Taken::Dismissed);
                }
            });
        }
    });
    taken
}

/// What was done about an explanation.
pub enum Taken {
    /// Its remedy.
    Remedy(Remedy),
    /// Nothing.
    Dismissed,
}

/// How long it is until a remedy helps.
fn wait(remedy: &Remedy) -> Option<Duration> {
    let Remedy::CallAgainAt(at) = remedy else { return None };
    let left = Duration::try_from(at.duration_since(Timestamp::now())).ok()?;
    (!left.is_zero()).then_some(left)
}

fn remedy_name(remedy: &Remedy, wait: Option<Duration>) -> Cow<'static, str> {
    let with = |verb: &str, what: &str, otherwise: &'static str| match what.len() {
        0..=LONGEST_NAME => Cow::from(format!("{verb} {what}")),
        _ => otherwise.into(),
    };
    let name = match (remedy, wait) {
        (Remedy::LogInAsking(step_up), _) => return asking(step_up).into(),
        (Remedy::UseUrl(url), _) => return with("Use", url, "Use this URL"),
        (Remedy::UseMethod(method), _) => return with("Use", method, "Use this method"),
        (Remedy::UseHeader(name, value), _) => {
            return with("Use", &format!("{name}: {value}"), "Use this header");
        }
        (Remedy::FillIn(Field::Issuer, value), _) => return with("Use the issuer", value, "Use this issuer"),
        (Remedy::FillIn(_, value), _) => return with("Use the audience", value, "Use this audience"),
        (Remedy::Copy(what, _), _) => return format!("Copy the {what}").into(),
        (Remedy::CallAgainAt(_), Some(wait)) => {
            let left = wait.as_secs() + 1;
            let left = if left < 120 { format!("{left} s") } else { clock(wait) };
            return format!("Call again in {left}").into();
        }
        (Remedy::LogIn, _) => "Log in again",
        (Remedy::Renew, _) => "Renew the token",
        (Remedy::Restore | Remedy::KeepAgain | Remedy::Forget, _) => "Try again",
        (Remedy::CallAgain | Remedy::CallAgainAt(_), _) => "Call again",
        (Remedy::CopyUrls(_), _) => "Copy the URLs to register",
        (Remedy::EditProfile, _) => "Edit the profile",
        (Remedy::SeeChecks, _) => "See every check",
    };
    name.into()
}

/// A login that asks for more, in words that fit a button.
fn asking(step_up: &StepUp) -> String {
    let scopes = match step_up.scopes.as_slice() {
        [] => None,
        [scope] if scope.len() <= LONGEST_SCOPE => Some(scope.clone()),
        [_] => Some("one more scope".to_owned()),
        scopes => Some(format!("{} scopes", scopes.len())),
    };
    match (step_up.acr_values.is_some(), scopes) {
        (false, None) => "Log in again".to_owned(),
        (false, Some(scopes)) => format!("Log in again asking for {scopes}"),
        (true, None) => "Log in again, more strongly".to_owned(),
        (true, Some(scopes)) => format!("Log in again, more strongly, asking for {scopes}"),
    }
}

/// A duration as people say it: `4 ms`, `1.2 s`.
pub fn took(duration: Duration) -> String {
    match duration.as_millis() {
        0 => "<1 ms".to_owned(),
        ms @ 1..1000 => format!("{ms} ms"),
        _ => format!("{:.1} s", duration.as_secs_f64()),
    }
}

/// Bytes as people say them: `94 B`, `1.2 MB`.
pub fn bytes(count: u64) -> String {
    match count {
        0..1_000 => format!("{count} B"),
        1_000..1_000_000 => format!("{:.1} KB", count as f64 / 1e3),
        1_000_000..1_000_000_000 => format!("{:.1} MB", count as f64 / 1e6),
        _ => format!("{:.2} GB", count as f64 / 1e9),
    }
}

/// Minutes and seconds: `2:48`.
pub fn clock(left: Duration) -> String {
    format!("{}:{:02}", left.as_secs() / 60, left.as_secs() % 60)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_login_that_asks_for_more_says_for_what() {
        let name = |scopes: &[&str], acr_values: Option<&str>| {
            asking(&StepUp {
                scopes: scopes.iter().map(|&scope| scope.to_owned()).collect(),
                acr_values: acr_values.map(str::to_owned),
                max_age: Some(300),
            })
        };
        assert_eq!(name(&["read:messages"], None), "Log in again asking for read:messages");
        assert_eq!(name(&["a", "b"], None), "Log in again asking for 2 scopes");
        assert_eq!(name(&[&"a".repeat(100)], None), "Log in again asking for one more scope");
        assert_eq!(name(&[], None), "Log in again");
        assert_eq!(name(&[], Some("x")), "Log in again, more strongly");
        assert_eq!(name(&["a"], Some("x")), "Log in again, more strongly, asking for a");
    }

    #[test]
    fn figures_read_as_people_say_them() {
        assert_eq!(took(Duration::from_micros(300)), "<1 ms");
        assert_eq!(took(Duration::from_millis(14_200)), "14.2 s");
        assert_eq!((bytes(94), bytes(1_234_567)), ("94 B".to_owned(), "1.2 MB".to_owned()));
        assert_eq!(clock(Duration::from_secs(168)), "2:48");
    }
}
