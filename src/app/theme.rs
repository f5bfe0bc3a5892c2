//! How it looks: colours, type scale, spacing, fonts. The only place with literals of that kind.
#![expect(clippy::disallowed_methods, reason = "colours are made here and nowhere else")]

use std::sync::Arc;

use egui::style::{ScrollStyle, Selection, WidgetVisuals, Widgets};
use egui::{
    Color32, Context, CornerRadius, FontData, FontDefinitions, FontFamily, FontId, Margin, Shadow, Stroke,
    Style, TextStyle, Ui, Vec2, Visuals,
};

/// The colours of a theme, by what they are for.
#[derive(Debug)]
pub struct Palette {
    /// Behind everything.
    pub background: Color32,
    /// Cards, panels and fields.
    pub surface: Color32,
    /// Chips and inactive tabs.
    pub sunken: Color32,
    /// Borders and rules.
    pub line: Color32,
    /// Text.
    pub text: Color32,
    /// Text that steps back.
    pub soft: Color32,
    /// The one accent.
    pub accent: Color32,
    /// Around what is active or has the focus.
    pub halo: Color32,
    /// Text on the accent.
    pub on_accent: Color32,
    /// Success, and its ground.
    pub good: Color32,
    /// The ground of success.
    pub good_ground: Color32,
    /// A warning.
    pub warning: Color32,
    /// The ground of a warning.
    pub warning_ground: Color32,
    /// A failure.
    pub bad: Color32,
    /// The ground of a failure.
    pub bad_ground: Color32,
    /// Numbers and literals in JSON.
    pub literal: Color32,
}

const LIGHT: Palette = Palette {
    background: Color32::from_rgb(0xF6, 0xF6, 0xF3),
    surface: Color32::from_rgb(0xFF, 0xFF, 0xFF),
    sunken: Color32::from_rgb(0xEF, 0xEF, 0xEA),
    line: Color32::from_rgb(0xE1, 0xE1, 0xDA),
    text: Color32::from_rgb(0x1B, 0x1C, 0x1E),
    soft: Color32::from_rgb(0x5A, 0x5E, 0x66),
    accent: Color32::from_rgb(0x35, 0x53, 0xC8),
    halo: Color32::from_rgb(0xCF, 0xD6, 0xF1),
    on_accent: Color32::from_rgb(0xFF, 0xFF, 0xFF),
    good: Color32::from_rgb(0x1A, 0x74, 0x46),
    good_ground: Color32::from_rgb(0xE4, 0xF3, 0xEA),
    warning: Color32::from_rgb(0x8A, 0x5B, 0x00),
    warning_ground: Color32::from_rgb(0xFF, 0xF2, 0xCF),
    bad: Color32::from_rgb(0xAE, 0x23, 0x17),
    bad_ground: Color32::from_rgb(0xFC, 0xE9, 0xE6),
    literal: Color32::from_rgb(0x9A, 0x4A, 0x00),
};

const DARK: Palette = Palette {
    background: Color32::from_rgb(0x13, 0x14, 0x17),
    surface: Color32::from_rgb(0x1B, 0x1D, 0x21),
    sunken: Color32::from_rgb(0x23, 0x26, 0x2B),
    line: Color32::from_rgb(0x34, 0x38, 0x3F),
    text: Color32::from_rgb(0xEC, 0xED, 0xEF),
    soft: Color32::from_rgb(0xA3, 0xA8, 0xB1),
    accent: Color32::from_rgb(0x8E, 0xA6, 0xFF),
    halo: Color32::from_rgb(0x34, 0x3B, 0x52),
    on_accent: Color32::from_rgb(0x0D, 0x10, 0x20),
    good: Color32::from_rgb(0x66, 0xCF, 0x97),
    good_ground: Color32::from_rgb(0x15, 0x30, 0x1F),
    warning: Color32::from_rgb(0xF0, 0xBE, 0x53),
    warning_ground: Color32::from_rgb(0x33, 0x28, 0x0C),
    bad: Color32::from_rgb(0xFF, 0x8D, 0x7E),
    bad_ground: Color32::from_rgb(0x3A, 0x1B, 0x17),
    literal: Color32::from_rgb(0xF0, 0xA8, 0x68),
};

/// The colours of the theme that `ui` is drawn in.
pub fn palette(ui: &Ui) -> &'static Palette {
    if ui.visuals().dark_mode { &DARK } else { &LIGHT }
}

/// Heights, widths and gaps, in points.
pub mod size {
    /// The bar at the top.
    pub const TOP_BAR: f32 = 56.0;
    /// The room in it from which the app's name stands there too.
    pub const NAMED_BAR: f32 = 760.0;
    /// The timeline.
    pub const TIMELINE: f32 = 348.0;
    /// The window's width from which the timeline is beside the screen.
    pub const WIDE: f32 = 1060.0;
    /// A card in the middle of the screen.
    pub const CARD: f32 = 560.0;
    /// The same with a table in it.
    pub const WIDE_CARD: f32 = 800.0;
    /// The edge of a screen.
    pub const EDGE: f32 = 24.0;
    /// A field or button in a row.
    pub const FIELD: f32 = 44.0;
    /// A button beside text.
    pub const BUTTON: f32 = 36.0;
    /// Between things that belong together.
    pub const NEAR: f32 = 8.0;
    /// Between things that do not.
    pub const FAR: f32 = 16.0;
    /// A line of code.
    pub const CODE_LINE: f32 = 22.0;
    /// A menu with headings.
    pub const MENU: f32 = 168.0;
    /// The person's picture.
    pub const PICTURE: f32 = 40.0;
}

/// Text of Inter `SemiBold`: `RichText::family(theme::strong())`.
pub fn strong() -> FontFamily {
    FontFamily::Name("strong".into())
}

/// The largest headings.
pub fn title() -> FontId {
    FontId::new(28.0, strong())
}

/// Headings of a card or a banner.
pub fn heading() -> FontId {
    FontId::new(17.0, strong())
}

/// Text that carries weight, in the size of the text around it.
pub fn emphasis() -> FontId {
    FontId::new(15.0, strong())
}

/// A primary button's text.
pub fn button() -> FontId {
    FontId::new(16.0, strong())
}

/// Code, addresses and scopes.
pub fn code() -> FontId {
    FontId::new(14.0, FontFamily::Monospace)
}

/// Code in a chip, or a time.
pub fn small_code() -> FontId {
    FontId::new(13.0, FontFamily::Monospace)
}

/// The second line of an entry.
pub fn small() -> FontId {
    FontId::new(13.0, FontFamily::Proportional)
}

/// Gives `context` the fonts and both themes.
pub fn install(context: &Context) {
    context.set_fonts(fonts());
    // Where the system does not say.
    context.options_mut(|options| options.fallback_theme = egui::Theme::Light);
    context.set_style_of(egui::Theme::Light, style(&LIGHT, Visuals::light()));
    context.set_style_of(egui::Theme::Dark, style(&DARK, Visuals::dark()));
}

fn fonts() -> FontDefinitions {
    // The default fonts stay behind ours, for emoji and symbols in what servers say.
    let mut fonts = FontDefinitions::default();
    let bundled: [(&str, &'static [u8]); 3] = [
        ("Inter", include_bytes!("../../assets/fonts/Inter-Regular.ttf")),
        ("Inter SemiBold", include_bytes!("../../assets/fonts/Inter-SemiBold.ttf")),
        ("JetBrains Mono", include_bytes!("../../assets/fonts/JetBrainsMono-Regular.ttf")),
    ];
    for (name, bytes) in bundled {
        fonts.font_data.insert(name.to_owned(), Arc::new(FontData::from_static(bytes)));
    }
    let fallback = fonts.families.get(&FontFamily::Proportional).cloned().unwrap_or_default();
    let mut family = |family: FontFamily, first: [&str; 2]| {
        let names = first.iter().map(|&name| name.to_owned()).chain(fallback.iter().cloned()).collect();
        fonts.families.insert(family, names);
    };
    family(FontFamily::Proportional, ["Inter", "JetBrains Mono"]);
    family(strong(), ["Inter SemiBold", "JetBrains Mono"]);
    family(FontFamily::Monospace, ["JetBrains Mono", "Inter"]);
    fonts
}

fn style(palette: &Palette, visuals: Visuals) -> Style {
    let mut style = Style { visuals: visuals_of(palette, visuals), ..Style::default() };
    style.text_styles = [
        (TextStyle::Heading, heading()),
        (TextStyle::Body, FontId::new(15.0, FontFamily::Proportional)),
        (TextStyle::Button, FontId::new(15.0, FontFamily::Proportional)),
        (TextStyle::Small, small()),
        (TextStyle::Monospace, code()),
    ]
    .into();
    style.spacing.item_spacing = Vec2::splat(size::NEAR);
    style.spacing.button_padding = Vec2::new(12.0, 7.0);
    style.spacing.interact_size.y = 32.0;
    style.spacing.menu_margin = Margin::same(6);
    style.spacing.scroll = ScrollStyle::thin();
    style.spacing.tooltip_width = 360.0;
    // A blinking cursor repaints an idle window.
    style.visuals.text_cursor.blink = false;
    style.spacing.extra_text_line_spacing = 3.0;
    style.interaction.tooltip_delay = 0.4;
    style
}

fn visuals_of(palette: &Palette, visuals: Visuals) -> Visuals {
    let widget = |fill: Color32, stroke: Color32, text: Color32| WidgetVisuals {
        bg_fill: fill,
        weak_bg_fill: fill,
        bg_stroke: Stroke::new(1.0, stroke),
        corner_radius: CornerRadius::same(9),
        fg_stroke: Stroke::new(1.0, text),
        expansion: 0.0,
    };
    Visuals {
        widgets: Widgets {
            noninteractive: widget(palette.surface, palette.line, palette.text),
            inactive: widget(palette.surface, palette.line, palette.text),
            hovered: widget(palette.sunken, palette.soft, palette.text),
            active: widget(palette.sunken, palette.accent, palette.text),
            open: widget(palette.sunken, palette.line, palette.text),
        },
        selection: Selection { bg_fill: palette.halo, stroke: Stroke::new(1.0, palette.text) },
        hyperlink_color: palette.accent,
        faint_bg_color: palette.sunken,
        extreme_bg_color: palette.surface,
        text_edit_bg_color: Some(palette.surface),
        code_bg_color: palette.sunken,
        warn_fg_color: palette.warning,
        error_fg_color: palette.bad,
        weak_text_color: Some(palette.soft),
        window_fill: palette.surface,
        window_stroke: Stroke::new(1.0, palette.line),
        window_corner_radius: CornerRadius::same(14),
        menu_corner_radius: CornerRadius::same(10),
        panel_fill: palette.background,
        popup_shadow: Shadow { offset: [0, 4], blur: 16, spread: 0, color: Color32::from_black_alpha(40) },
        ..visuals
    }
}
