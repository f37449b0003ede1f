use super::*;

fn usage(model: &str, input: u64, read: u64, write: u64, output: u64) -> Usage {
    Usage {
        models: vec![ModelUsage {
            model: model.into(),
            requests: Some(4),
            input: Some(input),
            cache_read: Some(read),
            cache_write: Some(write),
            output: Some(output),
            reasoning: None,
        }],
        ..Usage::default()
    }
}

fn usd(usage: &Usage) -> Option<f64> {
    cost(usage, None, None).usd.map(|usd| (usd * 1e9).round() / 1e9)
}

#[test]
fn reported_dollars_win_over_the_list() {
    let usage = Usage { cost_usd: Some(0.25), ..usage("claude-haiku-4-5", 1_000_000, 0, 0, 0) };
    let found = cost(&usage, None, Some(Paid::Subscription));
    assert_eq!((found.usd, found.basis, found.as_of), (Some(0.25), CostBasis::Reported, None));
    assert_eq!(found.paid, Some(Paid::Subscription));
}

#[test]
fn each_class_has_its_price() {
    let found = cost(&usage("claude-opus-5-5-20260901", 1_000_000, 2_000_000, 100_000, 50_000), None, None);
    assert_eq!(found.basis, CostBasis::ListPrice);
    assert_eq!(found.as_of.as_deref(), Some("2026-10-24"));
    assert_eq!(found.usd, Some(4.0 + 0.4 + 0.5 + 1.0));
}

#[test]
fn what_has_no_price_is_unknown_and_not_free() {
    assert_eq!(usd(&usage("a-model-of-tomorrow", 1, 0, 0, 1)), None);
    assert_eq!(usd(&usage("claude-opus-5-9", 1, 0, 0, 1)), None, "another model's name begins the same");
    assert_eq!(usd(&usage("gemini-3.8-flash", 1, 5, 0, 1)), None, "its cache has no price here");
    assert_eq!(usd(&Usage::default()), None, "nothing was reported");
    let mut two = usage("claude-haiku-4-5", 10, 0, 0, 1);
    two.models.extend(usage("a-model-of-tomorrow", 1, 0, 0, 1).models);
    assert_eq!(usd(&two), None, "half a price is none");
    two.models.pop();
    two.models.extend(usage("a-model-of-tomorrow", 0, 0, 0, 0).models);
    assert!(usd(&two).is_some(), "a model that was not used costs nothing");
    two.models[0].output = None;
    assert_eq!(usd(&two), None, "a class that was not reported is not zero");
}

#[test]
fn long_prompts_cost_more_and_their_length_must_be_known() {
    assert_eq!(usd(&usage("gpt-6.2-sol", 1_000_000, 0, 0, 0)), Some(2.0), "four calls of 250 000");
    assert_eq!(usd(&usage("gpt-6.2-sol", 2_000_000, 0, 0, 0)), Some(8.0), "four calls of 500 000");
    let mut unknown = usage("gpt-6.2-sol", 2_000_000, 0, 0, 0);
    unknown.models[0].requests = None;
    assert_eq!(usd(&unknown), None);
    unknown.models[0].input = Some(200_000);
    assert_eq!(usd(&unknown), Some(0.4), "no call can be longer than all of them");
}

#[test]
fn one_model_for_all_tokens_may_stand_beside_them() {
    let plain = Usage { input: Some(1_000_000), output: Some(0), ..Usage::default() };
    assert_eq!(cost(&plain, Some("kimi-k3"), None).usd, Some(3.0));
    assert_eq!(cost(&plain, None, None).usd, None);
}

#[test]
fn a_price_of_the_users_own_goes_before_the_list() {
    let price = OwnPrice { input: 1.0, cache_read: None, cache_write: None, output: 1.0, as_of: None };
    let own = OwnPrices::from([("kimi-k3".to_owned(), price)]);
    let found = cost_with(&own, &usage("kimi-k3", 1_000_000, 0, 0, 0), None, None);
    assert_eq!((found.usd, found.basis, found.as_of), (Some(1.0), CostBasis::ListPrice, None));
}

#[test]
fn a_sum_is_as_sure_as_its_least_sure_part() {
    let cost = |usd: Option<f64>, basis, as_of: Option<&str>| Cost {
        usd,
        basis,
        as_of: as_of.map(str::to_owned),
        paid: None,
    };
    let reported = cost(Some(1.0), CostBasis::Reported, None);
    let listed = cost(Some(2.0), CostBasis::ListPrice, Some("2026-10-24"));
    let sum = total([reported.clone(), listed.clone()], None);
    assert_eq!(sum, cost(Some(3.0), CostBasis::ListPrice, Some("2026-10-24")));
    assert_eq!(total([reported, cost(None, CostBasis::Unknown, None)], None), Cost::default());
    assert_eq!(total([], None), Cost::default());
}

/// A mark that the list is read whole: every row is found by its own name, and no price is nonsense.
#[test]
fn the_list_is_sound() {
    for row in list::LIST {
        assert_eq!(listed(row.model).map(|found| found.model), Some(row.model));
        let tiers = [Some(row.rates), row.long.map(|(_, rates)| rates)];
        for rates in tiers.into_iter().flatten() {
            assert!(rates.input > 0.0 && rates.output > rates.input, "{}", row.model);
            assert!(rates.cache_read.is_none_or(|read| read < rates.input), "{}", row.model);
            assert!(rates.cache_write.is_none_or(|write| write >= rates.input), "{}", row.model);
        }
        assert_eq!(row.as_of.len(), "2026-01-01".len(), "{}", row.model);
    }
}
