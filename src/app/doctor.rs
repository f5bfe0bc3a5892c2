//! The doctor: each check of the setup as it is made, with its fix where it did not pass.

use std::time::Duration;

use egui::{
    Align, Frame, Label, Layout, Margin, RichText, Role, ScrollArea, Sense, Stroke, Ui, Vec2, WidgetInfo,
};

use super::state::{Action, State, Work};
use super::theme::{self, palette, size};
use super::widgets::{self, Taken};
use super::{remedied, rule};
use crate::auth::session::StepUp;
use crate::doctor::{Check, Finding, Outcome, Part, Summary, told};

/// The width of the checks' names.
const NAME: f32 = 148.0;
/// The width below which the buttons stand under what is said.
const NARROW: f32 = 560.0;
/// The sign of an outcome.
const SIGN: f32 = 20.0;
/// Between the sign and the name.
const GAP: f32 = 12.0;

/// Draws the screen.
pub fn show(ui: &mut Ui, actions: &mut Vec<Action>, state: &State, findings: &[Finding]) {
    ScrollArea::vertical().auto_shrink(false).show(ui, |ui| {
        Frame::new().inner_margin(Margin::symmetric(36, 28)).show(ui, |ui| {
            ui.set_max_width(860.0_f32.min(ui.available_width()));
            ui.spacing_mut().item_spacing.y = size::NEAR;
            ui.label(RichText::new("Doctor").font(theme::title()));
            let about = format!(
                "Can a login and a call work with the profile {}? Nobody is logged in, and nothing is changed.",
                state.profile().name
            );
            ui.add(Label::new(RichText::new(about).color(palette(ui).soft)).wrap());
            ui.add_space(size::NEAR);
            whole(ui, actions, state, findings);
            for part in Part::ALL {
                ui.add_space(size::FAR);
                ui.label(RichText::new(part.name()).font(theme::heading()));
                self::part(ui, actions, state, findings, part);
            }
        });
    });
}

/// How it went as a whole, and what to do next.
fn whole(ui: &mut Ui, actions: &mut Vec<Action>, state: &State, findings: &[Finding]) {
    let (palette, summary) = (palette(ui), Summary::of(findings));
    let runs = state.is_running(Work::Examine);
    let (text, colour, ground) = match summary {
        _ if runs => ("Checking…".to_owned(), palette.accent, palette.surface),
        Summary { failed: 1, .. } => ("One check failed".to_owned(), palette.bad, palette.bad_ground),
        Summary { failed: 2.., .. } => {
            (format!("{} checks failed", summary.failed), palette.bad, palette.bad_ground)
        }
        Summary { warnings: 1, .. } => {
            ("This can work, with one warning".to_owned(), palette.warning, palette.warning_ground)
        }
        Summary { warnings: 2.., .. } => {
            let text = format!("This can work, with {} warnings", summary.warnings);
            (text, palette.warning, palette.warning_ground)
        }
        _ => ("Everything is in order".to_owned(), palette.good, palette.good_ground),
    };
    let counted = if runs {
        format!("{} of {} checks made", findings.len(), Check::ALL.len())
    } else {
        told::summary(summary)
    };
    let frame = Frame::new()
        .fill(ground)
        .stroke(Stroke::new(1.0, colour.gamma_multiply(0.45)))
        .corner_radius(12)
        .inner_margin(Margin::symmetric(20, 16));
    frame.show(ui, |ui| {
        ui.set_width(ui.available_width());
        let said = |ui: &mut Ui| {
            ui.with_layout(Layout::top_down(Align::Min), |ui| {
                ui.spacing_mut().item_spacing.y = 2.0;
                ui.add(Label::new(RichText::new(text).font(theme::heading()).color(palette.text)).wrap());
                let counted = RichText::new(counted).font(theme::small()).color(palette.text);
                ui.add(Label::new(counted).wrap());
            });
        };
        let can_log_in = !runs && summary.failed == 0 && state.session.is_none();
        if ui.available_width() < NARROW {
            said(ui);
            ui.horizontal_wrapped(|ui| {
                ways_on(ui, actions, state, findings, runs, can_log_in);
            });
        } else {
            ui.horizontal(|ui| {
                ui.with_layout(Layout::right_to_left(Align::Center), |ui| {
                    ways_on(ui, actions, state, findings, runs, can_log_in);
                    said(ui);
                });
            });
        }
    });
}

/// What can be done next.
fn ways_on(
    ui: &mut Ui,
    actions: &mut Vec<Action>,
    state: &State,
    findings: &[Finding],
    runs: bool,
    can_log_in: bool,
) {
    ui.spacing_mut().item_spacing.x = size::NEAR;
    if widgets::secondary(ui, "Close").on_hover_text("Esc").clicked() {
        actions.push(Action::CloseDoctor);
    }
    let copy = ui.add_enabled_ui(!runs, |ui| widgets::secondary(ui, "Copy as text")).inner;
    if copy.on_hover_text("All of it, to send to whoever can help").clicked() {
        actions.push(Action::Copy(told::all(&state.profile().name, findings)));
    }
    let again = ui.add_enabled_ui(!runs, |ui| widgets::secondary(ui, "Check again")).inner;
    if again.on_hover_text("Ctrl+D").clicked() {
        actions.push(Action::Examine);
    }
    if can_log_in && widgets::primary(ui, "Log in", Vec2::new(0.0, size::BUTTON)).clicked() {
        actions.push(Action::LogIn(StepUp::default()));
    }
}

/// The checks of a part, those that are still to come too.
fn part(ui: &mut Ui, actions: &mut Vec<Action>, state: &State, findings: &[Finding], part: Part) {
    let palette = palette(ui);
    let frame = Frame::new()
        .fill(palette.surface)
        .stroke(Stroke::new(1.0, palette.line))
        .corner_radius(12)
        .inner_margin(Margin::symmetric(20, 6));
    frame.show(ui, |ui| {
        ui.set_width(ui.available_width());
        ui.spacing_mut().item_spacing.y = 0.0;
        let checks = Check::ALL.into_iter().enumerate().filter(|(_, check)| check.part() == part);
        for (nth, (index, check)) in checks.enumerate() {
            if nth > 0 {
                rule(ui);
            }
            // An id of its own: a finding that comes in above must not make other buttons of these.
            ui.push_id(check.id(), |ui| {
                ui.add_space(8.0);
                match findings.get(index) {
                    Some(finding) => made(ui, actions, state, finding),
                    None => to_come(ui, check, state.is_running(Work::Examine) && index == findings.len()),
                }
                ui.add_space(8.0);
            });
        }
    });
}

fn made(ui: &mut Ui, actions: &mut Vec<Action>, state: &State, finding: &Finding) {
    let palette = palette(ui);
    line(ui, finding.check, palette.text, Sign::from(&finding.outcome), |ui| {
        ui.with_layout(Layout::right_to_left(Align::Min), |ui| {
            // What takes no time says nothing by it.
            if finding.took >= Duration::from_millis(1) {
                let took = RichText::new(widgets::took(finding.took)).font(theme::small_code());
                ui.label(took.line_height(Some(size::CODE_LINE)).color(palette.soft));
            }
            ui.with_layout(Layout::top_down(Align::Min), |ui| {
                let found = finding.found.iter().map(String::as_str);
                let because = match finding.outcome {
                    Outcome::Skipped(because) => Some(because),
                    _ => None,
                };
                for text in found.chain(because) {
                    let text = RichText::new(text).size(14.0).color(palette.soft);
                    ui.add(Label::new(text.line_height(Some(size::CODE_LINE))).wrap());
                }
            });
        });
    });
    if let Some(fix) = finding.fix() {
        ui.add_space(size::NEAR);
        let indent = Margin { left: INDENT, ..Margin::ZERO };
        Frame::new().inner_margin(indent).show(ui, |ui| {
            if let Some(Taken::Remedy(remedy)) = widgets::explanation(ui, fix, false) {
                actions.push(remedied(remedy, state));
            }
        });
    }
}

/// Where a check's name begins.
#[expect(clippy::cast_possible_truncation, reason = "margins are whole points")]
const INDENT: i8 = (SIGN + GAP) as i8;

fn to_come(ui: &mut Ui, check: Check, now: bool) {
    let palette = palette(ui);
    let colour = if now { palette.text } else { palette.soft };
    line(ui, check, colour, Sign::of_what_is_to_come(now), |ui| {
        if now {
            let text = RichText::new("Under way…").size(14.0).color(palette.soft);
            ui.label(text.line_height(Some(size::CODE_LINE)));
        }
    });
}

fn line(ui: &mut Ui, check: Check, colour: egui::Color32, sign: Sign, found: impl FnOnce(&mut Ui)) {
    ui.horizontal_top(|ui| {
        ui.spacing_mut().item_spacing.x = 0.0;
        ui.spacing_mut().interact_size.y = size::CODE_LINE;
        sign.show(ui);
        ui.add_space(GAP);
        let layout = Layout::left_to_right(Align::Center);
        ui.allocate_ui_with_layout(Vec2::new(NAME, size::CODE_LINE), layout, |ui| {
            ui.set_min_size(Vec2::new(NAME, size::CODE_LINE));
            ui.label(RichText::new(check.name()).font(theme::emphasis()).color(colour));
        });
        found(ui);
    });
}

/// What stands before a check.
#[derive(Clone, Copy)]
enum Sign {
    Passed,
    Warning,
    Failed,
    Skipped,
    Now,
    ToCome,
}

impl From<&Outcome> for Sign {
    fn from(outcome: &Outcome) -> Self {
        match outcome {
            Outcome::Passed => Self::Passed,
            Outcome::Warning(_) => Self::Warning,
            Outcome::Failed(_) => Self::Failed,
            Outcome::Skipped(_) => Self::Skipped,
        }
    }
}

impl Sign {
    fn of_what_is_to_come(now: bool) -> Self {
        if now { Self::Now } else { Self::ToCome }
    }

    /// A tick, an exclamation mark, a cross or a dash in a circle; a dot while it lasts; an empty circle before.
    fn show(self, ui: &mut Ui) {
        let palette = palette(ui);
        let (rect, response) = ui.allocate_exact_size(Vec2::new(SIGN, size::CODE_LINE), Sense::hover());
        let (centre, painter) = (rect.center(), ui.painter());
        let at = |x: f32, y: f32| centre + Vec2::new(x, y);
        let circle = |ground| painter.circle_filled(centre, SIGN / 2.0, ground);
        let stroke = |colour| Stroke::new(2.0, colour);
        let name = match self {
            Self::Passed => {
                circle(palette.good_ground);
                painter.line(vec![at(-4.0, 0.5), at(-1.2, 3.3), at(4.2, -2.8)], stroke(palette.good));
                "Passed"
            }
            Self::Warning => {
                circle(palette.warning_ground);
                painter.line_segment([at(0.0, -4.6), at(0.0, 1.2)], stroke(palette.warning));
                painter.circle_filled(at(0.0, 4.2), 1.3, palette.warning);
                "Warning"
            }
            Self::Failed => {
                circle(palette.bad_ground);
                painter.line_segment([at(-3.2, -3.2), at(3.2, 3.2)], stroke(palette.bad));
                painter.line_segment([at(-3.2, 3.2), at(3.2, -3.2)], stroke(palette.bad));
                "Failed"
            }
            Self::Skipped => {
                circle(palette.sunken);
                painter.line_segment([at(-3.6, 0.0), at(3.6, 0.0)], stroke(palette.soft));
                "Skipped"
            }
            Self::Now => {
                circle(palette.halo);
                painter.circle_filled(centre, 4.5, palette.accent);
                "Under way"
            }
            Self::ToCome => {
                painter.circle_stroke(centre, SIGN / 2.0 - 1.0, Stroke::new(1.5, palette.line));
                "Still to come"
            }
        };
        response.widget_info(|| WidgetInfo::labeled(Role::Image, true, name));
    }
}
