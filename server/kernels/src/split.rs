//! Spreads rows that do not know each other over the pool.

use std::ops::Range;

use crate::pool::Pool;

/// Calls `work` with runs of rows that together are `0..n_rows`. A row costs about `row_cost` numbers of work.
pub fn over_rows(pool: &Pool, n_rows: usize, row_cost: usize, work: impl Fn(Range<usize>) + Sync) {
    // Below this, another thread would come too late to help.
    const SMALL: usize = 1 << 14;
    let most = (n_rows * row_cost / SMALL).min(4 * pool.n_threads());
    let n_tasks = most.clamp(1, n_rows.max(1));
    let start = |idx: usize| idx * n_rows / n_tasks;
    pool.run(n_tasks, |idx| work(start(idx)..start(idx + 1)));
}
