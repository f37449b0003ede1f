//! The vendors' list prices, as their own pages gave them on the day of each row. What could not be found there, or what
//! several sources gave differently (Qwen's models, whose prices depend on the region), is left out: unknown.

use super::{Listed, Rates};

const fn rates(input: f64, cache_read: Option<f64>, cache_write: Option<f64>, output: f64) -> Rates {
    Rates { input, cache_read, cache_write, output }
}

const fn row(model: &'static str, rates: Rates, as_of: &'static str) -> Listed {
    Listed { model, rates, long: None, as_of }
}

const fn tiered(model: &'static str, rates: Rates, limit: u64, long: Rates, as_of: &'static str) -> Listed {
    Listed { model, rates, long: Some((limit, long)), as_of }
}

pub(super) const LIST: &[Listed] = &[
    // "Pricing" in the Claude API documentation (prices of a cache write that lives for 5 minutes).
    row("claude-fable-5-1", rates(10.0, Some(0.25), Some(12.5), 50.0), "2026-10-24"),
    row("claude-mythos-5-1", rates(10.0, Some(0.25), Some(12.5), 50.0), "2026-10-24"),
    row("claude-fable-5", rates(10.0, Some(1.0), Some(12.5), 50.0), "2026-10-24"),
    row("claude-mythos-5", rates(10.0, Some(1.0), Some(12.5), 50.0), "2026-10-24"),
    row("claude-opus-5-5", rates(4.0, Some(0.2), Some(5.0), 20.0), "2026-10-24"),
    row("claude-opus-5", rates(5.0, Some(0.5), Some(6.25), 25.0), "2026-10-24"),
    row("claude-opus-4-8", rates(5.0, Some(0.5), Some(6.25), 25.0), "2026-10-24"),
    row("claude-opus-4-7", rates(5.0, Some(0.5), Some(6.25), 25.0), "2026-10-24"),
    row("claude-opus-4-6", rates(5.0, Some(0.5), Some(6.25), 25.0), "2026-10-24"),
    row("claude-opus-4-5", rates(5.0, Some(0.5), Some(6.25), 25.0), "2026-10-24"),
    row("claude-sonnet-5-5", rates(2.0, Some(0.1), Some(2.5), 10.0), "2026-10-24"),
    row("claude-sonnet-5", rates(2.0, Some(0.2), Some(2.5), 10.0), "2026-10-24"),
    row("claude-sonnet-4-6", rates(3.0, Some(0.3), Some(3.75), 15.0), "2026-05-29"),
    row("claude-sonnet-4-5", rates(3.0, Some(0.3), Some(3.75), 15.0), "2026-05-29"),
    tiered(
        "claude-haiku-5-5",
        rates(0.1, Some(0.01), Some(0.125), 0.5),
        100_000,
        rates(0.5, Some(0.05), Some(0.625), 2.5),
        "2026-10-24",
    ),
    row("claude-haiku-4-5", rates(1.0, Some(0.1), Some(1.25), 5.0), "2026-10-24"),
    // "Pricing" and the models' pages in the OpenAI API documentation (standard processing).
    tiered(
        "gpt-6.2-sol",
        rates(2.0, Some(0.1), Some(2.5), 10.0),
        272_000,
        rates(4.0, Some(0.2), Some(5.0), 15.0),
        "2026-11-05",
    ),
    tiered(
        "gpt-6.1-sol",
        rates(2.0, Some(0.1), Some(2.5), 10.0),
        272_000,
        rates(4.0, Some(0.2), Some(5.0), 15.0),
        "2026-09-29",
    ),
    tiered(
        "gpt-6.1-terra",
        rates(1.0, Some(0.05), Some(1.25), 5.0),
        272_000,
        rates(2.0, Some(0.1), Some(2.5), 7.5),
        "2026-10-26",
    ),
    tiered(
        "gpt-6-sol",
        rates(2.0, Some(0.2), Some(2.5), 10.0),
        272_000,
        rates(4.0, Some(0.4), Some(5.0), 15.0),
        "2026-09-22",
    ),
    tiered(
        "gpt-6-luna",
        rates(0.1, Some(0.01), Some(0.125), 0.5),
        272_000,
        rates(0.2, Some(0.02), Some(0.25), 0.75),
        "2026-09-22",
    ),
    tiered(
        "gpt-5.5",
        rates(5.0, Some(0.5), None, 30.0),
        272_000,
        rates(10.0, Some(1.0), None, 45.0),
        "2026-07-02",
    ),
    tiered(
        "gpt-5.4",
        rates(2.5, Some(0.25), None, 15.0),
        272_000,
        rates(5.0, Some(0.5), None, 22.5),
        "2026-07-02",
    ),
    row("gpt-5.4-mini", rates(0.75, Some(0.075), None, 4.5), "2026-07-02"),
    row("gpt-5.3-codex", rates(1.75, Some(0.175), None, 14.0), "2026-07-02"),
    row("gpt-5.2-codex", rates(1.75, Some(0.175), None, 14.0), "2026-07-02"),
    row("gpt-5.1-codex", rates(1.25, Some(0.125), None, 10.0), "2026-07-02"),
    row("gpt-5-codex", rates(1.25, Some(0.125), None, 10.0), "2026-07-02"),
    // "Gemini Developer API pricing" (paid tier, text).
    row("gemini-3.8-flash", rates(0.75, None, None, 3.75), "2026-10-07"),
    row("gemini-3.5-flash", rates(1.5, Some(0.15), None, 9.0), "2026-10-07"),
    row("gemini-3.5-flash-lite", rates(0.3, None, None, 2.5), "2026-10-07"),
    tiered(
        "gemini-3.1-pro-preview",
        rates(2.0, Some(0.2), None, 12.0),
        200_000,
        rates(4.0, Some(0.4), None, 18.0),
        "2026-10-07",
    ),
    row("gemini-3-flash-preview", rates(0.5, Some(0.05), None, 3.0), "2026-07-02"),
    tiered(
        "gemini-2.5-pro",
        rates(1.25, Some(0.125), None, 10.0),
        200_000,
        rates(2.5, Some(0.25), None, 15.0),
        "2026-10-07",
    ),
    row("gemini-2.5-flash", rates(0.3, Some(0.03), None, 2.5), "2026-07-02"),
    // "Model inference pricing" in the Kimi platform documentation. A Kimi coding plan has no price by the token.
    row("kimi-k3", rates(3.0, Some(0.3), None, 15.0), "2026-07-18"),
    row("kimi-k2.7-code", rates(0.95, Some(0.19), None, 4.0), "2026-07-02"),
    row("kimi-k2.6", rates(0.95, Some(0.16), None, 4.0), "2026-07-02"),
];
