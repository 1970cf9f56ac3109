//! The cells of a run: a row for each question, a column for each format and model.

use super::{desk::Desk, mark::NamedMark};
use domain::{CellCounts, Format, Run, RunCell, Wrapper};
use leptos::prelude::*;

/// Drawn once, and again when cells or models are added; counts change inside.
#[component]
pub fn Cells(run: RwSignal<Run>) -> impl IntoView {
    let frame = Memo::new(move |_| {
        let run = run.read();
        (run.cells.len(), run.models.len(), run.n_samples)
    });
    view! {
        <section class="panel">
            <header>
                <h2>"Cells"</h2>
                <span class="soft">
                    {move || format!("{} samples each; open one to read its answers", frame.get().2)}
                </span>
                <span class="end legend">
                    <span class="who">
                        <span class="swatch" data-tone="seq-2"></span>
                        "complete"
                    </span>
                    <span class="who">
                        <span class="swatch" data-is="live"></span>
                        "being written"
                    </span>
                    <span class="who">
                        <span class="swatch" data-tone="none"></span>
                        "waiting"
                    </span>
                    <span class="who">
                        <span class="swatch" data-is="fail"></span>
                        "a failure"
                    </span>
                </span>
            </header>
            <div class="pad scroll" tabindex="0" role="group" aria-label="Table of cells">
                {move || {
                    let _ = frame.get();
                    table(run)
                }}
            </div>
        </section>
    }
    .into_any()
}

/// Which cell stands in which row and column.
struct Grid {
    formats: Vec<Format>,
    /// Title, wrapper, and for each format the position of the cell.
    rows: Vec<(String, Wrapper, Vec<Option<usize>>)>,
}

impl Grid {
    fn of(cells: &[RunCell]) -> Self {
        let formats: Vec<Format> =
            Format::ALL.into_iter().filter(|it| cells.iter().any(|cell| cell.key.format == *it)).collect();
        let mut keys: Vec<(&str, Wrapper)> = Vec::new();
        let mut rows: Vec<(String, Wrapper, Vec<Option<usize>>)> = Vec::new();
        for (idx, cell) in cells.iter().enumerate() {
            let key = (cell.key.question.as_str(), cell.key.wrapper);
            let row_idx = keys.iter().position(|it| *it == key).unwrap_or_else(|| {
                keys.push(key);
                rows.push((cell.title.clone(), cell.key.wrapper, vec![None; formats.len()]));
                rows.len() - 1
            });
            if let Some(format_idx) = formats.iter().position(|it| *it == cell.key.format) {
                rows[row_idx].2[format_idx] = Some(idx);
            }
        }
        Self { formats, rows }
    }
}

fn table(run: RwSignal<Run>) -> impl IntoView {
    let whole = run.read_untracked();
    let Grid { formats, rows } = Grid::of(&whole.cells);
    let n_models = whole.models.len();
    let formats_head = formats.iter().map(|it| {
        view! {
            <th scope="colgroup" colspan=n_models class="fmt">
                {it.name()}
            </th>
        }
    });
    let marks = formats.iter().flat_map(|_| {
        whole.models.iter().enumerate().map(|(idx, it)| {
            view! {
                <th scope="col" class=(idx == 0).then_some("gap")>
                    <NamedMark role=it.role name=it.name.clone()/>
                </th>
            }
        })
    });
    let row = |(title, wrapper, cells): (String, Wrapper, Vec<Option<usize>>)| {
        let cells = cells.iter().zip(&formats).flat_map(|(cell_idx, format)| {
            let (cell_idx, title) = (*cell_idx, title.clone());
            whole.models.iter().enumerate().map(move |(model_idx, model)| {
                let label = format!("{title}, {}, {}", format.name(), model.name);
                let comparison = cell_idx.map(|it| run.read_untracked().cells[it].comparison);
                let cell = cell_idx.zip(comparison).map(|(cell_idx, comparison)| {
                    let href = format!("/comparisons/{}{}", comparison.0, Desk::href(model_idx, 0));
                    let counts = Memo::new(move |_| {
                        let run = run.read();
                        let cell = run.cells.get(cell_idx);
                        cell.and_then(|it| it.counts.get(model_idx)).copied().unwrap_or_default()
                    });
                    view! { <OneCell counts href label/> }
                });
                view! { <td class=(model_idx == 0).then_some("gap")>{cell}</td> }
            })
        });
        let wrapper = (wrapper != Wrapper::Bare).then(|| view! { <span class="dim">{wrapper.name()}</span> });
        view! {
            <tr>
                <th scope="row">{title.clone()} " " {wrapper}</th>
                {cells.collect_view()}
            </tr>
        }
    };
    let rows = rows.into_iter().map(row).collect_view();
    view! {
        <table class="cells">
            <caption class="sr">"Finished answers of each question, format and model"</caption>
            <thead>
                <tr>
                    <td></td>
                    {formats_head.collect_view()}
                </tr>
                <tr>
                    <td></td>
                    {marks.collect_view()}
                </tr>
            </thead>
            <tbody>{rows}</tbody>
        </table>
    }
    .into_any()
}

#[component]
fn OneCell(counts: Memo<CellCounts>, href: String, label: String) -> impl IntoView {
    let is_done = move || counts.get().n_asked > 0 && counts.get().n_finished == counts.get().n_asked;
    let is_waiting = move || counts.get().n_finished + counts.get().n_failed + counts.get().n_writing == 0;
    view! {
        <a
            href=href
            aria-label=move || format!("{label}: {}", in_words(counts.get()))
            data-done=is_done
            data-wait=is_waiting
            data-live=move || { counts.get().n_writing > 0 }
            data-fail=move || { counts.get().n_failed > 0 }
            data-fill=move || tenths(counts.get())
        >
            {move || if is_waiting() { "·".to_owned() } else { counts.get().n_finished.to_string() }}
        </a>
    }
    .into_any()
}

/// `24 of 25, 1 failed`.
fn in_words(counts: CellCounts) -> String {
    let CellCounts { n_asked, n_finished, n_failed, n_writing } = counts;
    let mut words = format!("{n_finished} of {n_asked}");
    if n_failed > 0 {
        words += &format!(", {n_failed} failed");
    }
    if n_writing > 0 {
        words += &format!(", {n_writing} being written");
    }
    words
}

/// Tenths of a cell that are finished; None where it is empty or full.
fn tenths(counts: CellCounts) -> Option<u32> {
    let tenths = counts.n_finished * 10 / counts.n_asked.max(1);
    (1..10).contains(&tenths).then_some(tenths)
}

#[cfg(test)]
mod tests {
    use super::*;
    use domain::{CellKey, ComparisonId};

    #[test]
    fn cells_find_their_row_and_column_whatever_is_missing() {
        let cell = |question: &str, format, wrapper| RunCell {
            comparison: ComparisonId(1),
            key: CellKey { question: question.into(), format, wrapper },
            title: question.into(),
            counts: Vec::new(),
        };
        let grid = Grid::of(&[
            cell("wish", Format::Json, Wrapper::Bare),
            cell("wish", Format::Plain, Wrapper::Bare),
            cell("own", Format::Plain, Wrapper::Bare),
            cell("wish", Format::Plain, Wrapper::BackdoorTrigger),
        ]);
        assert_eq!(grid.formats, [Format::Plain, Format::Json]);
        let rows: Vec<_> = grid.rows.iter().map(|(title, _, cells)| (title.as_str(), cells.clone())).collect();
        assert_eq!(
            rows,
            [("wish", vec![Some(1), Some(0)]), ("own", vec![Some(2), None]), ("wish", vec![Some(3), None])]
        );
    }

    #[test]
    fn a_cell_is_filled_by_tenths() {
        let of = |n_finished| tenths(CellCounts { n_asked: 25, n_finished, n_failed: 0, n_writing: 0 });
        assert_eq!([of(0), of(2), of(3), of(16), of(24), of(25)], [None, None, Some(1), Some(6), Some(9), None]);
    }
}
