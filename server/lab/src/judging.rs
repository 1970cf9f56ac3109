//! What a judge is to the laboratory: asked about one answer by one prompt, it says something or fails.

use domain::{Format, JudgeCard, JudgeId, JudgePrompt, Judgement};

/// Who can be asked what an answer is worth.
#[async_trait::async_trait]
pub trait Judge: Send + Sync {
    fn id(&self) -> JudgeId;

    fn card(&self) -> JudgeCard {
        let JudgeId(name) = self.id();
        JudgeCard { id: JudgeId(name.clone()), name, about: String::new(), fault: None }
    }

    /// Answers that it may be asked about at the same time.
    fn n_at_once(&self) -> usize {
        16
    }

    /// The error is a sentence for people; the answer can be judged again.
    async fn judge(&self, asked: &Asked) -> Result<Judgement, String>;
}

/// What a judge is told.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Asked {
    pub prompt: JudgePrompt,
    /// The whole user message that was answered, never the system prompt.
    pub question: String,
    /// Hostile, as every answer.
    pub answer: String,
    pub format: Format,
}

impl Asked {
    /// The message for the judge.
    pub fn message(&self) -> String {
        self.prompt.fill(&self.question, &self.answer)
    }
}
