//! What tokens cost: dollars are derived when they are read, from what the agent's program reported, else from the
//! vendors' list prices. A price that is not known makes the cost unknown, never zero.
//!
//! `output` holds the reasoning tokens, as every vendor bills them; [`Usage::reasoning`] says how many of it they were.

mod list;

use crate::fact::{ModelUsage, Paid, Usage};
use crate::view::{Cost, CostBasis};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// USD per million tokens.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Rates {
    pub input: f64,
    /// None: not known; tokens of that class then make the cost unknown.
    #[serde(default)]
    pub cache_read: Option<f64>,
    #[serde(default)]
    pub cache_write: Option<f64>,
    pub output: f64,
}

/// One model's list price.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Listed {
    pub model: &'static str,
    pub rates: Rates,
    /// Prompts of more tokens than this cost otherwise.
    pub long: Option<(u64, Rates)>,
    /// Day on which the vendor's page said so.
    pub as_of: &'static str,
}

/// A price of the user's own, by the model's name.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct OwnPrice {
    pub input: f64,
    #[serde(default)]
    pub cache_read: Option<f64>,
    #[serde(default)]
    pub cache_write: Option<f64>,
    pub output: f64,
    #[serde(default)]
    pub as_of: Option<String>,
}

pub type OwnPrices = BTreeMap<String, OwnPrice>;

/// By the shipped list alone. `model`: the one that all tokens went to, where they are not told apart by model.
pub fn cost(usage: &Usage, model: Option<&str>, paid: Option<Paid>) -> Cost {
    cost_with(&OwnPrices::new(), usage, model, paid)
}

/// The same, where the user's own prices go before the list.
pub fn cost_with(own: &OwnPrices, usage: &Usage, model: Option<&str>, paid: Option<Paid>) -> Cost {
    if let Some(usd) = usage.cost_usd.filter(|usd| usd.is_finite() && *usd >= 0.0) {
        return Cost { usd: Some(usd), basis: CostBasis::Reported, as_of: None, paid };
    }
    let whole;
    let rows = if usage.models.is_empty() {
        whole = [ModelUsage {
            model: model.unwrap_or_default().to_owned(),
            requests: usage.requests,
            input: usage.input,
            cache_read: usage.cache_read,
            cache_write: usage.cache_write,
            output: usage.output,
            reasoning: usage.reasoning,
        }];
        whole.as_slice()
    } else {
        usage.models.as_slice()
    };
    let priced: Option<Vec<(f64, String)>> = rows.iter().map(|row| price(own, row)).collect();
    match priced {
        Some(priced) => Cost {
            usd: Some(priced.iter().map(|(usd, _)| usd).sum()),
            basis: CostBasis::ListPrice,
            // The oldest one: so far back one must look for what the sum rests on.
            as_of: priced.into_iter().map(|(_, as_of)| as_of).filter(|day| !day.is_empty()).min(),
            paid,
        },
        None => Cost { usd: None, basis: CostBasis::Unknown, as_of: None, paid },
    }
}

/// Several runs' costs as one: known only if each of them is, and only reported if each of them was.
pub fn total(costs: impl IntoIterator<Item = Cost>, paid: Option<Paid>) -> Cost {
    let mut sum = Cost { usd: Some(0.0), basis: CostBasis::Reported, as_of: None, paid };
    let mut any = false;
    for cost in costs {
        any = true;
        sum.usd = sum.usd.zip(cost.usd).map(|(sum, usd)| sum + usd);
        sum.basis = match (sum.basis, cost.basis) {
            (CostBasis::Unknown, _) | (_, CostBasis::Unknown) => CostBasis::Unknown,
            (CostBasis::ListPrice, _) | (_, CostBasis::ListPrice) => CostBasis::ListPrice,
            (CostBasis::Reported, CostBasis::Reported) => CostBasis::Reported,
        };
        sum.as_of = [sum.as_of, cost.as_of].into_iter().flatten().min();
    }
    match sum.basis {
        _ if !any => Cost { paid, ..Cost::default() },
        CostBasis::Unknown => Cost { paid, ..Cost::default() },
        CostBasis::Reported | CostBasis::ListPrice => sum,
    }
}

/// Dollars and the day of the price. None where a class that counts was not reported or has no price.
fn price(own: &OwnPrices, row: &ModelUsage) -> Option<(f64, String)> {
    let (input, output) = (row.input?, row.output?);
    // A class that a vendor does not have is not reported, and costs nothing then.
    let (read, write) = (row.cache_read.unwrap_or(0), row.cache_write.unwrap_or(0));
    let prompt = input.saturating_add(read).saturating_add(write);
    if prompt == 0 && output == 0 {
        return Some((0.0, String::new()));
    }
    let (rates, as_of) = match own.get(&row.model) {
        Some(own) => (
            Rates {
                input: own.input,
                cache_read: own.cache_read,
                cache_write: own.cache_write,
                output: own.output,
            },
            own.as_of.clone().unwrap_or_default(),
        ),
        None => {
            let listed = listed(&row.model)?;
            (listed.rates_for(prompt, row.requests)?, listed.as_of.to_owned())
        }
    };
    let class = |tokens: u64, rate: Option<f64>| match tokens {
        0 => Some(0.0),
        tokens => Some(tokens as f64 * rate? / 1_000_000.0),
    };
    let usd = class(input, Some(rates.input))?
        + class(read, rates.cache_read)?
        + class(write, rates.cache_write)?
        + class(output, Some(rates.output))?;
    Some((usd, as_of))
}

impl Listed {
    /// Long prompts cost more, and the length of each is not kept: it is taken from the mean of the calls. Without a
    /// number of calls only what cannot be long is known.
    fn rates_for(&self, prompt: u64, requests: Option<u64>) -> Option<Rates> {
        let Some((limit, long)) = self.long else { return Some(self.rates) };
        match requests.filter(|requests| *requests > 0) {
            _ if prompt <= limit => Some(self.rates),
            Some(requests) if prompt / requests <= limit => Some(self.rates),
            Some(_) => Some(long),
            None => None,
        }
    }
}

/// The list's row for a model as programs name it: `claude-haiku-4-5-20251001` and `claude-opus-5-5[1m]` are theirs.
fn listed(model: &str) -> Option<&'static Listed> {
    // Another model's name may begin with this one's, at another price.
    let same = |rest: &str| {
        let dated = rest.strip_prefix(['-', '@']).is_some_and(|date| {
            date.starts_with("20") && date.len() >= 8 && date.chars().all(|c| c.is_ascii_digit() || c == '-')
        });
        rest.is_empty() || rest.starts_with('[') || dated
    };
    list::LIST.iter().find(|listed| model.strip_prefix(listed.model).is_some_and(same))
}

#[cfg(test)]
mod tests;
