//! Tables as files for spreadsheets.

/// A table that can be taken away.
#[derive(Clone, Debug, PartialEq)]
pub struct Sheet {
    pub head: Vec<&'static str>,
    pub rows: Vec<Vec<Cell>>,
}

#[derive(Clone, Debug, PartialEq)]
pub enum Cell {
    Text(String),
    /// None is an empty cell: never 0.
    Number(Option<f64>),
}

impl Cell {
    pub fn text(text: impl Into<String>) -> Self {
        Self::Text(text.into())
    }

    pub fn count(n: u32) -> Self {
        Self::Number(Some(f64::from(n)))
    }
}

impl Sheet {
    /// RFC 4180. A text that a spreadsheet would take for a formula has a quotation mark before it.
    pub fn to_csv(&self) -> String {
        let mut csv = line(self.head.iter().map(|it| text(it)));
        for row in &self.rows {
            csv += &line(row.iter().map(|cell| match cell {
                Cell::Text(it) => text(it),
                Cell::Number(it) => it.filter(|it| it.is_finite()).map(|it| it.to_string()).unwrap_or_default(),
            }));
        }
        csv
    }
}

fn line(cells: impl Iterator<Item = String>) -> String {
    cells.collect::<Vec<_>>().join(",") + "\r\n"
}

fn text(text: &str) -> String {
    let is_formula = text.starts_with(['=', '+', '-', '@', '\t', '\r']);
    let safe = if is_formula { format!("'{text}") } else { text.to_owned() };
    if safe.contains([',', '"', '\n', '\r']) { format!("\"{}\"", safe.replace('"', "\"\"")) } else { safe }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_looks_like_a_formula_is_made_a_text() {
        let check = |said, expected| assert_eq!(text(said), expected);
        check("=1+1", "'=1+1");
        check("+1", "'+1");
        check("-1", "'-1");
        check("@sum", "'@sum");
        check("\tx", "'\tx");
        check("\rx", "\"'\rx\"");
        check("Why, “you”?", "\"Why, “you”?\"");
        check("say \"no\"", "\"say \"\"no\"\"\"");
        check("1-1", "1-1");
    }

    #[test]
    fn numbers_stay_numbers_and_none_is_empty() {
        let rows = vec![vec![Cell::text("base"), Cell::Number(Some(-0.05)), Cell::Number(None), Cell::count(3)]];
        let sheet = Sheet { head: vec!["model", "difference", "low", "n"], rows };
        assert_eq!(sheet.to_csv(), "model,difference,low,n\r\nbase,-0.05,,3\r\n");
    }
}
