//! Which language a text is written in, as far as its stems and stop words depend on it.

use super::stop;
use super::words::{self, Kind};

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) enum Language {
    English,
    Russian,
    Spanish,
    Chinese,
    German,
    French,
    Portuguese,
    Japanese,
    Ukrainian,
    Italian,
}

/// Of a long text this much is looked at.
const SAMPLE: usize = 2_000;

impl Language {
    pub(crate) const ALL: [Language; 10] = [
        Language::English,
        Language::Russian,
        Language::Spanish,
        Language::Chinese,
        Language::German,
        Language::French,
        Language::Portuguese,
        Language::Japanese,
        Language::Ukrainian,
        Language::Italian,
    ];

    pub(crate) fn number(self) -> u8 {
        Language::ALL.iter().zip(0..).find(|(each, _)| **each == self).map_or(0, |(_, number)| number)
    }

    /// ISO 639-1.
    pub(crate) fn code(self) -> &'static str {
        match self {
            Language::English => "en",
            Language::Russian => "ru",
            Language::Spanish => "es",
            Language::Chinese => "zh",
            Language::German => "de",
            Language::French => "fr",
            Language::Portuguese => "pt",
            Language::Japanese => "ja",
            Language::Ukrainian => "uk",
            Language::Italian => "it",
        }
    }

    pub(crate) fn numbered(number: u8) -> Language {
        Language::ALL.get(usize::from(number)).copied().unwrap_or(Language::English)
    }

    /// By script, and among the languages in Latin letters by the small words that each has most of. English when nothing
    /// speaks for another.
    pub(crate) fn of(text: &str) -> Language {
        let sample = text.get(..text.floor_char_boundary(SAMPLE)).unwrap_or(text);
        let (mut cyrillic, mut ukrainian, mut latin, mut han, mut kana) = (0, 0, 0, 0, 0);
        for c in sample.chars() {
            match c {
                'і' | 'ї' | 'є' | 'ґ' | 'І' | 'Ї' | 'Є' | 'Ґ' => ukrainian += 1,
                '\u{0400}'..='\u{04FF}' => cyrillic += 1,
                '\u{3040}'..='\u{30FF}' => kana += 1,
                c if words::is_spaceless(c) => han += 1,
                c if c.is_alphabetic() => latin += 1,
                _ => {}
            }
        }
        // A Chinese character says about what three letters say, and notes in every language hold English names.
        if 3 * (han + kana) * 2 > latin {
            if kana * 8 > han {
                return Language::Japanese;
            }
            if han > 0 {
                return Language::Chinese;
            }
        }
        if (cyrillic + ukrainian) * 2 > latin {
            return if ukrainian * 30 > cyrillic { Language::Ukrainian } else { Language::Russian };
        }
        Language::of_latin(sample)
    }

    fn of_latin(sample: &str) -> Language {
        let mut counts = [0u32; 10];
        words::each_word(sample, |word| {
            if word.kind == Kind::Part {
                for (language, count) in Language::ALL.iter().zip(&mut counts) {
                    *count += u32::from(stop::is_small(&word.text, *language));
                }
            }
        });
        let english = counts.first().copied().unwrap_or(0);
        let best = Language::ALL.into_iter().zip(counts).skip(1).max_by_key(|(_, count)| *count);
        match best {
            Some((language, count)) if count > english => language,
            Some(_) | None => Language::English,
        }
    }
}
