//! How likely a model finds a given answer: what is asked for, what comes of it, and how two models are compared.

use crate::{
    AnswerId, AskError, AskForm, ComparisonId, Field, Format, ModelId, OwnQuestion, Question, Scores, TokenScore,
};
use serde::{Deserialize, Serialize};

/// The form of the likelihood page as typed. The same fields, by the same names, stand in the page's URL.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct LikelihoodForm {
    /// The number of a kept answer; empty where the four fields below say what is scored.
    pub answer: String,
    /// The id of a main question; [`AskForm::OWN`] takes `own`.
    pub question: String,
    pub own: String,
    pub format: String,
    pub text: String,
    pub models: Vec<String>,
    /// A checkbox, absent or `on`: whether the token that ends the answer counts.
    pub end: Option<String>,
    /// The id of the model that the others are compared with; empty leaves it to the page.
    pub reference: String,
    /// The id of the model whose tokens are compared with the reference's; empty leaves it to the page.
    pub against: String,
}

/// An answer whose likelihood may be asked for: every field is legal.
#[derive(Clone, Debug, PartialEq)]
pub struct NewLikelihood {
    pub given: Given,
    /// Whether the token that ends the answer counts.
    pub with_end: bool,
}

/// The answer to be scored, and to what.
#[derive(Clone, Debug, PartialEq)]
pub enum Given {
    /// A kept answer, after the very prompt it was an answer to.
    Answer(AnswerId),
    /// A text of one's own. Never empty, at most [`LikelihoodForm::TEXT_BYTES_MAX`] bytes.
    Text { question: Question, format: Format, text: String },
}

/// A kept answer, as the likelihood page speaks of it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct GivenAnswer {
    pub id: AnswerId,
    pub comparison: ComparisonId,
    /// Counted from 0.
    pub column_idx: u32,
    /// Counted from 0.
    pub sample_idx: u32,
    /// The name of the model that wrote it.
    pub written_by: String,
    pub question_id: Option<String>,
    pub question_text: String,
    pub format: Format,
    /// Hostile, as every answer.
    pub text: String,
    /// All models of its comparison, which are proposed to be asked.
    pub models: Vec<ModelId>,
}

/// How likely one model finds an answer.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Likelihood {
    /// Of the tokens that hold the answer's text.
    pub scores: Scores,
    /// The token that ends the answer, where it was to be counted.
    pub end: Option<TokenScore>,
    /// Special tokens that are written in the answer's text: the model reads each as the special token.
    pub specials: Vec<String>,
    /// Tokens at the end of the prompt that are cut otherwise with the answer behind them: what they write is in the
    /// first of the scored tokens.
    pub n_recut: u32,
}

/// What holds of the answer as a whole.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct LikelihoodFigures {
    pub n_tokens: usize,
    /// The natural logarithm of the answer's probability.
    pub total: f64,
    /// The same for each token on the average.
    pub mean: f64,
    pub perplexity: f64,
    /// The bits that the answer takes, for each byte of its text: the one figure that models with different tokenizers
    /// can be compared by. None where there is no byte.
    pub bits_per_byte: Option<f64>,
}

impl Default for LikelihoodForm {
    fn default() -> Self {
        let AskForm { question, own, format, .. } = AskForm::default();
        Self {
            answer: String::new(),
            question,
            own,
            format,
            text: String::new(),
            models: Vec::new(),
            end: None,
            reference: String::new(),
            against: String::new(),
        }
    }
}

impl LikelihoodForm {
    /// Bytes of a text of one's own. The URL holds it, and with every byte escaped it still has room there.
    pub const TEXT_BYTES_MAX: usize = 16_384;

    /// The form with what stands in a URL's query, given as decoded pairs; unknown names are passed over.
    pub fn from_pairs(pairs: impl IntoIterator<Item = (String, String)>) -> Self {
        let mut form = Self::default();
        for (name, value) in pairs {
            match name.as_str() {
                "answer" => form.answer = value,
                "question" => form.question = value,
                "own" => form.own = value,
                "format" => form.format = value,
                "text" => form.text = value,
                "model" => form.models.push(value),
                "end" => form.end = Some(value),
                "reference" => form.reference = value,
                "against" => form.against = value,
                _ => {}
            }
        }
        form
    }

    /// What the URL has to say: every field that is not as at first.
    pub fn to_pairs(&self) -> Vec<(&'static str, &str)> {
        let first = Self::default();
        let fields = [
            ("answer", &self.answer, &first.answer),
            ("question", &self.question, &first.question),
            ("own", &self.own, &first.own),
            ("format", &self.format, &first.format),
            ("text", &self.text, &first.text),
            ("reference", &self.reference, &first.reference),
            ("against", &self.against, &first.against),
        ];
        let changed =
            fields.into_iter().filter(|(_, now, first)| now != first).map(|(name, now, _)| (name, now.as_str()));
        let models = self.models.iter().map(|it| ("model", it.as_str()));
        let end = self.end.iter().map(|it| ("end", it.as_str()));
        changed.chain(models).chain(end).collect()
    }

    /// Whether there is anything to be scored yet.
    pub fn is_blank(&self) -> bool {
        self.answer.is_empty() && self.text.is_empty()
    }

    /// The form without what only says how the result is laid out, so that a change of that asks no model anew.
    pub fn what_is_scored(&self) -> Self {
        Self { models: Vec::new(), reference: String::new(), against: String::new(), ..self.clone() }
    }
}

impl NewLikelihood {
    /// Reads the form; the first wrong field is named.
    pub fn parse(form: &LikelihoodForm) -> Result<Self, AskError> {
        let given = if form.answer.is_empty() { given_text(form)? } else { Given::Answer(answer_id(&form.answer)?) };
        Ok(Self { given, with_end: form.end.is_some() })
    }
}

fn answer_id(text: &str) -> Result<AnswerId, AskError> {
    let id = text.parse().map(AnswerId);
    id.map_err(|_| AskError::new(Field::Answer, format!("an answer has a whole number, not “{text}”")))
}

fn given_text(form: &LikelihoodForm) -> Result<Given, AskError> {
    let question = if form.question == AskForm::OWN {
        Question::Own(OwnQuestion::parse(&form.own)?)
    } else {
        let unknown = || AskError::new(Field::Question, format!("there is no question “{}”", form.question));
        Question::main(&form.question).ok_or_else(unknown)?
    };
    let format: Format = form.format.parse()?;
    format.apply(&question)?;
    // Browsers send `\r\n` from a form, and `\n` is what models write.
    let text = form.text.replace("\r\n", "\n");
    match text.len() {
        0 => Err(AskError::new(Field::Answer, "type or paste the answer that is to be scored")),
        n if n > LikelihoodForm::TEXT_BYTES_MAX => {
            let message =
                format!("the answer has {n} bytes, and at most {} can be scored", LikelihoodForm::TEXT_BYTES_MAX);
            Err(AskError::new(Field::Answer, message))
        }
        _ => Ok(Given::Text { question, format, text }),
    }
}

impl Likelihood {
    /// None where there is nothing to be scored.
    pub fn figures(&self) -> Option<LikelihoodFigures> {
        let all = Scores(self.scores.0.iter().chain(&self.end).cloned().collect());
        let summary = all.summary()?;
        let n_bytes: usize = self.scores.0.iter().map(|it| it.token.bytes.0.len()).sum();
        Some(LikelihoodFigures {
            n_tokens: summary.n_tokens,
            total: summary.total,
            mean: summary.mean(),
            perplexity: summary.perplexity(),
            bits_per_byte: (n_bytes > 0).then(|| -summary.total / std::f64::consts::LN_2 / n_bytes as f64),
        })
    }

    /// By how much each token's logarithm is above the reference's, the ending one among them where it counts; None where
    /// the two did not cut the answer into the same tokens.
    pub fn over(&self, reference: &Self) -> Option<Vec<f64>> {
        let (ours, theirs) = (self.tokens(), reference.tokens());
        let is_same = |(a, b): (&&TokenScore, &&TokenScore)| a.token.bytes == b.token.bytes;
        let are_same = ours.len() == theirs.len() && ours.iter().zip(&theirs).all(is_same);
        let difference = |(a, b): (&&TokenScore, &&TokenScore)| a.token.logprob() - b.token.logprob();
        are_same.then(|| ours.iter().zip(&theirs).map(difference).collect())
    }

    fn tokens(&self) -> Vec<&TokenScore> {
        self.scores.0.iter().chain(&self.end).collect()
    }
}

/// How many times likelier a token must be for the first and for the second class of a difference.
pub const LEAN_FACTORS: [f64; 2] = [2.0, 10.0];

/// The class of a difference of logarithms: 0 where the two models agree, then 1 and 2, negative where the reference
/// found the token likelier.
pub fn lean(difference: f64) -> i32 {
    let class = LEAN_FACTORS.iter().filter(|factor| difference.abs() >= factor.ln()).count() as i32;
    if difference < 0.0 { -class } else { class }
}

#[cfg(test)]
mod tests;
