//! What was checked before anybody was believed to be who they are: expected, actual, passed or not, and what it is for.

use egui::text::LayoutJob;
use egui::{
    Align, Color32, Frame, Label, Layout, Margin, RichText, Role, ScrollArea, Sense, Stroke, TextFormat, Ui,
    Vec2, WidgetInfo,
};
use jiff::Timestamp;

use super::rule;
use super::session::clock;
use super::state::State;
use super::theme::{self, Palette, palette, size};
use super::widgets;
use crate::auth::verification::{Check, Name, Occasion, Outcome, Verification};

/// The width from which expected and actual stand beside each other.
const WIDE: f32 = 640.0;
/// The column with the name of a check.
const NAME: f32 = 200.0;
/// The sign before it.
const SIGN: f32 = 28.0;
/// Between columns.
const GAP: f32 = 12.0;
/// The edge of a row.
const EDGE: i8 = 6;

/// Draws the checks of the last renewal and of the last login.
pub fn show(ui: &mut Ui, state: &State) {
    let made = [&state.verification.renewal, &state.verification.login];
    ScrollArea::vertical().auto_shrink(false).id_salt("checks").show(ui, |ui| {
        Frame::new().inner_margin(Margin { left: 16, right: 16, top: 14, bottom: 16 }).show(ui, |ui| {
            for (at, made) in made.into_iter().flatten() {
                list(ui, *at, made);
                ui.add_space(size::EDGE);
            }
            if made.iter().all(|made| made.is_none()) {
                ui.label(RichText::new("Nothing checked in this run yet").font(theme::heading()));
                ui.add_space(size::NEAR);
                let text = "This session was read back as it was kept. Its checks were made when you logged in; those \
                            of the next renewal will show here.";
                ui.add(Label::new(RichText::new(text).color(palette(ui).soft)).wrap());
            }
        });
    });
}

/// Draws the checks of one login or renewal: the one that failed, then the others in order.
pub fn list(ui: &mut Ui, at: Timestamp, made: &Verification) {
    let palette = palette(ui);
    let occasion = match made.occasion {
        Occasion::Login => "login",
        Occasion::Renewal => "renewal",
    };
    ui.spacing_mut().item_spacing.y = 0.0;
    ui.horizontal_wrapped(|ui| {
        ui.label(RichText::new(format!("The {occasion} at {}", clock(at))).font(theme::heading()));
        ui.add_space(size::NEAR);
        let colour = if made.failed().is_some() { palette.bad } else { palette.good };
        ui.label(RichText::new(counted(made)).color(colour));
    });
    ui.add_space(10.0);
    let wide = ui.available_width() >= WIDE;
    if wide {
        heads(ui);
    }
    // The one that failed is what the others are looked at for.
    let failed = made.failed();
    let others = made.checks().iter().filter(|check| Some(check.name) != failed.map(|failed| failed.name));
    for check in failed.into_iter().chain(others) {
        rule(ui);
        row(ui, check, wide);
    }
}

/// What the columns hold.
fn heads(ui: &mut Ui) {
    let soft = palette(ui).soft;
    let text = |text| RichText::new(text).font(theme::small()).color(soft);
    Frame::new().inner_margin(Margin { left: EDGE, right: EDGE, top: 0, bottom: 6 }).show(ui, |ui| {
        ui.horizontal_top(|ui| {
            ui.spacing_mut().item_spacing.x = 0.0;
            column(ui, SIGN + NAME, |ui| ui.label(text("Check")));
            let half = ui.available_width() / 2.0;
            column(ui, half, |ui| ui.label(text("Expected")));
            column(ui, half, |ui| ui.label(text("Came")));
        });
    });
}

/// How many checks came to what.
fn counted(made: &Verification) -> String {
    let mut counts = [(0, "passed"), (0, "failed"), (0, "not made"), (0, "not reached")];
    for check in made.checks() {
        counts[match check.outcome {
            Outcome::Passed => 0,
            Outcome::Failed(_) => 1,
            Outcome::NotMade(_) => 2,
            Outcome::NotReached => 3,
        }]
        .0 += 1;
    }
    let said = counts.iter().filter(|(count, _)| *count > 0).map(|(count, what)| format!("{count} {what}"));
    said.collect::<Vec<_>>().join(" · ")
}

fn row(ui: &mut Ui, check: &Check, wide: bool) {
    let palette = palette(ui);
    let failed = matches!(check.outcome, Outcome::Failed(_));
    let ground = if failed { palette.bad_ground } else { Color32::TRANSPARENT };
    Frame::new().fill(ground).inner_margin(Margin { left: EDGE, right: EDGE, top: 8, bottom: 9 }).show(
        ui,
        |ui| {
            ui.set_width(ui.available_width());
            ui.spacing_mut().item_spacing = Vec2::ZERO;
            ui.spacing_mut().interact_size.y = size::CODE_LINE;
            ui.horizontal_top(|ui| {
                sign(ui, check);
                let width = if wide { NAME } else { ui.available_width() };
                column(ui, width, |ui| {
                    let colour =
                        if check.outcome == Outcome::NotReached { palette.soft } else { palette.text };
                    ui.label(line(check.name.title()).font(theme::emphasis()).color(colour))
                });
                if wide {
                    compared(ui, check);
                }
            });
            ui.horizontal_top(|ui| {
                ui.add_space(SIGN);
                ui.vertical(|ui| {
                    if !wide {
                        stacked(ui, check);
                    }
                    if let Outcome::Failed(problem) = &check.outcome {
                        ui.add(
                            Label::new(RichText::new(format!("Failed: {problem}.")).color(palette.bad))
                                .wrap(),
                        );
                    }
                    ui.add(Label::new(purpose(check.name, palette)).wrap());
                });
            });
        },
    );
}

/// A column of this width.
fn column<R>(ui: &mut Ui, width: f32, contents: impl FnOnce(&mut Ui) -> R) {
    ui.allocate_ui_with_layout(Vec2::new(width, 0.0), Layout::top_down(Align::Min), |ui| {
        ui.set_width(width);
        contents(ui);
    });
}

/// The name of what is checked in the specifications, if it has one, and what that is good for.
fn purpose(name: Name, palette: &Palette) -> LayoutJob {
    let mut job = LayoutJob::default();
    let format = |font_id| TextFormat { font_id, color: palette.soft, ..TextFormat::default() };
    if !name.term().contains(' ') {
        job.append(&format!("{}  ", name.term()), 0.0, format(theme::small_code()));
    }
    job.append(name.stops(), 0.0, format(theme::small()));
    job
}

fn line(text: &str) -> RichText {
    RichText::new(text).line_height(Some(size::CODE_LINE))
}

/// What was expected and what came beside each other, or why nothing was compared.
fn compared(ui: &mut Ui, check: &Check) {
    if let Some(note) = note(check) {
        ui.add(Label::new(line(&note).color(palette(ui).soft)).wrap());
        return;
    }
    let half = ui.available_width() / 2.0;
    for (_, text, colour) in values(check, palette(ui)) {
        column(ui, half - GAP, |ui| {
            ui.add(Label::new(line(text).font(theme::small_code()).color(colour)).wrap())
        });
        ui.add_space(GAP);
    }
}

/// The same, one below the other.
fn stacked(ui: &mut Ui, check: &Check) {
    if let Some(note) = note(check) {
        ui.add(Label::new(line(&note).color(palette(ui).soft)).wrap());
        return;
    }
    for (label, text, colour) in values(check, palette(ui)) {
        widgets::row(ui, label, 84.0, size::CODE_LINE, |ui| {
            ui.add(Label::new(line(text).font(theme::small_code()).color(colour)).wrap())
        });
    }
}

/// Why nothing was compared, if nothing was.
fn note(check: &Check) -> Option<String> {
    match &check.outcome {
        Outcome::NotMade(why) => Some(format!("Not made. {why}")),
        Outcome::NotReached => Some("Not reached.".to_owned()),
        Outcome::Passed | Outcome::Failed(_) => None,
    }
}

/// What was expected and what came, each with its label and colour.
fn values<'a>(check: &'a Check, palette: &Palette) -> [(&'static str, &'a str, Color32); 2] {
    let colour = if check.outcome == Outcome::Passed { palette.good } else { palette.bad };
    [("Expected", &check.expected, palette.text), ("Came", &check.actual, colour)]
}

/// What came of a check, as a sign and as a name for screen readers.
fn sign(ui: &mut Ui, check: &Check) {
    let palette = palette(ui);
    let (rect, response) = ui.allocate_exact_size(Vec2::new(SIGN, size::CODE_LINE), Sense::hover());
    let centre = egui::pos2(rect.left() + 9.0, rect.center().y);
    let at = |x: f32, y: f32| centre + Vec2::new(x, y);
    let (painter, pen) = (ui.painter(), Stroke::new(2.0, palette.surface));
    let word = match &check.outcome {
        Outcome::Passed => {
            painter.circle_filled(centre, 9.0, palette.good);
            painter.line(vec![at(-4.0, 0.5), at(-1.0, 3.5), at(4.5, -3.0)], pen);
            "passed"
        }
        Outcome::Failed(_) => {
            painter.circle_filled(centre, 9.0, palette.bad);
            painter.line_segment([at(-3.2, -3.2), at(3.2, 3.2)], pen);
            painter.line_segment([at(-3.2, 3.2), at(3.2, -3.2)], pen);
            "failed"
        }
        Outcome::NotMade(_) => {
            painter.circle_stroke(centre, 8.0, Stroke::new(1.5, palette.soft));
            painter.line_segment([at(-3.5, 0.0), at(3.5, 0.0)], Stroke::new(1.5, palette.soft));
            "not made"
        }
        Outcome::NotReached => {
            painter.circle_stroke(centre, 8.0, Stroke::new(1.5, palette.line));
            "not reached"
        }
    };
    let name = format!("{}: {word}", check.name.title());
    response.widget_info(|| WidgetInfo::labeled(Role::Image, true, &name));
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_the_checks_came_to_is_counted_by_what_it_was() {
        assert_eq!(counted(&Verification::of_login()), "15 not reached");
        assert_eq!(counted(&Verification::of_renewal()), "3 not made · 12 not reached");
    }
}
