//! Tokens as a person writes them, for messages.

use quote::ToTokens;

/// The longest text that a message quotes.
const LONGEST: usize = 48;

/// Tokens as they are written, cut where they are long.
pub(super) fn written(tokens: &impl ToTokens) -> String {
    let mut text = tokens.to_token_stream().to_string();
    for (loose, tight) in [(" :: ", "::"), (" (", "("), ("( ", "("), (" )", ")"), (" . ", "."), ("& ", "&")] {
        text = text.replace(loose, tight);
    }
    match text.char_indices().nth(LONGEST) {
        Some((end, _)) => format!("{}...", &text[..end]),
        None => text,
    }
}
