//! Stop strings: the text ends before the first of them, however it was cut into pieces.

pub struct StopFilter {
    stops: Vec<String>,
    /// Text that may be the beginning of a stop string, so nobody has seen it yet.
    held_back: String,
}

impl StopFilter {
    /// None of the stop strings may be empty.
    pub fn new(stops: Vec<String>) -> Self {
        Self { stops, held_back: String::new() }
    }

    /// The text that is now certain to come before any stop string, and whether one has been found.
    pub fn push(&mut self, text: &str) -> (String, bool) {
        self.held_back += text;
        match self.find() {
            Some(start) => {
                self.held_back.truncate(start);
                (self.finish(), true)
            }
            None => (self.settle(), false),
        }
    }

    /// The text held back, when no more will come.
    pub fn finish(&mut self) -> String {
        std::mem::take(&mut self.held_back)
    }

    /// Where the stop string starts that is complete first. That one, and not the one that starts first, because it is
    /// the same whether the text comes in one piece or in many.
    fn find(&self) -> Option<usize> {
        let matches = self.stops.iter().filter_map(|stop| {
            let start = self.held_back.find(stop)?;
            Some((start + stop.len(), start))
        });
        matches.min().map(|(_, start)| start)
    }

    fn settle(&mut self) -> String {
        let n_held = self.stops.iter().map(|stop| n_begun(stop, &self.held_back)).max().unwrap_or(0);
        let held_back = self.held_back.split_off(self.held_back.len() - n_held);
        std::mem::replace(&mut self.held_back, held_back)
    }
}

/// Bytes of the longest beginning of `stop` that `text` ends with.
fn n_begun(stop: &str, text: &str) -> usize {
    let beginnings = stop.char_indices().map(|(len, _)| &stop[..len]);
    beginnings.rev().find(|beginning| text.ends_with(beginning)).map_or(0, str::len)
}

#[cfg(test)]
mod tests;
