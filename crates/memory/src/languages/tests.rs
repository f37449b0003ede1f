use super::*;

fn terms(text: &str) -> String {
    indexed(text).terms
}

fn asked(question: &str) -> Vec<String> {
    ask(question, &[]).terms.into_iter().map(|term| term.word).collect()
}

#[test]
fn names_are_found_by_their_parts_and_as_a_whole() {
    assert_eq!(
        terms("OrderTotal order_total HTTPServer userIDs"),
        "order total ordertot order total ordertot http server httpserver user id userid"
    );
    assert_eq!(indexed("OrderTotal").count, 2);
    assert_eq!(asked("where is order_total?"), ["order_total"; 3]);
}

#[test]
fn small_words_are_not_indexed_and_not_asked() {
    assert_eq!(terms("The bakery's hours are in the footer"), "bakeri hour footer");
    assert_eq!(asked("What are the hours of the bakery, the HOURS?"), ["hours", "bakery"]);
    assert!(asked("what is it?").is_empty());
}

#[test]
fn a_spaceless_run_is_cut_into_pairs_on_both_sides() {
    assert_eq!(terms("面包店 bakery"), "面包 包店 bakeri");
    let asked = ask("面包店在哪里", &[]);
    assert!(asked.terms.iter().any(|term| term.own == ["面包"]));
    assert!(asked.terms.iter().any(|term| term.translated.contains(&"bakeri".to_owned())));
}

#[test]
fn a_language_is_known_by_its_script_or_its_small_words() {
    for (text, language) in [
        ("Why did the deployment fail?", Language::English),
        ("Почему упал деплой?", Language::Russian),
        ("Чому впав сервіс і що це було?", Language::Ukrainian),
        ("¿Por qué falló el despliegue de la tienda?", Language::Spanish),
        ("为什么部署失败", Language::Chinese),
        ("デプロイはなぜ失敗した", Language::Japanese),
        ("Warum ist die Bereitstellung fehlgeschlagen?", Language::German),
        ("Pourquoi le déploiement a échoué dans la boutique ?", Language::French),
        ("parse_config", Language::English),
        ("", Language::English),
    ] {
        assert_eq!(Language::of(text), language, "{text}");
        assert_eq!(Language::numbered(language.number()), language);
    }
}

#[test]
fn a_question_in_another_language_is_asked_in_english_too() {
    let asked = ask("Почему упала миграция базы в PostgreSQL?", &[Language::English]);
    let translated: Vec<&str> =
        asked.terms.iter().flat_map(|term| term.translated.iter().map(String::as_str)).collect();
    for word in ["migrat", "databas", "crash"] {
        assert!(translated.contains(&word), "{word} in {translated:?}");
    }
    assert!(asked.terms.iter().any(|term| term.own == ["postgresql"]));
    let gloss = asked.gloss.unwrap();
    assert!(gloss.contains("migration") && gloss.contains("postgre"), "{gloss}");
}

#[test]
fn an_english_question_is_asked_in_the_languages_of_the_notes() {
    let asked = ask("why did the backup fail?", &[Language::English, Language::Russian]);
    let backup = asked.terms.iter().find(|term| term.word == "backup").unwrap();
    assert!(backup.translated.contains(&stems::stem("резервный", Language::Russian)));
    assert!(
        ask("why did the backup fail?", &[Language::English])
            .terms
            .iter()
            .all(|term| term.translated.is_empty())
    );
}

#[test]
fn a_question_of_ten_megabytes_is_about_its_first_words() {
    let page = "слово word 字词 ".repeat(500_000);
    assert!(ask(&page, &Language::ALL).terms.len() < 48);
    let one = "a".repeat(10_000_000);
    assert!(ask(&one, &[]).terms.is_empty());
}

#[test]
fn now_is_heard() {
    assert!(ask("Which database do we use now?", &[]).current);
    assert!(ask("какую базу мы используем сейчас", &[]).current);
    assert!(!ask("Which database did we use?", &[]).current);
}

proptest::proptest! {
    #[test]
    fn whatever_is_asked_gives_terms_without_blanks(text in "\\PC{0,80}") {
        for term in ask(&text, &Language::ALL).terms {
            for each in term.own.iter().chain(&term.translated) {
                proptest::prop_assert!(!each.is_empty() && !each.contains(char::is_whitespace));
            }
        }
        let indexed = indexed(&text);
        proptest::prop_assert!(indexed.count as usize <= indexed.terms.split_whitespace().count());
    }
}
