//! `{% generation %}`: transformers marks with it what an assistant wrote, for training. Here it is only a scope.

/// The template with each such block as a plain one that keeps its lines and its control of whitespace.
pub fn without_blocks(source: &str) -> String {
    let mut plain = String::with_capacity(source.len());
    let mut rest = source;
    let mut is_raw = false;
    while let Some(start) = next_delimiter(rest) {
        plain.push_str(&rest[..start]);
        rest = &rest[start..];
        let length = length(rest);
        let (tag, after) = rest.split_at(length);
        match word(tag) {
            "generation" if !is_raw => plain.push_str(&tag.replacen("generation", "with", 1)),
            "endgeneration" if !is_raw => plain.push_str(&tag.replacen("endgeneration", "endwith", 1)),
            word => {
                is_raw = word == "raw" || is_raw && word != "endraw";
                plain.push_str(tag);
            }
        }
        rest = after;
    }
    plain + rest
}

fn next_delimiter(source: &str) -> Option<usize> {
    let opens = |start: &usize| matches!(source.as_bytes().get(start + 1), Some(b'%' | b'{' | b'#'));
    source.match_indices('{').map(|(start, _)| start).find(opens)
}

/// Bytes of the tag, expression or comment that `source` begins with; all of it where nothing ends it.
fn length(source: &str) -> usize {
    let end = match &source[..2] {
        "{%" => "%}",
        "{{" => "}}",
        _ => return source.find("#}").map_or(source.len(), |end| end + 2),
    };
    let mut quote = None;
    let mut is_escaped = false;
    for (idx, char) in source.char_indices().skip(2) {
        match quote {
            Some(_) if is_escaped => is_escaped = false,
            Some(_) if char == '\\' => is_escaped = true,
            Some(open) if char == open => quote = None,
            Some(_) => {}
            None if matches!(char, '"' | '\'') => quote = Some(char),
            None if source[idx..].starts_with(end) => return idx + 2,
            None => {}
        }
    }
    source.len()
}

/// The word of a tag that has only one.
fn word(tag: &str) -> &str {
    let inner = tag.strip_prefix("{%").and_then(|it| it.strip_suffix("%}")).unwrap_or_default();
    inner.trim_start_matches(['-', '+']).trim_end_matches(['-', '+']).trim()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn blocks_become_plain_scopes_and_nothing_else_changes() {
        let check = |source: &str, expected: &str| assert_eq!(without_blocks(source), expected);
        check("a{% generation %}b{% endgeneration %}c", "a{% with %}b{% endwith %}c");
        check("{%- generation -%}\nb\n{%+endgeneration+%}", "{%- with -%}\nb\n{%+endwith+%}");
        for same in [
            "{{ '{% generation %}' }}",
            "{{ \"a\\\"{% generation %}\" }}",
            "{# {% generation %} #}",
            "{% raw %}{% generation %}{% endraw %}",
            "{% if generation %}x{% endif %}",
            "{% set x = 'generation' %}",
            "{% generation",
            "{{ 'open",
            "{# open",
            "{%",
            "{",
            "",
        ] {
            check(same, same);
        }
    }
}
