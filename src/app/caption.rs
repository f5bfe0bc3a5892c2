//! The caption of the presentation: what is happening, in a sentence that can be read from the back of a room.

use egui::{FontId, Label, RichText, Ui};

use super::state::{Call, State};
use super::theme;
use crate::api::response::Response;

/// Draws it.
pub fn show(ui: &mut Ui, state: &State) {
    let (step, text) = now(state);
    ui.horizontal_centered(|ui| {
        ui.spacing_mut().item_spacing.x = 16.0;
        let palette = theme::palette(ui);
        ui.label(RichText::new(step).font(FontId::new(26.0, theme::strong())).color(palette.accent));
        ui.add(Label::new(RichText::new(text).font(FontId::new(20.0, theme::strong()))).wrap());
    });
}

/// The step that is under way, and what it is.
fn now(state: &State) -> (&'static str, String) {
    let said = |step, text: &str| (step, text.to_owned());
    if let Some(attempt) = &state.login {
        return match (
            &attempt.waiting,
            state.history.of(attempt.task).any(|entry| entry.title == "You came back"),
        ) {
            (Some(_), _) => {
                said("3", "In the browser, you log in at the provider. Hallpass never sees the password.")
            }
            (None, true) => said("4", "Hallpass exchanges the code for tokens, and verifies who logged in."),
            (None, false) => said(
                "2",
                "Hallpass finds the provider, makes a secret for this login, and opens the browser.",
            ),
        };
    }
    let Some(logged_in) = &state.session else {
        return said("1", "Nobody is logged in yet. Log in opens the browser.");
    };
    match &state.call {
        _ if logged_in.is_being_renewed() => {
            said("↻", "The access token is renewed: the refresh token buys a new one.")
        }
        Call::None | Call::Asking { .. } => {
            said("5", "Logged in. The access token goes along with each call to the API.")
        }
        Call::Upcoming(_) | Call::Running { .. } => {
            said("6", "The API checks the token: who made it, for whom, for how long, for what.")
        }
        Call::Ended { explanation: Some(explanation), .. } => {
            ("7", format!("{}.", explanation.headline.trim_end_matches('.')))
        }
        Call::Ended { response: Some(response), .. } => ("7", answered(response)),
        Call::Ended { .. } => said("7", "No answer came."),
    }
}

fn answered(response: &Response) -> String {
    let line = response.status_line();
    if response.status.is_success() && response.with_token {
        format!("The API took the token, and answered {line}.")
    } else {
        format!("The API answered {line}.")
    }
}
