use super::*;

fn template(source: &str) -> ChatTemplate {
    let special = [("eos_token", "<|im_end|>"), ("pad_token", "<|endoftext|>")];
    let special = special.map(|(name, token)| (name.to_owned(), token.to_owned()));
    ChatTemplate::parse("chat_template.jinja", source, special.into()).unwrap()
}

fn message(role: Role, content: &str) -> Message {
    Message { role, content: content.into() }
}

/// What the template makes of the one message `Hi`.
fn check(source: &str, expected: &str) {
    let text = template(source).render(&[message(Role::User, "Hi")]);
    assert_eq!(text.unwrap(), expected, "{source}");
}

/// A template with the habits of Qwen2.5's: a default system prompt, tools that are none, names built by `+`.
const QWEN_LIKE: &str = r#"
{%- if tools %}
    {{- raise_exception('no tools here') }}
{%- else %}
    {%- if messages[0]['role'] == 'system' %}
        {{- '<|im_start|>system\n' + messages[0]['content'] + '<|im_end|>\n' }}
    {%- else %}
        {{- '<|im_start|>system\nBe brief.<|im_end|>\n' }}
    {%- endif %}
{%- endif %}
{%- for message in messages %}
    {%- if (message.role == "user") or (message.role == "system" and not loop.first) or (message.role == "assistant" and not message.tool_calls) %}
        {{- '<|im_start|>' + message.role + '\n' + message.content + '<|im_end|>' + '\n' }}
    {%- endif %}
{%- endfor %}
{%- if add_generation_prompt %}
    {{- '<|im_start|>assistant\n' }}
{%- endif %}
"#;

#[test]
fn the_template_brings_its_own_system_prompt_unless_one_is_given() {
    let template = template(QWEN_LIKE);
    let user = "<|im_start|>user\nHi<|im_end|>\n<|im_start|>assistant\n";
    let render = |messages: &[Message]| template.render(messages).unwrap();
    let default = render(&[message(Role::User, "Hi")]);
    assert_eq!(default, format!("<|im_start|>system\nBe brief.<|im_end|>\n{user}"));
    let given = render(&[message(Role::System, "Rhyme."), message(Role::User, "Hi")]);
    assert_eq!(given, format!("<|im_start|>system\nRhyme.<|im_end|>\n{user}"));
    let empty = render(&[message(Role::System, ""), message(Role::User, "Hi")]);
    assert_eq!(empty, format!("<|im_start|>system\n<|im_end|>\n{user}"));
}

#[test]
fn templates_find_what_python_would_give_them() {
    check("{{ messages[0].content.strip().upper() }}", "HI");
    check("{{ messages[0]['content'][:1] }}{{ eos_token }}{{ bos_token }}", "H<|im_end|>");
    check("{{ tools is none }} {{ tools is defined }} {{ bos_token is defined }}", "True True False");
    check(
        "{% for i in range(9) %}{% if i == 1 %}{% continue %}{% endif %}{% if i > 2 %}{% break %}{% endif %}{{ i }}{% endfor %}",
        "02",
    );
    check("{% set ns = namespace(n=0) %}{% for m in messages %}{% set ns.n = ns.n + 1 %}{% endfor %}{{ ns.n }}", "1");
    check("  {% if true %}\n  a\n  {% endif %}\nb\n", "  a\nb"); // Blocks take their line with them.
    check("{{ strftime_now('%Y-%m-%d %d %b') | length }}", "17");
}

/// What transformers marks for training is text like any other here.
#[test]
fn what_is_marked_as_generated_is_rendered_plainly() {
    check("{% generation %}{{ messages[0].content }}{% endgeneration %}!", "Hi!");
    check("{% for m in messages %}\n  {%- generation -%}\n {{ m.content }} {%- endgeneration -%}\n{% endfor %}", "Hi");
    let template = "{% for m in messages %}{% if m.role == 'user' %}{% generation %}{% set x = m.content %}{{ x }}{% endgeneration %}{% endif %}{% endfor %}{{ x }}";
    check(template, "Hi");
}

#[test]
fn json_is_written_as_python_writes_it() {
    check("{{ messages | tojson }}", r#"[{"role": "user", "content": "Hi"}]"#);
    check("{{ '<b> & ü' | tojson(ensure_ascii=False) }}", r#""<b> & ü""#);
    check("{{ {'a': [1, 2.0], 'b': {}} | tojson(indent=2) }}", "{\n  \"a\": [\n    1,\n    2.0\n  ],\n  \"b\": {}\n}");
}

/// Text from a message is never read as a template, and is not escaped.
#[test]
fn messages_are_only_text() {
    let content = "{{ 1 + 1 }} {% raw %} <script> & 'x' \u{2028}\r\n\0";
    let text = template("{{ messages[0].content }}").render(&[message(Role::User, content)]).unwrap();
    assert_eq!(text, content);
}

#[test]
fn what_a_template_raises_is_told_with_its_file() {
    let err = template("\n{{ raise_exception('roles must alternate') }}").render(&[]).unwrap_err();
    let expected =
        "cannot render the chat template: invalid operation: roles must alternate (in chat_template.jinja:2)";
    assert_eq!(err.to_string(), expected);
}

#[test]
fn templates_that_would_never_end_or_fill_the_memory_are_stopped() {
    // Without optimisation the same fuel burns some twenty times longer.
    let time_max = std::time::Duration::from_millis(if cfg!(debug_assertions) { 5_000 } else { 100 });
    let nested_loops = "{% for i in range(100000) %}".repeat(20) + "x" + &"{% endfor %}".repeat(20);
    let nested_lists = "{% set ns = namespace(l=[]) %}{% for i in range(99999) %}{% set ns.l = [ns.l] %}{% endfor %}";
    for source in [
        "{% for i in range(10**9) %}{% endfor %}",
        "{% for i in range(99999) %}{% for j in range(99999) %}{% endfor %}{% endfor %}",
        "{% macro f() %}{{ f() }}{% endmacro %}{{ f() }}",
        "{{ 'x' * 10**9 }}",
        "{% set ns = namespace(s='xxxxxxxx') %}{% for i in range(60) %}{% set ns.s = ns.s + ns.s %}{% endfor %}{{ ns.s }}",
        "{{ ('x' * 100000).replace('x', 'y' * 100000) }}",
        "{{ ([messages] * 100000) | tojson }}",
        "{% include '/etc/hostname' %}",
        "{% import 'chat' as x %}",
        "{{ messages.__class__.__mro__[1].__subclasses__() }}",
        "{{ raise_exception.__globals__['os'] }}",
        "{{ messages | tojson(indent=1000000000) }}",
        "{{ strftime_now('%Q') }}",
        &nested_loops,
        nested_lists,
    ] {
        let messages = [message(Role::User, "Hi")];
        let begun = std::time::Instant::now();
        let rendered = template(source).render(&messages);
        assert!(begun.elapsed() < time_max, "{source} took {:?}", begun.elapsed());
        assert!(matches!(rendered, Err(RenderError::Template(_))), "{source} made {rendered:?}");
    }
}

#[test]
fn templates_that_are_too_deep_or_too_large_are_not_read() {
    for source in [
        "{% if true %}".repeat(4000),
        "{% if true %}".repeat(50_000),
        "{{ ".to_owned() + &"(".repeat(30_000),
        "{{ ".to_owned() + &"[".repeat(30_000),
        "x".repeat(SOURCE_BYTES_MAX + 1),
    ] {
        assert!(ChatTemplate::parse("chat_template.jinja", &source, SpecialTokens::new()).is_err());
    }
}

/// The parser reads these in a loop and builds a tree as deep as they are long.
#[test]
fn chains_of_operators_do_not_overflow_the_stack() {
    for (link, n) in [("-", 60_000), (".x", 30_000), ("|e", 30_000), ("()", 30_000), ("not ", 2_000), ("+x", 2_000)] {
        let chain = link.repeat(n);
        let source =
            if matches!(link, "-" | "not ") { format!("{{{{ {chain}1 }}}}") } else { format!("{{{{ x{chain} }}}}") };
        let template = template(&source);
        let _ = template.render(&[]);
    }
}
