//! The keys of a comparison.

use super::{
    fields::focus,
    keys::{self, Command},
    lens::Lens,
    live::Live,
    live_column::LiveColumn,
};
use leptos::prelude::*;
use web_sys::{ScrollIntoViewOptions, ScrollLogicalPosition};

/// Follows keys while the caller lives.
pub fn listen(live: Live) {
    keys::listen(move |command| act(live, command));
}

/// Says whether the command meant something here.
fn act(live: Live, command: Command) -> bool {
    let columns = live.columns();
    let Some(column) = columns.iter().find(|it| it.column_idx == it.desk.column_idx.get_untracked()) else {
        return false;
    };
    match command {
        Command::PreviousColumn => {
            column.column_idx.checked_sub(1).and_then(|idx| columns.get(idx)).into_iter().for_each(go_to)
        }
        Command::NextColumn => columns.get(column.column_idx + 1).into_iter().for_each(go_to),
        Command::PreviousSample => column.show_previous(),
        Command::NextSample => column.show_next(),
        Command::Label(verdict) => column.say(verdict),
        Command::Note => column.toggle_note(),
        Command::Undo => column.undo(),
        Command::Heat => column.toggle(Lens::Heat),
        Command::Difference if untrack(|| live.can_differ(column.column_idx)) => column.toggle(Lens::Difference),
        Command::AskOn => return focus("#on-question"),
        Command::Edit => column.edit(),
        Command::Reveal if live.head.read_untracked().is_blind() => live.reveal(),
        Command::Stop if live.progress.read_untracked().is_running() => live.stop(None),
        _ => return false,
    }
    true
}

fn go_to(column: &LiveColumn) {
    column.desk.go_to(column.column_idx);
    let Some(article) = document().get_element_by_id(&format!("column-{}", column.column_idx + 1)) else { return };
    let options = ScrollIntoViewOptions::new();
    options.set_block(ScrollLogicalPosition::Nearest);
    article.scroll_into_view_with_scroll_into_view_options(&options);
}
