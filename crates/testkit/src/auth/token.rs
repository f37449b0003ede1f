//! Made-up tokens in the form that the programs take apart: three parts, the middle one readable.

use super::EMAIL;
use serde_json::{Value, json};
use std::time::{SystemTime, UNIX_EPOCH};

/// A token that says whose it is and until when, as OpenAI's do; Kimi reads less of it.
pub fn access(lifetime: u64) -> String {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_secs();
    token(&json!({
        "sub": "user-made-up", "email": EMAIL, "iat": now, "exp": now + lifetime,
        "https://api.openai.com/auth": {
            "chatgpt_account_id": "account-made-up", "chatgpt_plan_type": "plus", "chatgpt_user_id": "user-made-up",
        },
    }))
}

fn token(claims: &Value) -> String {
    let head = json!({"alg": "none", "typ": "JWT"});
    [&head, claims].map(|part| base64url(part.to_string().as_bytes())).join(".")
        + "."
        + &base64url(b"unsigned")
}

fn base64url(bytes: &[u8]) -> String {
    const DIGITS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
    let mut text = String::new();
    for chunk in bytes.chunks(3) {
        let bits =
            chunk.iter().fold(0u32, |bits, byte| bits << 8 | u32::from(*byte)) << (8 * (3 - chunk.len()));
        for digit in 0..=chunk.len() {
            let at = bits >> (18 - 6 * digit) & 63;
            text.extend(DIGITS.get(at as usize).map(|digit| char::from(*digit)));
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_is_the_base64_of_the_rfc_without_padding() {
        let table =
            [("", ""), ("f", "Zg"), ("fo", "Zm8"), ("foo", "Zm9v"), ("foob", "Zm9vYg"), ("fooba", "Zm9vYmE")];
        for (plain, coded) in table {
            assert_eq!(base64url(plain.as_bytes()), coded);
        }
        assert_eq!(base64url(&[0xfb, 0xff]), "-_8");
    }
}
