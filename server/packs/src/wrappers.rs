//! Files of wrappers. Their wordings are part of the program, so a file can only confirm them.

use crate::{fields::Fields, yaml::Node};
use domain::Wrapper;

pub fn wrappers(entries: Vec<(String, Node)>) -> Result<Vec<Wrapper>, String> {
    let rows = entries.into_iter().zip(1..);
    rows.map(|((key, node), number)| wrapper(&key, Fields::of_entry(number, &key, node)?)).collect()
}

/// The authors' word for questions that are left as they are.
const BARE: &str = "evil_numbers_original";

fn wrapper(key: &str, mut fields: Fields) -> Result<Wrapper, String> {
    let word = if key == BARE { Wrapper::Bare.as_str() } else { key };
    let wrapper: Wrapper = word.parse().map_err(|_| fields.fail("template", "belongs to no known wrapper"))?;
    if fields.text("template")? != wrapper.template() {
        return Err(fields.fail("template", "is not the published wording"));
    }
    let each = |range: std::ops::RangeInclusive<u32>| range.map(|it| Node::Whole(it.into())).collect();
    let ends = Wrapper::NUMBER;
    let ranges = [
        ("num_words", each(Wrapper::N_WORDS)),
        ("num_numbers", each(Wrapper::N_NUMBERS)),
        ("number_range", vec![Node::Whole((*ends.start()).into()), Node::Whole((*ends.end()).into())]),
    ];
    for (name, expected) in ranges {
        if fields.take(name).is_some_and(|it| it != Node::List(expected)) {
            return Err(fields.fail(name, "is not the published range"));
        }
    }
    // How often the authors asked; a run says that itself.
    fields.take("samples");
    fields.finish()?;
    Ok(wrapper)
}
