//! Where a person is on the page of a comparison: in which column, and at which sample of each.

use leptos::prelude::*;
use leptos_router::params::ParamsMap;

#[derive(Clone, Copy)]
pub struct Desk {
    /// The column that keys act on.
    pub column_idx: RwSignal<usize>,
    sample_idxs: RwSignal<Vec<usize>>,
    /// Whether each column goes on when one asks on.
    going_on: RwSignal<Vec<bool>>,
    /// The answer that is being changed, by column and sample.
    edited: RwSignal<Option<(usize, usize)>>,
}

impl Desk {
    /// At the first samples, except where the URL names one, as links to a sample do, and to change one.
    pub fn new(n_columns: usize, query: &ParamsMap) -> Self {
        let number =
            |name| query.get_str(name).and_then(|it| it.parse::<usize>().ok()).and_then(|it| it.checked_sub(1));
        let mut sample_idxs = vec![0; n_columns];
        let column_idx = number("column").filter(|it| *it < n_columns).unwrap_or_default();
        if let (Some(shown), Some(sample_idx)) = (sample_idxs.get_mut(column_idx), number("sample")) {
            *shown = sample_idx;
        }
        let is_edited = query.get_str("edit").is_some() && column_idx < n_columns;
        let edited = is_edited.then(|| (column_idx, sample_idxs[column_idx]));
        Self {
            column_idx: RwSignal::new(column_idx),
            sample_idxs: RwSignal::new(sample_idxs),
            going_on: RwSignal::new(vec![true; n_columns]),
            edited: RwSignal::new(edited),
        }
    }

    /// What a link to a sample has as its query.
    pub fn href(column_idx: usize, sample_idx: usize) -> String {
        let (column, sample) = (column_idx + 1, sample_idx + 1);
        format!("?column={column}&sample={sample}#column-{column}")
    }

    /// What a link that opens a sample to be changed has as its query.
    pub fn edit_href(column_idx: usize, sample_idx: usize) -> String {
        let (column, sample) = (column_idx + 1, sample_idx + 1);
        format!("?column={column}&sample={sample}&edit=on#column-{column}")
    }

    pub fn sample_idx(self, column_idx: usize) -> usize {
        self.sample_idxs.with(|it| it.get(column_idx).copied().unwrap_or_default())
    }

    pub fn show(self, column_idx: usize, sample_idx: usize) {
        self.sample_idxs.update(|it| it[column_idx] = sample_idx);
    }

    pub fn goes_on(self, column_idx: usize) -> bool {
        self.going_on.with(|it| it.get(column_idx).copied().unwrap_or_default())
    }

    pub fn go_on(self, column_idx: usize, goes_on: bool) {
        self.going_on.update(|it| it[column_idx] = goes_on);
    }

    /// Leaves all other columns out.
    pub fn only_goes_on(self, column_idx: usize) {
        self.going_on.update(|it| it.iter_mut().enumerate().for_each(|(idx, goes_on)| *goes_on = idx == column_idx));
    }

    pub fn is_edited(self, column_idx: usize, sample_idx: usize) -> bool {
        self.edited.get() == Some((column_idx, sample_idx))
    }

    /// Opens one answer to be changed; what was typed into another one is gone.
    pub fn edit(self, column_idx: usize, sample_idx: usize) {
        self.edited.set(Some((column_idx, sample_idx)));
    }

    pub fn stop_editing(self) {
        self.edited.set(None);
    }

    /// Makes a column the one that keys act on; the one it is already stays so without a ripple.
    pub fn go_to(self, column_idx: usize) {
        if self.column_idx.get_untracked() != column_idx {
            self.column_idx.set(column_idx);
        }
    }
}
