//! In a real browser: what is remembered is found with its why, read whole, edited, superseded and forgotten; the graph is
//! drawn, with five thousand entities too; and each run says what it knew.

#![expect(clippy::unwrap_used, reason = "test code, its helpers included")]

mod browser;
mod harness;

use browser::Browser;
use harness::House;
use protocol::api::NewNote;
use protocol::fact::{Fact, NoteKind};
use protocol::note::{GraphEdit, ReadEntity, ReadRelation};
use protocol::{NoteId, Request, Response};
use serde_json::{Value, json};
use std::time::Duration;

const SEARCH: &str = "[data-testid=memory-search]";
const NOTES: &str = "[data-testid=notes]";
const OPEN: &str = "[data-testid=note-open]";
const CANVAS: &str = "[data-testid=graph-canvas]";
const ESCAPE: &str = "\u{e00c}";

fn house() -> House {
    House::open(&format!("{}[memory]\nmodel = \"none\"\n", harness::QUICK))
}

fn push(house: &House, kind: NoteKind, title: &str, text: &str) -> NoteId {
    let source = Some(format!("notes/{title}.md"));
    let note = NewNote { kind, title: title.into(), text: text.into(), source, supersedes: vec![] };
    match house.call(&Request::Push { project: None, note }) {
        Response::Pushed { mut notes } => notes.remove(0).note,
        other => unreachable!("push: {other:?}"),
    }
}

fn shop(house: &House) -> NoteId {
    let colours = push(
        house,
        NoteKind::Decision,
        "Colours",
        "Headings of the shop are rye brown, never red; see app/theme.css and app/shop/menu.tsx.",
    );
    push(
        house,
        NoteKind::Failure,
        "Pictures",
        "The build failed: the package sharp needs libvips. app/shop/menu.tsx uses sharp.",
    );
    push(
        house,
        NoteKind::Glossary,
        "Sauerteig",
        "Sauerteig is the name of the bakery and of its starter dough.",
    );
    push(
        house,
        NoteKind::Document,
        "Orders",
        "Orders go by POST /api/orders to the kitchen; app/shop/order.ts reads ORDER_MAIL.",
    );
    colours
}

fn go(browser: &Browser, place: &str) {
    browser.js("location.hash = arguments[0]", vec![json!(format!("#/{place}"))]);
}

fn open_note(browser: &Browser, note: &NoteId) {
    go(browser, &format!("memory/{note}"));
    browser.see(&format!("{OPEN}[data-note={note}]"));
}

/// In place of what is in the field.
fn write(browser: &Browser, css: &str, text: &str) {
    browser.see(css);
    browser.js("document.querySelector(arguments[0]).select()", vec![json!(css)]);
    browser.type_into(css, text);
}

/// Waits until nothing moves on the canvas and it shows this many entities.
fn drawn(browser: &Browser, nodes: &str) -> u64 {
    let look = format!(
        "const c = document.querySelector(args[0]); const n = +c.dataset.nodes; \
         return c.dataset.settled === 'true' && ({nodes}) && n"
    );
    browser.until(&format!("a drawing of {nodes}"), &look, vec![json!(CANVAS)]).as_u64().unwrap()
}

/// Pixels of the canvas that are not its ground, and how many colours they have.
fn pixels(browser: &Browser) -> (u64, u64) {
    let count = "const c = document.querySelector(arguments[0]); \
        const copy = document.createElement('canvas'); copy.width = c.width; copy.height = c.height; \
        const on = copy.getContext('2d', { willReadFrequently: true }); on.drawImage(c, 0, 0); \
        const px = new Uint32Array(on.getImageData(0, 0, c.width, c.height).data.buffer); \
        const seen = new Set(); let n = 0; for (const p of px) if (p >>> 24 > 60) { n++; seen.add(p) } return [n, seen.size]";
    let found = browser.js(count, vec![json!(CANVAS)]);
    (found[0].as_u64().unwrap(), found[1].as_u64().unwrap())
}

fn canvas(browser: &Browser, what: &str) -> String {
    browser.attribute(CANVAS, what).unwrap_or_default()
}

#[test]
fn what_one_types_is_found_with_its_why_and_its_cost() {
    let house = house();
    shop(&house);
    let browser = Browser::signed_in(&house);
    go(&browser, "memory");
    browser.until(
        "four notes",
        "return document.querySelectorAll('[data-testid=note]').length === 4",
        vec![],
    );
    browser.type_into(SEARCH, "which brown");
    browser.says("[data-testid=note-why]", "brown");
    browser.says("[data-testid=told]", "tokens");
    browser.click("[data-testid=note]");
    browser.says("[data-testid=note-text]", "rye brown");
    browser.says("[data-testid=note-from]", "notes/Colours.md");
    browser.see("[data-testid=note-entity]");
    browser.picture("memory");

    // One kind, another kind, every mode.
    browser.click("[data-testid=kind-filter][data-kind=failure]");
    browser.until("no decision", "return ![...document.querySelectorAll('[data-testid=note]')].some(n => n.textContent.includes('Colours'))", vec![]);
    browser.click("[data-testid=kind-filter][data-kind=failure]");
    browser.says(NOTES, "Colours");
    browser.js("document.querySelector('[data-testid=recall-mode]').closest('details').open = true", vec![]);
    browser.choose("[data-testid=recall-mode]", "bypass");
    browser.says(NOTES, "Nothing in memory matches");
    browser.choose("[data-testid=recall-mode]", "naive");
    browser.says(NOTES, "Colours");
    browser.type_into(SEARCH, " zzzz qqqq");
    write(&browser, SEARCH, "zzzzqqqq");
    browser.says(NOTES, "Nothing in memory matches");
    browser.is_quiet();
}

#[test]
fn a_note_is_edited_and_superseded_and_its_older_version_says_so() {
    let house = house();
    let old = shop(&house);
    let browser = Browser::signed_in(&house);
    open_note(&browser, &old);
    browser.click("[data-testid=edit-note]");
    assert_eq!(browser.value("[data-testid=edit-title]"), "Colours");
    assert_eq!(browser.value("[data-testid=edit-kind]"), "decision");
    write(&browser, "[data-testid=edit-text]", "Headings of the shop are petrol from now on.");
    browser.picture("memory-edit");
    browser.click("[data-testid=edit]");
    browser.says("[data-testid=note-text]", "petrol");
    browser.says(OPEN, "It supersedes");
    let new = house.notes().into_iter().find(|row| row.text.contains("petrol")).unwrap();
    assert_eq!((new.title.as_str(), new.note_kind), ("Colours", NoteKind::Decision));
    let gone = format!("return !document.querySelector('[data-testid=note][data-note=\"{old}\"]')");
    browser.until("the old one out of the list", &gone, vec![]);
    browser.click("[data-testid=note-link]");
    browser.says(OPEN, "A newer note says it better");

    // By hand: another note that was there already.
    let other =
        push(&house, NoteKind::Decision, "Look", "Everything of the shop is black and white, headings too.");
    open_note(&browser, &new.note);
    browser.click("[data-testid=supersede-note]");
    browser.type_into("[data-testid=supersede-search]", "black and white");
    browser.click("[data-testid=supersede-by]");
    browser.says(OPEN, "A newer note says it better");
    let row = house.notes().into_iter().find(|row| row.note == new.note).unwrap();
    assert_eq!(row.superseded_by, Some(other));
    browser.is_quiet();
}

#[test]
fn a_note_is_pushed_with_its_source() {
    let house = house();
    let browser = Browser::signed_in(&house);
    go(&browser, "memory");
    browser.says(NOTES, "Memory is empty");
    browser.click("summary");
    browser.choose("[data-testid=push-kind]", "preference");
    browser.type_into("[data-testid=push-text]", "Short words before long ones.");
    browser.type_into("[data-testid=push-source]", "style/words.md");
    browser.click("[data-testid=push]");
    browser.says(NOTES, "Short words before long ones.");
    let row = house.notes().pop().unwrap();
    assert_eq!((row.source.as_str(), row.note_kind), ("style/words.md", NoteKind::Preference));
    assert_eq!(row.title, "Short words before long ones.", "without a title: its first line");
    browser.is_quiet();
}

#[test]
fn what_is_forgotten_is_gone_from_list_search_and_graph() {
    let house = house();
    shop(&house);
    let secret = push(
        &house,
        NoteKind::Document,
        "Zebra",
        "The zebra crossing is drawn by app/zebra/stripes.tsx with pkg-zebra.",
    );
    let browser = Browser::signed_in(&house);
    go(&browser, "memory/graph");
    drawn(&browser, "n > 3");
    browser.type_into("[data-testid=graph-find]", "zebra");
    browser.click("[data-testid=graph-find-found]");
    browser.says("[data-testid=graph-focus]", "zebra");
    drawn(&browser, "n > 0");
    open_note(&browser, &secret);
    browser.click("[data-testid=forget]");
    browser.says(OPEN, "This deletes for ever");
    browser.picture("memory-forget");
    browser.click("[data-testid=forget-yes]");
    house.wait(|entry| matches!(entry.fact, Fact::MemoryForgotten(_)).then_some(()));
    browser.gone(OPEN);
    browser.until(
        "out of the list",
        "return document.querySelectorAll('[data-testid=note]').length === 4",
        vec![],
    );
    browser.type_into(SEARCH, "zebra");
    browser.says(NOTES, "Nothing in memory matches");
    go(&browser, "memory/graph");
    drawn(&browser, "n > 3");
    browser.type_into("[data-testid=graph-find]", "zebra");
    browser.says("[data-testid=graph]", "No entity has these letters");
    browser.is_quiet();
}

#[test]
fn a_run_says_what_it_knew_and_the_meter_what_it_cost() {
    let house = house();
    let note = shop(&house);
    let request = house.live("A page for the bakery Sauerteig, headings in its brown colours");
    assert!(house.oriented(&request).recalled.iter().any(|hit| hit.note == note));
    let browser = Browser::signed_in(&house);
    go(&browser, "deployments");
    browser.click("[data-testid=deployments-row] .cell-text");
    let fold = "for (const s of document.querySelectorAll('[data-testid=deployment-detail] summary')) \
                if (s.textContent.includes('What did this run know')) { s.click(); return true } return false";
    browser.until("the fold", &fold.replace("document", "window.document"), vec![]);
    browser.says("[data-testid=knew]", "Colours");
    browser.says("[data-testid=knew]", "in its brief");
    browser.picture("memory-knew");
    browser.keys(ESCAPE);
    open_note(&browser, &note);
    browser.says(OPEN, "Hermes woke up");

    go(&browser, "memory/state");
    browser.says("[data-testid=meter-row]", "tokens");
    browser.says("[data-testid=memory-state]", "Relations");
    browser.see("[data-testid=model][data-model=none]");
    browser.says("[data-testid=enrichment]", "Off");
    browser.picture("memory-state");

    house.call(&Request::Forget { note: note.clone() });
    go(&browser, "deployments");
    browser.click("[data-testid=deployments-row] .cell-text");
    browser.until("the fold", &fold.replace("document", "window.document"), vec![]);
    browser.says("[data-testid=knew]", "a note that was forgotten since");
    browser.is_quiet();
}

/// What a large project's memory names: hubs with what hangs on them, and some relations across.
fn five_thousand(house: &House) {
    const KINDS: [&str; 10] =
        ["file", "symbol", "file", "package", "route", "term", "file", "error", "env", "symbol"];
    let name = |i: usize| match KINDS[i % 10] {
        "file" => format!("app/part{}/view{i}.tsx", i % 70),
        "symbol" => format!("renderPart{i}"),
        "package" => format!("package-{i}"),
        "route" => format!("/api/part/{i}"),
        "error" => format!("TypeError: part{i} is undefined"),
        "env" => format!("PART_{i}"),
        _ => format!("Part {i}"),
    };
    let entity = |i: usize| {
        GraphEdit::PutEntity(ReadEntity {
            name: name(i),
            kind: KINDS[i % 10].into(),
            description: String::new(),
        })
    };
    let relation = |a: usize, b: usize| {
        GraphEdit::PutRelation(ReadRelation {
            source: name(a),
            target: name(b),
            keywords: "with".into(),
            description: String::new(),
            weight: 1.0,
        })
    };
    let hubs = 70;
    let mut edits: Vec<GraphEdit> = (0..5_000).map(entity).collect();
    edits.extend((1..5_000).map(|i| relation(i, if i < hubs { i / 3 } else { i % hubs })));
    edits.extend(
        (hubs..5_000)
            .map(|i| relation(i, hubs + (i * 7 + 13) % (5_000 - hubs)))
            .filter(|e| matches!(e, GraphEdit::PutRelation(r) if r.source != r.target)),
    );
    for some in edits.chunks(100) {
        house.call(&Request::EditGraph { project: None, edits: some.to_vec() });
    }
}

/// Frame times in milliseconds, sorted, while something is done to the canvas in every frame.
fn frames(browser: &Browser, doing: &str) -> Vec<f64> {
    let measure = "const c = document.querySelector(args[0]), box = c.getBoundingClientRect(), x = box.left + box.width / 2, y = box.top + box.height / 2; \
        const send = (type, dx, dy, more) => c.dispatchEvent(new (type === 'wheel' ? WheelEvent : PointerEvent)(type, \
            { clientX: x + dx, clientY: y + dy, pointerId: 1, bubbles: true, cancelable: true, ...more })); \
        const all = []; let last = 0, i = 0; if (args[1] === 'pan') send('pointerdown', 0, 0); \
        const step = now => { if (last) all.push(now - last); last = now; const a = i++ / 20; \
            if (args[1] === 'zoom') send('wheel', 0, 0, { deltaY: i % 60 < 30 ? -20 : 20 }); \
            else send('pointermove', Math.sin(a) * 300, Math.sin(a * 1.7) * 200); \
            if (i < 240) requestAnimationFrame(step); \
            else { if (args[1] === 'pan') send('pointerup', 900, 900); window.frames_ = all } }; \
        requestAnimationFrame(step)";
    browser.js("window.frames_ = null", vec![]);
    let begin = measure.replace("args[", "arguments[");
    browser.js(&begin, vec![json!(CANVAS), json!(doing)]);
    let found = browser.until_within(Duration::from_secs(120), "all frames", "return window.frames_", vec![]);
    let mut all: Vec<f64> = found.as_array().unwrap().iter().filter_map(Value::as_f64).collect();
    all.sort_by(f64::total_cmp);
    all
}

#[test]
fn a_graph_of_five_thousand_is_drawn_and_can_be_read() {
    let house = house();
    shop(&house);
    five_thousand(&house);
    let browser = Browser::signed_in(&house);
    browser.prefers("light");
    go(&browser, "memory/graph");
    // At first sight: the most connected, no hairball.
    assert_eq!(drawn(&browser, "n > 0"), 60);
    let (count, colours) = pixels(&browser);
    assert!(count > 2_000 && colours > 20, "{count} pixels in {colours} colours");
    browser.says("[data-testid=graph-says]", "60 of 5,0");
    browser.picture("memory-graph");

    // One in the middle, by a click in the list beside; another by its name.
    browser.click("[data-testid=graph-entity]");
    let middle = browser.text("[data-testid=graph-focus]");
    browser.until(
        "it in the middle",
        "return document.querySelector(args[0]).dataset.middle === args[1]",
        vec![json!(CANVAS), json!(middle)],
    );
    assert!(drawn(&browser, "n > 20") <= 120);
    browser.says("[data-testid=graph-relations]", "with");
    browser.picture("memory-graph-focus");
    let before = canvas(&browser, "data-nodes").parse::<u64>().unwrap();
    browser.click("[data-testid=graph-relations] [data-testid=graph-expand]");
    drawn(&browser, &format!("n > {before}"));

    // The way to another.
    browser.type_into("[data-testid=graph-path]", "renderPart4321");
    browser.click("[data-testid=graph-path-found]");
    browser.says("[data-testid=graph-way]", "renderPart4321");
    drawn(&browser, "+c.dataset.path > 1");
    let way = browser.count("[data-testid=graph-way] li");
    assert_eq!(canvas(&browser, "data-path"), way.to_string());
    browser.picture("memory-graph-path");

    // Back, by the browser's own history; a kind; a time before there was anything.
    browser.click("[data-testid=graph-back]");
    browser.until(
        "no focus",
        "return document.querySelector(args[0]).dataset.middle === ''",
        vec![json!(CANVAS)],
    );
    browser.click("[data-testid=graph-kind][data-kind=error]");
    browser.until("errors only", "const r = [...document.querySelectorAll('[data-testid=graph-entity] svg')]; return r.length && r.every(s => s.getAttribute('aria-label') === 'error')", vec![]);
    browser.click("[data-testid=graph-kind][data-kind=error]");
    let day = "const d = document.querySelector(arguments[0]); d.value = arguments[1]; d.dispatchEvent(new Event('change'))";
    browser.js(day, vec![json!("[data-testid=graph-until]"), json!("2001-01-01")]);
    browser.says("[data-testid=graph]", "No entity is left");
    browser.js(day, vec![json!("[data-testid=graph-until]"), json!("")]);
    drawn(&browser, "n === 60");

    // All of them.
    browser.click("[data-testid=graph-all]");
    assert_eq!(drawn(&browser, "n > 1000"), 5_000);
    assert!(canvas(&browser, "data-edges").parse::<u64>().unwrap() > 9_000);
    let (count, colours) = pixels(&browser);
    assert!(count > 10_000 && colours > 50, "{count} pixels in {colours} colours");
    browser.picture("memory-graph-5000");
    for doing in ["pan", "zoom", "hover"] {
        let all = frames(&browser, doing);
        let at = |part: usize| all[all.len() * part / 100];
        println!(
            "5,000 entities, {doing}: a frame takes {:.1} ms (median), {:.1} ms (95 of 100), {:.1} ms (worst)",
            at(50),
            at(95),
            all[all.len() - 1]
        );
        assert_eq!(all.len(), 239);
    }
    drawn(&browser, "n === 5000");

    // The same without a picture: by keyboard, from the list.
    browser.js("document.querySelector('[data-testid=graph-as-list] summary').click()", vec![]);
    browser.until(
        "a list",
        "return document.querySelectorAll('[data-testid=graph-list] li.item').length === 100",
        vec![],
    );
    let name = browser.attribute("[data-testid=graph-list] [data-testid=graph-entity]", "data-name").unwrap();
    browser
        .js("document.querySelector('[data-testid=graph-list] [data-testid=graph-entity]').focus()", vec![]);
    browser.keys("\u{e007}");
    browser.says("[data-testid=graph-focus]", &name);
    browser.keys(ESCAPE);
    browser.until("the graph again", "return location.hash === '#/memory/graph'", vec![]);
    browser.is_quiet();
}

/// A pointer on the canvas: what is under it is named, a click brings it into the middle.
#[test]
fn an_entity_is_pointed_at_and_clicked() {
    let house = house();
    shop(&house);
    let browser = Browser::signed_in(&house);
    browser.prefers("light");
    go(&browser, "memory/graph");
    drawn(&browser, "n > 3");
    let look = "const c = document.querySelector(args[0]), box = c.getBoundingClientRect(); \
        const copy = document.createElement('canvas'); copy.width = c.width; copy.height = c.height; \
        const on = copy.getContext('2d', { willReadFrequently: true }); on.drawImage(c, 0, 0); \
        for (let y = 4; y < box.height; y += 6) for (let x = 4; x < box.width; x += 6) { \
            const at = { clientX: box.left + x, clientY: box.top + y, pointerId: 1, bubbles: true }; \
            const px = on.getImageData(x, y, 1, 1).data; if (px[3] < 250) continue; \
            for (const type of ['pointermove', 'pointerdown', 'pointerup']) c.dispatchEvent(new PointerEvent(type, at)); \
            if (location.hash.startsWith('#/memory/graph/')) return true } return false";
    browser.until("an entity under the pointer", look, vec![json!(CANVAS)]);
    browser.see("[data-testid=graph-focus]");
    browser.until(
        "it in the middle",
        "return document.querySelector(args[0]).dataset.middle !== ''",
        vec![json!(CANVAS)],
    );
    // Without a motion that one does not want, and in a narrow window too.
    browser.resize(420, 860);
    drawn(&browser, "n > 0");
    let wide = browser.js("return document.documentElement.scrollWidth", vec![]).as_u64().unwrap();
    assert!(wide <= 420, "{wide} pixels: nothing is cut off at the side");
    browser.is_quiet();
}
