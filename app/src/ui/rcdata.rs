//! Text inside `<title>` and `<textarea>`.

/// Leptos writes what stands in these two elements into the server's HTML as it is, so that `</title><script>` in a question
/// would end the title. In the browser nothing is parsed and the text goes in unchanged.
pub fn rcdata(text: &str) -> String {
    if cfg!(feature = "ssr") { text.replace('&', "&amp;").replace('<', "&lt;") } else { text.to_owned() }
}
