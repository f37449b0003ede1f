//! Small words: what says nothing of what a text is about, and gives a language away.

use super::language::Language;
use super::words;

const ENGLISH: &str = "a about after again all also am an and any are as at be been but by can cannot could did do does \
    doing don done each for from had has have having he her here hers him his how i if in into is it its itself just let \
    ll me more most my no nor not of off on once only or other our ours out over own please s same she should so some such \
    t than that the their theirs them then there these they this those through to too under until up upon us ve very was \
    we were what when where which while who whom whose why will with would you your yours re m d";
/// Words of questions more than of notes. They are looked up, since code and names may hold them.
const WEAK: &str = "add ask became become come everything get gets getting give given go goes going gone got happen happened \
    happens keep kept know known let like long look made make many may mean might much must need needs one people put really \
    said say see seem take tell thing things think time times two use used uses using want way without work works";
const RUSSIAN: &str = "и в во не что он на я с со как а то все она так его но да ты к у же вы за бы по только ее мне было \
    вот от меня еще нет о об из ему теперь когда даже ну вдруг ли если уже или ни быть был него до вас нибудь опять вам \
    сказал ведь там потом себя ничего ей может они тут где есть надо ней для мы тебя их чем была сам чтоб без будто чего \
    раз тоже себе под будет ж тогда кто этот того потому этого какой какая какое какие каком какую каким ним здесь этом \
    один почти мой тем чтобы нее сейчас были куда зачем всех никогда можно при наконец два другой хоть после над больше \
    тот через эти нас про всего них много разве три эту моя свою этой перед лучше чуть том нельзя такой им более всегда \
    конечно всю между это наш наша наше наши нашем нашей нашего который которая которые которое почему сколько чей чья \
    делаем делать делали сделать сделали";
const UKRAINIAN: &str = "і й та в у не що він на я з із зі як а то все вона так його але до від за по для про чи це цей ця \
    ці того тому ми ви вони нас нам наш наша наше наші де коли який яка яке які якою якому чому є був була було були бути \
    щоб без при після над під через також ще вже тільки або ні хто чим";
const SPANISH: &str = "de la que el en y a los del se las por un para con no una su al lo como mas pero sus le ya o este si \
    porque esta entre cuando muy sin sobre tambien me hasta hay donde quien desde todo nos durante todos uno les ni contra \
    otros ese eso ante ellos e esto mi antes algunos que unos yo otro otras otra el tanto esa estos mucho quienes nada muchos \
    cual cuales poco ella estar estas algunas algo nosotros tu es son fue era eran ser sido esta estan estaba hemos ha han \
    hace hacer usamos nuestro nuestra nuestros nuestras cuanto cuantos";
const GERMAN: &str = "der die das den dem des ein eine einer eines einem einen und oder aber nicht kein keine ist sind war \
    waren wird werden wurde wurden hat haben hatte hatten ich du er sie es wir ihr mich mir uns euch ihm ihn ihnen sein \
    seine unser unsere unserem unserer mit von vom zu zum zur bei beim auf aus in im an am um nach vor fur uber unter gegen \
    ohne durch als wie was wer wo wann warum wieso weshalb welche welcher welches welchem welchen wenn dass ob so auch nur \
    noch schon mehr sehr hier dort dann denn man da soll sollen kann konnen muss mussen";
const FRENCH: &str = "le la les un une des du de d et ou mais ne pas non est sont etait etaient ete etre a ont avait avons \
    avoir je tu il elle nous vous ils elles on ce cet cette ces mon ma mes ton ta tes son sa ses notre nos votre vos leur \
    leurs que qui quoi dont ou quand comment pourquoi quel quelle quels quelles si dans en au aux avec sans sur sous pour \
    par vers chez entre plus moins tres aussi meme y se s l n j m t c qu fait faire faut";
const PORTUGUESE: &str = "de a o que e do da em um para com nao uma os no se na por mais as dos como mas ao ele das seu sua ou \
    quando muito nos ja eu tambem so pelo pela ate isso ela entre depois sem mesmo aos seus quem nas me esse eles voce essa \
    num nem suas meu minha numa pelos elas qual quais nosso nossa nossos nossas este esta isto aquele onde foi foram era sao \
    ser estar esta estao tem temos porque quanto usamos";
const ITALIAN: &str = "il lo la i gli le un uno una di a da in con su per tra fra e o ma non che chi cui come quando dove \
    perche quale quali quanto del dello della dei degli delle al allo alla ai agli alle dal dalla nel nella nei nelle sul \
    sulla si ci vi mi ti se e sono era erano essere stato ha hanno abbiamo avere questo questa questi queste nostro nostra \
    nostri nostre anche piu molto gia";
/// What pairs of Chinese and Japanese characters say nothing.
const CHINESE: &str = "什么 怎么 为什 么样 哪个 哪些 哪里 多少 我们 他们 你们 这个 那个 是否 如何 因为 所以 的是 了吗 是什 们的 我的 的时 时候 么时 \
    是在 是用 用的 的什";
const JAPANESE: &str = "です ます した して いる ある ない から まで この その どの どこ なぜ です すか ので たち っと ました ます とは とき ため を使 \
    のは のを のが には では";

fn list(language: Language) -> &'static str {
    match language {
        Language::English => ENGLISH,
        Language::Russian => RUSSIAN,
        Language::Spanish => SPANISH,
        Language::Chinese => CHINESE,
        Language::German => GERMAN,
        Language::French => FRENCH,
        Language::Portuguese => PORTUGUESE,
        Language::Japanese => JAPANESE,
        Language::Ukrainian => UKRAINIAN,
        Language::Italian => ITALIAN,
    }
}

/// Sorted, for a quick look.
static LISTS: std::sync::LazyLock<Vec<Vec<&'static str>>> = std::sync::LazyLock::new(|| {
    let sorted = |language| {
        let mut words: Vec<&str> = list(language).split_whitespace().collect();
        words.sort_unstable();
        words
    };
    Language::ALL.into_iter().map(sorted).collect()
});

pub(crate) fn is_small(word: &str, language: Language) -> bool {
    let plain;
    let word = if word.is_ascii() {
        word
    } else {
        plain = words::plain(word);
        &plain
    };
    LISTS.get(usize::from(language.number())).is_some_and(|list| list.binary_search(&word).is_ok())
}

pub(crate) fn is_weak(word: &str) -> bool {
    WEAK.split_whitespace().any(|each| each == word)
}

/// Whether the index has no use for the word. English ones go in every language, since names and code are English.
pub(crate) fn says_nothing(word: &str, language: Language) -> bool {
    is_small(word, Language::English) || (language != Language::English && is_small(word, language))
}
