//! What agents tell beside the protocol: through the pipe that stands for a telemetry file, and in the log of a session.

use crate::misbehaving::PRELUDE;
use crate::room::Room;
use protocol::fact::AttemptEnd;
use std::time::Duration;

const TELEMETRY: &str = r#"
log = open(os.environ["GEMINI_TELEMETRY_OUTFILE"], "a")
def tell(name, **attributes):
    log.write(json.dumps({"attributes": {"event.name": "gemini_cli." + name, **attributes}}, indent=2) + "\n"); log.flush()
def response(model="m", i=120, o=30, c=100, t=5): tell("api_response", model=model, input_token_count=i, output_token_count=o, cached_content_token_count=c, thoughts_token_count=t, tool_token_count=0, total_token_count=i + o + t)
def refused(status, message="no"): tell("api_error", **{"status_code": status, "error.message": message, "role": "main"})
"#;

fn gemini(script: &str) -> Room {
    let mut room = Room::new();
    room.impersonated("gemini-cli", "gemini", &format!("{PRELUDE}\n{TELEMETRY}\n{script}"));
    room
}

#[tokio::test]
async fn every_call_of_the_model_is_counted_also_those_told_at_the_very_end() {
    let script = r#"
def turn(i, t):
    response("small", 10, 1, 0, 0)
    for n in range(200): tell("other", text="x" * 5000)
    response(); end(i); response()
serve(turn)"#;
    let room = gemini(script);
    let run = room.run_practice("x").await;
    assert_eq!(run.end.end, AttemptEnd::TurnEnded, "{:#?}", run.events);
    let usage = &run.end.usage;
    assert_eq!((usage.requests, usage.input, usage.cache_read), (Some(3), Some(50), Some(200)));
    assert_eq!((usage.output, usage.reasoning, usage.cache_write), (Some(71), Some(10), None));
    let models: Vec<_> = usage.models.iter().map(|m| (m.model.as_str(), m.requests)).collect();
    assert_eq!(models, [("m", Some(2)), ("small", Some(1))]);
    room.nothing_is_left();
}

#[tokio::test]
async fn a_401_ends_the_run_though_the_program_would_try_for_ever() {
    let room = gemini("serve(lambda i, t: (refused(401, 'API key not valid'), time.sleep(600)))");
    let run = room.run_practice("x").await;
    assert!(
        matches!(&run.end.end, AttemptEnd::SignedOut { reason } if reason.contains("API key not valid")),
        "{:?}",
        run.end
    );
    assert_eq!((run.end.usage.input, run.end.usage.output), (Some(0), Some(0)), "nothing was answered");
    room.nothing_is_left();
}

#[tokio::test]
async fn a_quota_that_is_gone_for_long_ends_the_run_with_its_moment() {
    let room = gemini(
        "serve(lambda i, t: (refused(429, 'Quota exceeded for requests per day. Please retry in 7200s.'), time.sleep(600)))",
    );
    let run = room.run_practice("x").await;
    assert!(matches!(run.end.end, AttemptEnd::QuotaGone { until: Some(_) }), "{:?}", run.end);
}

#[tokio::test]
async fn a_service_that_refuses_again_and_again_ends_the_run() {
    let mut room =
        gemini("serve(lambda i, t: [(refused(503, 'overloaded'), time.sleep(0.2)) for n in range(3000)])");
    room.limits.refused = Duration::from_millis(700);
    let run = room.run_practice("x").await;
    assert!(
        matches!(&run.end.end, AttemptEnd::Failed { reason } if reason.contains("503: overloaded")),
        "{:?}",
        run.end
    );
}

#[tokio::test]
async fn a_refusal_that_was_overcome_is_no_failure() {
    let mut room = gemini(
        "serve(lambda i, t: (refused(429), refused(429), time.sleep(0.4), response(), time.sleep(1), text('done'), end(i)))",
    );
    room.limits.refused = Duration::from_millis(700);
    let run = room.run_practice("x").await;
    assert_eq!(run.end.end, AttemptEnd::TurnEnded, "{:#?}", run.events);
}

/// Ends its turn well although the service refused it: only the session's log says so.
const KIMI: &str = r#"
wire = os.path.join(os.environ["HOME"], ".kimi-code/sessions/wd_x/s/agents/main/wire.jsonl")
os.makedirs(os.path.dirname(wire), exist_ok=True)
def log(**line): open(wire, "a").write(json.dumps(line) + "\n")
def turn(i, t):
    log(type="usage.record", model="m", usage={"inputOther": 20, "output": 3, "inputCacheRead": 10, "inputCacheCreation": 1})
    if "refuse" in t: log(type="turn.ended", reason="failed", error={"code": "provider.rate_limit", "message": "429 slow down", "details": {"statusCode": 429}})
    end(i)
serve(turn)"#;

#[tokio::test]
async fn the_log_of_a_session_tells_what_the_protocol_does_not() {
    let mut room = Room::new();
    room.impersonated("kimi-code", "kimi", &format!("{PRELUDE}\n{KIMI}"));
    let good = room.run_practice("work").await;
    assert_eq!(good.end.end, AttemptEnd::TurnEnded, "{:#?}", good.events);
    let usage = &good.end.usage;
    assert_eq!((usage.requests, usage.input, usage.cache_read), (Some(1), Some(20), Some(10)));
    assert_eq!((usage.cache_write, usage.output, usage.reasoning), (Some(1), Some(3), None));
    room.resume = good.end.session;
    let refused = room.run_practice("refuse").await;
    assert_eq!(refused.end.end, AttemptEnd::QuotaGone { until: None });
    assert_eq!(refused.end.usage.requests, Some(1), "only this run's: {:?}", refused.end.usage);
}
