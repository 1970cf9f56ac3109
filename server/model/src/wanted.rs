//! Which tokens of a step need logits, and what for.

use engine::Row;
use tch::Tensor;

use crate::packed::Outputs;

/// Indices among the tokens of all rows, laid end to end.
pub struct Wanted {
    /// The last tokens of the rows that draw, then the tokens whose followers are targets.
    pub outputs: Vec<i64>,
    n_draws: i64,
}

impl Wanted {
    /// What the rows ask for.
    pub fn of(rows: &[Row]) -> Wanted {
        let draws = placed(rows).filter(|(_, row)| row.draw.is_some()).map(|(start, row)| last(start, row));
        let mut outputs: Vec<i64> = draws.collect();
        let n_draws = outputs.len() as i64;
        outputs.extend(placed(rows).flat_map(|(start, row)| {
            let (first, n_targets) = row.targets.as_ref().map_or((0, 0), |it| (i64::from(it.first), it.tokens.len()));
            start + first..start + first + n_targets as i64
        }));
        Wanted { outputs, n_draws }
    }

    /// The same of every row, whatever it asks for.
    pub fn plain(rows: &[Row], outputs: Outputs) -> Wanted {
        let outputs = placed(rows).flat_map(|(start, row)| match outputs {
            Outputs::Last => last(start, row)..=last(start, row),
            Outputs::All => start..=last(start, row),
        });
        Wanted { outputs: outputs.collect(), n_draws: 0 }
    }

    /// The hidden states `(outputs, C)` of the rows that draw, and those for targets.
    pub fn split(&self, hidden: &Tensor) -> (Tensor, Tensor) {
        let n_targets = self.outputs.len() as i64 - self.n_draws;
        (hidden.narrow(0, 0, self.n_draws), hidden.narrow(0, self.n_draws, n_targets))
    }
}

/// Each row with the index of its first token.
fn placed(rows: &[Row]) -> impl Iterator<Item = (i64, &Row)> {
    rows.iter().scan(0, |next, row| {
        let start = *next;
        *next += row.tokens.len() as i64;
        Some((start, row))
    })
}

fn last(start: i64, row: &Row) -> i64 {
    start + row.tokens.len() as i64 - 1
}
