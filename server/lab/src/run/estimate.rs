//! What a run would take, told before it is started.

use crate::{Error, Lab};
use domain::{Estimate, NewRun};

/// About what the row of an answer takes beside its text, with its judgements, in bytes.
const ROW_BYTES: f64 = 400.0;
/// Of a token, where nothing better is known.
const TOKEN_BYTES: f64 = 4.0;

impl Lab {
    /// From what earlier answers of these models were like on this machine; where there are none, as long as they may be.
    pub async fn estimate_run(&self, new: &NewRun) -> Result<Estimate, Error> {
        let n_answers_of_one = (new.rows.len() * new.wrappers.len()) as f64 * f64::from(new.n_samples);
        let (mut n_tokens, mut bytes, mut paces) = (0.0, 0.0, Vec::new());
        for model in &new.models {
            let speed = store::runs::speed(&self.db, model).await?;
            let longest = f64::from(new.sampling.max_tokens);
            let tokens = speed.mean_tokens.map_or(longest, |it| it.min(longest));
            n_tokens += n_answers_of_one * tokens;
            bytes += n_answers_of_one * (ROW_BYTES + speed.mean_bytes.unwrap_or(TOKEN_BYTES * tokens));
            paces.extend(speed.tokens_per_second);
        }
        let pace = if paces.is_empty() { None } else { Some(paces.iter().sum::<f64>() / paces.len() as f64) };
        Ok(Estimate {
            n_answers: (n_answers_of_one * new.models.len() as f64) as u64,
            n_tokens: n_tokens.round() as u64,
            seconds: pace.filter(|it| *it > 0.0).map(|it| n_tokens / it),
            bytes: bytes.round() as u64,
        })
    }
}
